"""Which prices providers have filed, and whose filed price lets a voucher pay for an order."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import date
from typing import Any
from uuid import UUID

from accounts.models import Organization
from vouchers import judging
from vouchers.models import Grant, PriceFiling, ProviderListing


def of_spending(
    *, grant: Grant, providers: Collection[Organization], category: str, price_micro: int | None, on: date
) -> dict[str, Any]:
    """Return what a line of spending says of its price, where the programme asks for filed prices."""
    if not judging.by(grant.programme_id, grant.version).terms.price_filing:
        return {}
    prices = in_force(
        programme_id=grant.programme_id, providers={one.pk for one in providers}, category=category, on=on
    )
    filed_micro = min(prices.values(), default=None) if len(prices) == len(set(providers)) else None
    return {"price_micro": price_micro, "filed_micro": filed_micro}


def within(
    providers: Sequence[Organization], *, grant: Grant, category: str, price_micro: int, on: date
) -> Sequence[Organization]:
    """Return which of some providers have filed at least a price, where the programme asks for filed prices."""
    if not judging.by(grant.programme_id, grant.version).terms.price_filing:
        return providers
    named = {one.pk for one in providers}
    prices = in_force(programme_id=grant.programme_id, providers=named, category=category, on=on)
    return [one for one in providers if prices.get(one.pk, 0) >= price_micro]


def in_force(*, programme_id: UUID, providers: Collection[UUID], category: str, on: date) -> dict[UUID, int]:
    """Return what each provider asks at most for a category on a day, as it filed; who filed nothing is left out.

    A provider that is listed for several items with the category may sell any of them.
    """
    listings = ProviderListing.objects.filter(programme=programme_id, provider__in=providers)
    rows = PriceFiling.objects.begun(on).filter(listing__in=listings.listed(on).covering(category))
    most: dict[UUID, int] = defaultdict(int)
    seen = set()
    for listing_id, provider_id, price_micro in rows.values_list("listing", "listing__provider", "price_micro"):
        if listing_id not in seen:
            seen.add(listing_id)
            most[provider_id] = max(most[provider_id], price_micro)
    return dict(most)
