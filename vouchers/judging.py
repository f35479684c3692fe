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
    ``platform_fee_bp`` is what the platform takes of what a voucher pays.
    """

    terms: Terms
    shares_caps: bool
    bounds_providers: bool
    waits: timedelta | None
    platform_fee_bp: int


@lru_cache(maxsize=4096)
def by(programme_id: UUID, number: int) -> JudgedBy:
    """Return how a published version judges; it never changes, so it is read once."""
    version = ProgrammeVersion.objects.published().get(programme_id=programme_id, number=number)
    parameters, bounds_providers = version.parameters, version.provider_share_bp is not None
    minutes = parameters.redemption.hold_ttl_minutes
    waits = None if minutes is None else timedelta(minutes=minutes)
    fee_bp = parameters.settlement.platform_fee_on_voucher_bp
    return JudgedBy(version.terms, version.shares_caps, bounds_providers, waits, fee_bp)
