"""How the desk's pages write what only the desk shows."""

from django import template

from vouchers.models import ApplicationStatus

register = template.Library()


@register.filter
def case_status(code: str) -> str:
    """Name a state of an application."""
    return str(ApplicationStatus(code).label)


@register.filter
def tenths(number: int | None) -> str:
    """Write tenths as a number with one decimal."""
    return "–" if number is None else f"{number // 10}.{number % 10}"


@register.filter
def times(bp: int | None) -> str:
    """Write basis points as a factor with two decimals, rounded down: ``3.33×``."""
    return "–" if bp is None else f"{bp // 10_000}.{bp % 10_000 // 100:02d}×"
