"""The rules by which auctions are and were held."""

from market.models import AuctionRules

SHOWN = 50


def published() -> list[AuctionRules]:
    """Return the rules that begin last, first."""
    return list(AuctionRules.objects.order_by("-starts_at")[:SHOWN])
