"""The month that an overview shows: the one in the address, or the present one."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.http import HttpRequest

from core.periods import month_start, next_month

PARAMETER = "month"
YEARS = range(2020, 2100)


@dataclass(frozen=True, slots=True)
class Month:
    """A month by its first day, and its neighbours; there is no next one after the present."""

    on: date
    previous_on: date
    next_on: date | None


def chosen(request: HttpRequest, *, today: date) -> Month:
    """Return the month of the address; what is no month means the present one."""
    on = _read(request.GET.get(PARAMETER, "")) or month_start(today)
    following = next_month(on)
    return Month(on, month_start(on - timedelta(days=1)), following if following <= today else None)


def _read(text: str) -> date | None:
    try:
        on = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return month_start(on) if on.year in YEARS else None
