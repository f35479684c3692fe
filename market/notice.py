"""What a buyer owes of the hours that it gives back too late to be sold again: a published table, pure.

Every freed hour has a notice of its own, from the instant of giving it back to its start. Giving hours back in several
acts therefore never costs more than doing it at once, and nothing is gained by it either. Every version stays here for
ever: an order keeps the one that was in force when it was placed.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.money import BP_WHOLE, MICRO_PER_FEN
from core.periods import HOUR, midnight


@dataclass(frozen=True, slots=True)
class Step:
    """With at least this notice, so much of an hour's value is owed."""

    from_hours: int
    fee_bp: int


@dataclass(frozen=True, slots=True)
class Table:
    """Nothing is owed from ``free_hours`` of notice on, or from the notice that the listing asked for if it is longer.

    Before that the steps say what is owed, from the longest notice to none.
    """

    version: str
    starts_at: datetime
    free_hours: int
    steps: tuple[Step, ...]


TABLES = (Table("2026-11", midnight(date(2026, 11, 1)), 24, (Step(4, 1_000), Step(0, 3_000))),)
"""Every version that was ever published, each from its day on."""
CURRENT = TABLES[-1]


@dataclass(frozen=True, slots=True)
class FreedHour:
    """An hour that is given back, and what its cards would have cost, in micro-yuan."""

    starts_at: datetime
    value_micro: int


def in_force(placed_at: datetime) -> Table | None:
    """Return the table that holds for an order placed at an instant; before the first nothing was ever owed."""
    return next((table for table in reversed(TABLES) if table.starts_at <= placed_at), None)


def fee_bp(table: Table, *, notice: timedelta, listing_hours: int = 0) -> int:
    """Return what is owed of an hour that is given back with this notice, in basis points of its value."""
    if notice >= max(table.free_hours, listing_hours) * HOUR:
        return 0
    return next((step.fee_bp for step in table.steps if notice >= step.from_hours * HOUR), BP_WHOLE)


def fee_fen(table: Table, hours: Iterable[FreedHour], *, at: datetime, listing_hours: int = 0) -> int:
    """Return what is owed for hours that are given back at an instant, in fen, rounded down once."""
    owed = sum(one.value_micro * fee_bp(table, notice=one.starts_at - at, listing_hours=listing_hours) for one in hours)
    return owed // (BP_WHOLE * MICRO_PER_FEN)
