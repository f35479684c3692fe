"""Half-open periods [start, end) of UTC instants, with civil dates in Asia/Shanghai."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Period:
    """The instants from ``starts_at`` up to, but without, ``ends_at``."""

    starts_at: datetime
    ends_at: datetime

    def __post_init__(self) -> None:
        if self.starts_at >= self.ends_at:
            raise ValueError("a period ends after it starts")

    def __contains__(self, at: datetime) -> bool:
        return self.starts_at <= at < self.ends_at

    def hours(self) -> Iterator[datetime]:
        """Yield the start of every clock hour that the period touches."""
        hour = hour_of(self.starts_at)
        while hour < self.ends_at:
            yield hour
            hour += HOUR


def hour_of(at: datetime) -> datetime:
    """Return the start of the hour that holds ``at``, in UTC."""
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def midnight(on: date) -> datetime:
    """Return the instant at which the day ``on`` begins in Shanghai, in UTC."""
    return datetime.combine(on, time(), SHANGHAI).astimezone(UTC)


def date_of(at: datetime) -> date:
    """Return the civil date of ``at`` in Shanghai."""
    return at.astimezone(SHANGHAI).date()


def local_minute(at: datetime | None) -> str:
    """Write an instant as people in Shanghai read it, to the minute; nothing for none."""
    return at.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M") if at else ""


def month_start(on: date) -> date:
    """Return the first day of the month of ``on``."""
    return on.replace(day=1)


def next_month(on: date) -> date:
    """Return the first day of the month after ``on``."""
    return (month_start(on) + timedelta(days=32)).replace(day=1)


def month_of(on: date) -> Period:
    """Return the month that holds the day ``on``, as instants."""
    return Period(midnight(month_start(on)), midnight(next_month(on)))
