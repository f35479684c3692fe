"""Identifiers: UUIDv7 (RFC 9562), ordered by time, for everything that may appear in a URL."""

import secrets
import time
from threading import Lock
from uuid import UUID

RANDOM_BITS = 74
STEP_BITS = 32


class Ascending:
    """Numbers of 48 bits of Unix milliseconds and 74 random ones, each above the one before it in this process.

    Also within a millisecond and when the clock is set back (RFC 9562 §6.2, method 2).
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0

    def following(self) -> int:
        """Return the next number."""
        fresh = time.time_ns() // 1_000_000 << RANDOM_BITS | secrets.randbits(RANDOM_BITS)
        with self._lock:
            self._last = fresh if fresh > self._last else self._last + 1 + secrets.randbits(STEP_BITS)
            return self._last


_numbers = Ascending()


def uuid7() -> UUID:
    """Return a new UUIDv7, above all that this process made before: what was made first sorts first."""
    value = _numbers.following()
    milliseconds, high, low = value >> RANDOM_BITS, value >> 62 & 0xFFF, value & (1 << 62) - 1
    return UUID(int=milliseconds << 80 | 0x7 << 76 | high << 64 | 0x2 << 62 | low)


def new_reference() -> str:
    """Return a short reference for something that its owner gave none."""
    return uuid7().hex[-12:].upper()
