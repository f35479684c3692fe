"""How published versions judge what grants pay."""

from datetime import timedelta
from functools import lru_cache
from typing import NamedTuple
from uuid import UUID

from vouchers.models import ProgrammeVersion
from vouchers.rules import Terms


class JudgedBy(NamedTuple):
    """What decides awards under a version, and whether caps are shared under it, or a provider's share is bounded.

    ``waits`` is for how long value is set aside for an order that has no cards yet; None: for as long as it stands.
    """

    terms: Terms
    shares_caps: bool
    bounds_providers: bool
    waits: timedelta | None


@lru_cache(maxsize=4096)
def by(programme_id: UUID, number: int) -> JudgedBy:
    """Return how a published version judges; it never changes, so it is read once."""
    version = ProgrammeVersion.objects.published().get(programme_id=programme_id, number=number)
    minutes = version.parameters.redemption.hold_ttl_minutes
    waits = None if minutes is None else timedelta(minutes=minutes)
    return JudgedBy(version.terms, version.shares_caps, version.provider_share_bp is not None, waits)
