"""Seal how a buyer gets into its cards with keys that are not in the database."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from django.conf import settings
from django.utils.translation import gettext as _

from core.errors import Conflict


class Unreadable(Conflict):
    """The details were sealed with a key that is gone; the provider reports them again."""

    code = "access-unreadable"


def seal(text: str) -> bytes:
    """Return a text that only ``unseal`` reads, under the newest key."""
    return _keys().encrypt(text.encode())


def unseal(sealed: bytes) -> str:
    """Return the text that was sealed under any of the keys.

    :raises Unreadable: if none of them opens it.
    """
    try:
        return _keys().decrypt(sealed).decode()
    except InvalidToken as error:
        raise Unreadable(_("The access details cannot be read any more; ask the provider for new ones.")) from error


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(_stretched(key)) for key in settings.ACCESS_KEYS])


def _stretched(key: str) -> bytes:
    return base64.urlsafe_b64encode(hashlib.sha256(key.encode()).digest())
