"""Whether anything on sale could serve a demand, and at what price."""

from collections.abc import Iterator, Mapping
from uuid import UUID

from django.db.models import Min, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organization
from core.errors import DomainError
from core.money import format_micro
from core.periods import HOUR
from market.models import Offering, OrderKind, PricePlan
from market.models.offering import OfferingQuerySet
from market.services import price_lists, terms
from market.services.demands import Demand


class NoPriceInReach(DomainError):
    """Nothing that the order accepts is on sale at its limit."""

    code = "limit-below-every-price"


class NotSoldSo(DomainError):
    """No acceptable offering sells this many cards, or for this long, in one order."""

    code = "not-sold-so"


def check(buyer: Organization, demand: Demand, needs: Mapping[UUID, int]) -> None:
    """Refuse a demand that nothing on sale could serve at its limit, with the cards that it needs of each model.

    :raises NotSoldSo: if no acceptable offering sells so many cards, or for so long.
    :raises ConsentNeeded: if the terms of every such offering wait for the buyer's consent.
    :raises NoPriceInReach: if no acceptable offering costs as little as the limit.
    """
    offerings = _acceptable(demand, needs)
    selling = _selling(offerings, demand, needs)
    each = needs if demand.tflops is not None else dict.fromkeys(needs, 1)
    lowest = min((ask * each[model] for model, ask in _lowest_asks(selling, demand)), default=None)
    if lowest is None and offerings.exists():
        raise NotSoldSo(_not_sold_so(offerings))
    terms.check_consent(buyer=buyer, offerings=selling)
    if lowest is None:
        raise NoPriceInReach(_("Nothing like this is on sale at present."), lowest_ask_micro=None)
    if demand.limit_micro < lowest:
        said = _("The lowest price is %(lowest)s yuan per card-hour.")
        if demand.tflops is not None:
            said = _("The lowest price is %(lowest)s yuan per hour for all cards.")
        text = said % {"lowest": format_micro(lowest)}
        raise NoPriceInReach(text, fields={"limit_micro": text}, lowest_ask_micro=lowest)


def _acceptable(demand: Demand, needs: Mapping[UUID, int]) -> OfferingQuerySet:
    offerings = Offering.objects.listed().filter(accelerator__in=needs, category=demand.category)
    offerings = offerings.exclude(provider__in=demand.refused)
    if demand.kind == OrderKind.INTERRUPTIBLE:
        offerings = offerings.interruptible()
    return offerings.filter(provider__in=demand.providers) if demand.providers else offerings


def _selling(offerings: OfferingQuerySet, demand: Demand, needs: Mapping[UUID, int]) -> OfferingQuerySet:
    """Keep the offerings that sell as many cards of their model as are needed, for so long, in one order."""
    if demand.split is not None:
        return offerings.selling_part(cards=demand.split.cards, most=demand.count, hours=demand.split.hours)
    if demand.tflops is None:
        return offerings.selling(count=demand.count, hours=demand.hours)
    selling = Q(pk__in=[])
    for model, count in needs.items():
        sold = Offering.objects.filter(accelerator=model).selling(count=count, hours=demand.hours)
        selling |= Q(pk__in=sold.values("pk"))
    return offerings.filter(selling)


def _not_sold_so(offerings: QuerySet[Offering]) -> str:
    """Say in what numbers the offerings are sold, a few of them."""
    lots = []
    for one in offerings.order_by("price_micro", "pk")[:3]:
        words = {"name": one.name, "min": one.min_count, "step": one.step_count, "max": one.max_count or one.count}
        lots.append(_("%(name)s: %(min)d to %(max)d cards in steps of %(step)d") % words)
        if one.max_hours:
            lots[-1] += _(", for at most %(hours)d hours") % {"hours": one.max_hours}
    return _("No offering sells this many cards or hours in one order. %(lots)s.") % {"lots": "; ".join(lots)}


def _lowest_asks(offerings: QuerySet[Offering], demand: Demand) -> Iterator[tuple[UUID, int]]:
    """Yield models and limits that an offering of them can accept: its flat price, or that of its plans."""
    if demand.kind == OrderKind.INTERRUPTIBLE:
        yield from offerings.values_list("accelerator").annotate(lowest=Min("floor_micro"))
        return
    planned = list(offerings.filter(pk__in=PricePlan.objects.values("offering")))
    flat = offerings.exclude(pk__in=[one.pk for one in planned])
    yield from flat.values_list("accelerator").annotate(lowest=Min("price_micro"))
    lists = price_lists.load(planned)
    # The auction looks at all hours together, an instant order at the dearest of them.
    ask = lists.floor_micro if demand.kind == OrderKind.AUCTION else lists.ask_micro
    ends_at = demand.start_max + demand.hours * HOUR
    for one in planned:
        yield one.accelerator_id, ask(one, starts_at=demand.start_min, ends_at=ends_at)
