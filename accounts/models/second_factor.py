"""The authenticator app of a user, whose secret a copy of the database does not tell."""

from collections.abc import Callable
from typing import Any, TypeVar

from django.utils.translation import gettext as _
from django_otp.plugins.otp_totp.models import TOTPDevice

from core import sealing
from core.errors import Conflict

SEALED = "sealed:"
Kind = TypeVar("Kind")


class SecondFactorUnreadable(Conflict):
    """The secret was sealed with a key that is gone, or for another user."""

    code = "second-factor-unreadable"


class Authenticator(TOTPDevice):
    """A device of django-otp whose key is sealed for its user when it is saved, and each time under the newest key."""

    key: str

    class Meta:
        proxy = True
        default_permissions = ()

    @property
    def bin_key(self) -> bytes:
        """Return the secret.

        :raises SecondFactorUnreadable: if no key opens it.
        """
        return self._opened(sealing.unseal_secret)

    @property
    def is_readable(self) -> bool:
        """Return whether a key opens the secret."""
        try:
            return bool(self.bin_key)
        except SecondFactorUnreadable:
            return False

    def save(self, *args: Any, **options: Any) -> None:
        """Save with the key sealed.

        :raises SecondFactorUnreadable: if it is sealed, and no key opens it.
        """
        if self.key.startswith(SEALED):
            self.key = SEALED + self._opened(sealing.renewed)
        else:
            self.key = SEALED + sealing.seal_secret(bytes.fromhex(self.key), of=self._of)
        super().save(*args, **options)

    @property
    def _of(self) -> str:
        return f"authenticator of user {self.user_id}"

    def _opened(self, way: Callable[..., Kind]) -> Kind:
        try:
            return way(self.key.removeprefix(SEALED), of=self._of)
        except sealing.UnopenedError as error:
            gone = _("This second factor cannot be read any more: an administrator removes it, then you enrol again.")
            raise SecondFactorUnreadable(gone, fields={"code": gone}) from error
