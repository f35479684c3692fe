"""Seal how a buyer gets into its cards with keys that are not in the database."""

from django.utils.translation import gettext as _

from core import sealing
from core.errors import Conflict
from core.sealing import seal

__all__ = ["Unreadable", "seal", "unseal"]


class Unreadable(Conflict):
    """The details were sealed with a key that is gone; the provider reports them again."""

    code = "access-unreadable"


def unseal(sealed: bytes) -> str:
    """Return the text that was sealed under any of the keys.

    :raises Unreadable: if none of them opens it.
    """
    try:
        return sealing.unseal(sealed)
    except sealing.UnopenedError as error:
        raise Unreadable(_("The access details cannot be read any more; ask the provider for new ones.")) from error
