"""The periods of claims, in days of Shanghai. Pure."""

from dataclasses import dataclass
from datetime import date, timedelta

from vouchers.parameters.settlement import Cycle

__all__ = ["Cycle", "Period", "closed_period", "period_of"]

MONTHS = {Cycle.MONTHLY: 1, Cycle.QUARTERLY: 3, Cycle.ANNUAL_WINDOW: 12}


@dataclass(frozen=True, slots=True)
class Period:
    """Days from ``starts_on`` up to ``ends_on``, which is not included."""

    starts_on: date
    ends_on: date


def period_of(cycle: Cycle, on: date) -> Period:
    """Return the period in which a day lies; a cycle of single claims has periods of one day."""
    months = MONTHS.get(cycle)
    if months is None:
        return Period(on, on + timedelta(days=1))
    starts_on = date(on.year, (on.month - 1) // months * months + 1, 1)
    last = starts_on.year * 12 + starts_on.month - 1 + months
    return Period(starts_on, date(last // 12, last % 12 + 1, 1))


def closed_period(cycle: Cycle, on: date, *, cutoff_days: int) -> Period:
    """Return the latest period whose corrections have had ``cutoff_days`` to come in."""
    current = period_of(cycle, on - timedelta(days=cutoff_days))
    return period_of(cycle, current.starts_on - timedelta(days=1))
