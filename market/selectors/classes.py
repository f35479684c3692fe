"""Classes of compute: a card model for a kind of work; where they are sold and where they were traded."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import OuterRef, Subquery
from django.utils.translation import gettext as _

from core.errors import NotFound
from market.models import Accelerator, Candle, Category, Offering, Site, Span


@dataclass(frozen=True, slots=True)
class ComputeClass:
    """A card model for a kind of work."""

    accelerator: Accelerator
    category: str


def known() -> list[ComputeClass]:
    """Return the classes that are on sale or have a price history, by vendor and name."""
    on_sale = set(Offering.objects.listed().values_list("accelerator_id", "category").order_by().distinct())
    # Each model is asked for one row of a kind: the whole history would be read for the same answer.
    cards = Accelerator.objects.annotate(**{category: _traded(category) for category in Category.values})
    classes = [
        ComputeClass(card, category)
        for card in cards
        for category in Category.values
        if vars(card)[category] or (card.pk, category) in on_sale
    ]
    return sorted(classes, key=lambda one: (one.accelerator.vendor, one.accelerator.name, one.category))


def _traded(category: str) -> Subquery:
    rows = Candle.objects.filter(accelerator=OuterRef("pk"), category=category)
    return Subquery(rows.order_by().values("category")[:1])


def liveliest(*, since: datetime) -> tuple[ComputeClass, str] | None:
    """Return the class and the hub with the most trades since an instant, or None where nothing was traded."""
    place = ("accelerator_id", "category", "hub_name")
    days = Candle.objects.filter(span=Span.DAY, starts_at__gte=since)
    latest = days.order_by(*place, "starts_at", "-version").distinct(*place, "starts_at")
    counts: Counter[tuple[UUID, str, str]] = Counter()
    cards: dict[UUID, Accelerator] = {}
    for day in latest.select_related("accelerator"):
        cards[day.accelerator_id] = day.accelerator
        counts[day.accelerator_id, day.category, day.hub_name] += day.trades
    if not counts.total():
        return None
    accelerator_id, category, hub_name = min(counts, key=lambda one: (-counts[one], one))
    return ComputeClass(cards[accelerator_id], category), hub_name


def hubs() -> list[str]:
    """Return the hubs that have a site with something on sale, without the sites outside the hubs."""
    selling = Site.objects.filter(offerings__status="listed").exclude(hub_name="")
    return sorted(selling.values_list("hub_name", flat=True).distinct())


def find(*, accelerator: str, category: str) -> ComputeClass:
    """Return a class by the code of its card model.

    :raises NotFound: if there is no such model or kind of work.
    """
    card = Accelerator.objects.filter(code=accelerator).first()
    if card is None or category not in Category.values:
        raise NotFound(_("There is no such class of compute."))
    return ComputeClass(card, category)


def hubs_of(of: ComputeClass) -> list[str]:
    """Return where a class is on sale or was traded; at the end the empty name, for the sites outside the hubs."""
    selling = Offering.objects.listed().filter(accelerator=of.accelerator, category=of.category)
    traded = Candle.objects.filter(accelerator=of.accelerator, category=of.category)
    sold_at, traded_at = selling.values_list("site__hub_name"), traded.values_list("hub_name")
    names = [name for (name,) in sold_at.order_by().union(traded_at.order_by())]
    return sorted(names, key=lambda name: (not name, name))
