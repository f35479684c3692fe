"""A week of an offering's calendar, hour by hour, as buyers and sellers look at it."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from core.periods import HOUR, date_of, midnight
from market.models import CalendarHour, Offering

DAYS = 7
CLOSED = "x"
FULL = 4


@dataclass(frozen=True, slots=True)
class Cell:
    """One hour: how many cards are free of how many, and its tone from 0 (all free) to 4 (none), or x (closed)."""

    hour: datetime
    free: int
    capacity: int
    tone: str


@dataclass(frozen=True, slots=True)
class Day:
    """The 24 hours of one Shanghai day."""

    on: date
    cells: list[Cell]


def week(offering: Offering, *, at: datetime) -> list[Day]:
    """Return seven days of the calendar from today on."""
    first = midnight(date_of(at))
    rows = CalendarHour.objects.filter(offering=offering, hour__gte=first, hour__lt=first + DAYS * 24 * HOUR)
    kept = {row.hour: (row.capacity, row.reserved) for row in rows}
    days = [date_of(at) + timedelta(days=number) for number in range(DAYS)]
    return [Day(on, [_cell(offering, midnight(on) + hour * HOUR, kept, at) for hour in range(24)]) for on in days]


def _cell(offering: Offering, hour: datetime, kept: dict[datetime, tuple[int, int]], at: datetime) -> Cell:
    capacity, reserved = kept.get(hour, (offering.count, 0))
    if hour + HOUR <= at or not offering.is_open(hour, hour + HOUR) or capacity == 0:
        return Cell(hour, 0, capacity, CLOSED)
    return Cell(hour, capacity - reserved, capacity, str(FULL * reserved // capacity))
