"""What a provider gives back when cards that were promised could not be used: a published table, pure.

Availability is what could be used of the promised time, in parts per million. Every version stays here for ever: a
credit names the one that it was given by.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WHOLE_PPM = 1_000_000
MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Step:
    """Below this availability, so much of what was charged comes back."""

    below_ppm: int
    credit_bp: int


TABLES = {
    "2026-10": (
        Step(500_000, 10_000),
        Step(950_000, 5_000),
        Step(990_000, 2_500),
        Step(999_000, 1_000),
    ),
}
"""Every version that was ever published, each from the worst to the best."""
CURRENT = "2026-10"


@dataclass(frozen=True, slots=True)
class Span:
    """A part of time, half-open."""

    starts_at: datetime
    ends_at: datetime


def lost_ms(promised: Span, lost: Iterable[Span]) -> int:
    """Return how much of the promised time was lost, counting what overlaps once, rounded up to the millisecond."""
    total, until = timedelta(), promised.starts_at
    for span in sorted(lost, key=lambda one: one.starts_at):
        begin, end = max(span.starts_at, until), min(span.ends_at, promised.ends_at)
        if end > begin:
            total, until = total + (end - begin), end
    return -(-total // MILLISECOND)


def availability_ppm(promised: Span, lost: Iterable[Span]) -> int:
    """Return what could be used of the promised time in parts per million, rounded down."""
    whole = (promised.ends_at - promised.starts_at) // MILLISECOND
    return max(whole - lost_ms(promised, lost), 0) * WHOLE_PPM // whole


def credit_bp(ppm: int, table: Sequence[Step] = TABLES[CURRENT]) -> int:
    """Return how much of what was charged comes back at an availability, in basis points."""
    return next((step.credit_bp for step in table if ppm < step.below_ppm), 0)
