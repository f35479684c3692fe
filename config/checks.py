"""What ``manage.py check --deploy`` looks for besides Django's own."""

from typing import Any

from django.core import checks
from django.core.checks import CheckMessage, Tags, register

from config import roles


@register(Tags.security, deploy=True)
def application_owns_nothing(**_: Any) -> list[CheckMessage]:
    """Warn where the application can change the tables, and so take a rule of the database away."""
    if roles.separate():
        return []
    return [
        checks.Warning(
            "The application's role owns the tables: who has its password can disable their triggers.",
            hint="Where migrations run, name the owner in DATABASE_OWNER_URL and another role in DATABASE_URL.",
            id="config.W001",
        )
    ]
