"""The one clock. Interfaces read it and pass the instant on; services never do."""

from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """Return the present instant, or the one that a rehearsal has written into ``settings.REHEARSAL_CLOCK``.

    A rehearsal plays a past month through the real processes; settings refuse the file in production.
    """
    if settings.REHEARSAL_CLOCK:
        return datetime.fromisoformat(Path(settings.REHEARSAL_CLOCK).read_text(encoding="ascii").strip())
    return timezone.now()
