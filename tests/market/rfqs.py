"""Requests for quotations for tests: 16 cards for 24 hours, bids until noon."""

from datetime import timedelta
from typing import Any

from accounts.models import Organization
from accounts.services.audit import Actor
from market.models import Bid, Offering, Rfq, SealedBid
from market.services import bids, rfqs
from market.services.bids import Terms
from market.services.rfqs import Wanted
from tests.market.scenes import AT, hours

UNTIL = AT + hours(10)
START = AT + hours(24)


def publish(buyer: Organization, offering: Offering, **changes: Any) -> Rfq:
    """Ask for sixteen cards of the offering's model."""
    wanted = {
        "title": "Training cluster",
        "category": offering.category,
        "accelerators": (offering.accelerator,),
        "count": 16,
        "hours": 24,
        "start_min": START,
        "start_max": START + hours(12),
        "bids_until": UNTIL,
    }
    return rfqs.publish(buyer=buyer, wanted=Wanted(**(wanted | changes)), actor=Actor(organization=buyer), at=AT)


def terms(offering: Offering, **changes: Any) -> Terms:
    """Offer eight cards at ¥1.90 for two days after the opening."""
    offered = {
        "offering": offering,
        "price_micro": 1_900_000,
        "count": 8,
        "starts_at": START,
        "valid_until": UNTIL + timedelta(days=2),
        "note": "InfiniBand",
    }
    return Terms(**(offered | changes))


def bid(rfq: Rfq, offering: Offering, *, at: Any = AT, **changes: Any) -> SealedBid:
    """Seal a bid of the offering's provider."""
    owner = offering.provider
    sealed = terms(offering, **changes)
    return bids.submit(rfq=rfq, provider=owner, terms=sealed, actor=Actor(organization=owner), at=at)


def damaged(rfq: Rfq, provider: Organization, *, at: Any = AT) -> SealedBid:
    """Put an envelope of a provider in that opens with no key."""
    return SealedBid.objects.create(
        rfq=rfq, provider=provider, version=1, sealed=b"damaged", sha256="d" * 64, submitted_at=at
    )


def opened(rfq: Rfq) -> list[Bid]:
    """Open the bids at their time, and return them, the cheapest first."""
    rfqs.open_bids(rfq_id=rfq.pk, at=UNTIL)
    rfq.refresh_from_db()
    return list(Bid.objects.filter(rfq=rfq).order_by("price_micro", "pk"))
