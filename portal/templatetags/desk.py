"""How the desk's pages write what only the desk shows."""

from datetime import date, timedelta

from django import template

from vouchers.models import ApplicationStatus
from vouchers.models.application_round import METHODS

register = template.Library()


@register.filter
def case_status(code: str) -> str:
    """Name a state of an application."""
    return str(ApplicationStatus(code).label)


@register.filter
def allocation_way(code: str) -> str:
    """Name a method of allocation."""
    return str(dict(METHODS)[code])


@register.filter
def day_before(on: date) -> date:
    """Return the last day of a period that does not contain ``on`` any more."""
    return on - timedelta(days=1)


@register.filter
def tenths(number: int | None) -> str:
    """Write tenths as a number with one decimal."""
    return "–" if number is None else f"{number // 10}.{number % 10}"


@register.filter
def thousandths(number: int) -> str:
    """Write thousandths as a number with three decimals."""
    return f"{number // 1000:,}.{number % 1000:03d}"


@register.filter
def times(bp: int | None) -> str:
    """Write basis points as a factor with two decimals, rounded down: ``3.33×``."""
    return "–" if bp is None else f"{bp // 10_000}.{bp % 10_000 // 100:02d}×"
