"""Seal what a copy of the database must not tell, under keys that are not in it: ``ACCESS_KEYS``, the newest first.

``seal`` is for texts. ``seal_secret`` is for short secrets in narrow columns: it names what the secret is of, so that
it opens nowhere else, not even when somebody writes it into another row.
"""

import base64
import hashlib
import secrets

from cryptography.exceptions import InvalidTag
from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

NONCE_BYTES = 12


class UnopenedError(ValueError):
    """It was sealed under a key that is gone, or for something else, or not at all."""


def seal(text: str) -> bytes:
    """Return a text that only ``unseal`` reads, under the newest key."""
    return _keys().encrypt(text.encode())


def unseal(sealed: bytes) -> str:
    """Return the text that was sealed under any of the keys.

    :raises UnopenedError: if none of them opens it.
    """
    try:
        return _keys().decrypt(sealed).decode()
    except InvalidToken as error:
        raise UnopenedError from error


def seal_secret(secret: bytes, *, of: str) -> str:
    """Return a secret of something, sealed under the newest key: 4 characters for 3 bytes of it and 28 more."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    return base64.urlsafe_b64encode(nonce + _ciphers()[0].encrypt(nonce, secret, of.encode())).decode()


def unseal_secret(sealed: str, *, of: str) -> bytes:
    """Return the secret that was sealed for that thing under any of the keys.

    :raises UnopenedError: if none of them opens it.
    """
    return _opened(sealed, of)[1]


def renewed(sealed: str, *, of: str) -> str:
    """Return a sealed secret under the newest key: as it is, if that is the one it has.

    :raises UnopenedError: if none of the keys opens it.
    """
    number, secret = _opened(sealed, of)
    return seal_secret(secret, of=of) if number else sealed


def _opened(sealed: str, of: str) -> tuple[int, bytes]:
    try:
        content = base64.b64decode(sealed, altchars=b"-_", validate=True)
    except ValueError as error:
        raise UnopenedError from error
    for number, cipher in enumerate(_ciphers()):
        try:
            return number, cipher.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], of.encode())
        except (InvalidTag, ValueError):
            continue
    raise UnopenedError


def _keys() -> MultiFernet:
    return MultiFernet([Fernet(base64.urlsafe_b64encode(_stretched(key))) for key in settings.ACCESS_KEYS])


def _ciphers() -> list[AESGCM]:
    return [AESGCM(_stretched(f"secret/{key}")) for key in settings.ACCESS_KEYS]


def _stretched(key: str) -> bytes:
    return hashlib.sha256(key.encode()).digest()
