"""How the desk's pages write what only the desk shows."""

from django import template

from vouchers.models import ApplicationStatus

register = template.Library()


@register.filter
def case_status(code: str) -> str:
    """Name a state of an application."""
    return str(ApplicationStatus(code).label)
