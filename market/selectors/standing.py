"""What is known of how a provider kept its word: its latest reputation, and what buyers say."""

from dataclasses import dataclass

from django.db.models import Avg, Count, Q, QuerySet

from accounts.models import Organization
from market.models import Offering, Reputation, Review


@dataclass(frozen=True, slots=True)
class Opinion:
    """What the buyers of an offering think of it: how many, and the mean of their stars in hundredths."""

    reviews: int
    stars_hundredths: int | None


def of_offering(offering: Offering) -> Reputation | None:
    """Return the latest reputation that an offering stands on: its own once that says enough, else its provider's."""
    rows = Reputation.objects.filter(Q(offering=offering) | Q(offering=None), provider=offering.provider_id)
    latest = rows.order_by("-as_of").values("as_of")[:1]
    found = {row.offering_id: row for row in rows.filter(as_of=latest)}
    own = found.get(offering.pk)
    return own if own and own.is_enough else found.get(None)


def of_provider(provider: Organization) -> Reputation | None:
    """Return the latest reputation of a provider."""
    return Reputation.objects.of_provider(provider).order_by("-as_of").first()


def reviews(offering: Offering) -> QuerySet[Review]:
    """Return the reviews of an offering that are shown."""
    return Review.objects.filter(offering=offering, hidden_at=None)


def opinion(offering: Offering) -> Opinion:
    """Add up the reviews of an offering that are shown."""
    sums = reviews(offering).aggregate(count=Count("pk"), mean=Avg("stars"))
    return Opinion(sums["count"], None if sums["mean"] is None else round(sums["mean"] * 100))
