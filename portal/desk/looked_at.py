"""A sheet that was looked at, signed into the page, so that what is done is what this person saw."""

from typing import Any

from django.core import signing

from portal.access import PortalRequest

MAX_AGE_SECONDS = 3_600


def sealed(request: PortalRequest, *, salt: str, content: bytes, **said: str) -> str:
    """Return a sheet and what was said with it, for the hidden field ``sheet``; it is good for an hour."""
    kept = {**said, "content": content.hex(), "by": str(request.user.pk)}
    return signing.dumps(kept, salt=salt, compress=True)


def opened(request: PortalRequest, *, salt: str) -> dict[str, Any] | None:
    """Return what was sealed with ``content`` in bytes; None if it is too old or not what this person looked at."""
    try:
        kept = signing.loads(request.POST.get("sheet", ""), salt=salt, max_age=MAX_AGE_SECONDS)
    except signing.BadSignature:
        return None
    if kept.get("by") != str(request.user.pk):
        return None
    return {**kept, "content": bytes.fromhex(kept["content"])}
