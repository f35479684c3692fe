"""The one way to write an entry down, and commitments to what an entry does not show.

It is the part of RFC 8785 that needs no floats. Only integers beyond 2^53, which no budget reaches, are written in full
where RFC 8785 has no form for them: the log never refuses what the ledger holds.
"""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

MOST = 2**63 - 1
WRITER = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False)


class NotCanonical(ValueError):
    """Something has no one way of being written: a float, a number beyond 2^63, a key that is no plain text."""


def encode(value: Any) -> bytes:
    """Return the canonical bytes of integers, strings, booleans, null, lists and objects with ASCII keys.

    :raises NotCanonical: for anything else.
    """
    _require(value)
    text = WRITER.encode(value)
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise NotCanonical("a text holds half of a character") from error


def decode(content: bytes) -> Any:
    """Return what canonical bytes say.

    :raises NotCanonical: if they are not the canonical form of anything.
    """
    value = json.loads(content)
    if encode(value) != content:
        raise NotCanonical("the bytes are not canonical")
    return value


def instant(at: datetime) -> str:
    """Return an instant as the log writes it, in UTC."""
    return at.astimezone(UTC).replace(tzinfo=None).isoformat() + "Z"


def commitment(*, salt: bytes, document: Mapping[str, Any]) -> str:
    """Return what stands in the log for a document: nobody can guess it back without the salt."""
    return hashlib.sha256(salt + encode(document)).hexdigest()


def _require(value: Any) -> None:
    if isinstance(value, dict):
        _require_keys(value)
        for item in value.values():
            _require(item)
    elif isinstance(value, list):
        for item in value:
            _require(item)
    else:
        _require_plain(value)


def _require_keys(value: Mapping[Any, Any]) -> None:
    if not all(isinstance(key, str) and key.isascii() for key in value):
        raise NotCanonical("a key is no ASCII text")


def _require_plain(value: Any) -> None:
    if isinstance(value, int) and abs(value) > MOST:
        raise NotCanonical("a number is beyond 2^63")
    if value is not None and not isinstance(value, str | int):
        raise NotCanonical(f"{type(value).__name__} has no canonical form")
