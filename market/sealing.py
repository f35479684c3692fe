"""Seal a bid: encrypt it, and commit to it. Pure: the key comes from whoever calls.

The commitment is the SHA-256 of the bid's canonical JSON, in which a random salt keeps anybody from guessing prices.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from cryptography.fernet import Fernet

SALT = "salt"


@dataclass(frozen=True, slots=True)
class Sealed:
    """Ciphertext and commitment."""

    ciphertext: bytes
    sha256: str


def seal(terms: Mapping[str, Any], *, key: str) -> Sealed:
    """Seal the terms of a bid with a fresh salt."""
    text = canonical({**terms, SALT: secrets.token_hex(32)})
    return Sealed(_cipher(key).encrypt(text), sha256(text).hexdigest())


def unseal(ciphertext: bytes, *, key: str) -> dict[str, Any]:
    """Return the terms, the salt among them.

    :raises cryptography.fernet.InvalidToken: if the key is another, or a byte was changed.
    """
    terms: dict[str, Any] = json.loads(_cipher(key).decrypt(ciphertext))
    return terms


def keeps(terms: Mapping[str, Any], commitment: str) -> bool:
    """Tell whether terms are what somebody committed to."""
    return sha256(canonical(terms)).hexdigest() == commitment


def canonical(terms: Mapping[str, Any]) -> bytes:
    """Return the one way to write terms down."""
    return json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _cipher(key: str) -> Fernet:
    return Fernet(base64.urlsafe_b64encode(sha256(f"market.sealing/{key}".encode()).digest()))
