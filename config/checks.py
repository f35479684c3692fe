"""What ``manage.py check --deploy`` looks for besides Django's own."""

from pathlib import Path
from typing import Any

from django.conf import settings
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


@register(Tags.security, deploy=True)
def checkpoints_have_a_key(**_: Any) -> list[CheckMessage]:
    """Warn where no checkpoint of the transparency log can be signed: production makes no key of its own."""
    if settings.TRANSPARENCY_KEY or Path(settings.TRANSPARENCY_KEY_FILE).is_file():
        return []
    return [
        checks.Warning(
            "The transparency log has no key to sign its checkpoints with.",
            hint="Set TRANSPARENCY_KEY, or TRANSPARENCY_KEY_FILE to a file that outlives the container.",
            id="config.W002",
        )
    ]


@register(Tags.files, deploy=True)
def evidence_outlives_the_code(**_: Any) -> list[CheckMessage]:
    """Warn where what people hand in is kept beside the code, which the next version replaces."""
    if not Path(settings.MEDIA_ROOT).is_relative_to(settings.BASE_DIR):
        return []
    return [
        checks.Warning(
            "Evidence is kept below the code, where the next version of it may not find it.",
            hint="Set SUANYI_MEDIA_ROOT to a directory that web and worker share and that is backed up.",
            id="config.W003",
        )
    ]
