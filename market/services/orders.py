"""Place, cancel and expire orders. No money changes hands here: billing calls this in its own transaction."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.db.models import Min, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organization
from core.errors import DomainError
from core.money import format_micro
from core.periods import HOUR, date_of, hour_of
from market.measure import Metric
from market.models import Accelerator, Offering, Order, OrderKind, OrderStatus, PricePlan, Reservation, TimeInForce
from market.models.figure import RATES
from market.models.offering import OfferingQuerySet
from market.selectors import figures
from market.services import conditions, performance, price_lists, reservations, terms
from market.services.conditions import NO_CONDITIONS, Conditions

HORIZON = timedelta(days=120)


class BadCount(DomainError):
    """The number of cards or hours is not positive, or there is not one of a number of cards and a performance."""

    code = "bad-count"


class BadWindow(DomainError):
    """The start window is past, reversed, without a full hour, or beyond the horizon."""

    code = "bad-window"


class BadTimeInForce(DomainError):
    """An order stands until a time of its own exactly if it says so, and that time is within its window."""

    code = "bad-time-in-force"


class UnknownModel(DomainError):
    """The order accepts no card model, or none that has a figure at its precision."""

    code = "unknown-model"


class NoPriceInReach(DomainError):
    """Nothing that the order accepts is on sale at its limit."""

    code = "limit-below-every-price"


class NotSoldSo(DomainError):
    """No acceptable offering sells this many cards, or for this long, in one order."""

    code = "not-sold-so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a buyer wants: ``count`` cards for ``hours`` hours of acceptable models at a limit in micro-yuan.

    Instead of a count it may name ``tflops`` at a ``precision``, of any model unless some are named; the limit is then
    for all cards in an hour.
    """

    category: str
    hours: int
    start_min: datetime
    start_max: datetime
    limit_micro: int
    accelerators: tuple[Accelerator, ...] = ()
    count: int = 0
    tflops: int | None = None
    precision: str = ""
    providers: tuple[Organization, ...] = ()
    refused: tuple[Organization, ...] = ()
    conditions: Conditions = NO_CONDITIONS
    name: str = ""
    kind: str = OrderKind.INSTANT
    time_in_force: str = TimeInForce.WINDOW
    good_till: datetime | None = None
    by_voucher: bool = False


@transaction.atomic
def place(*, buyer: Organization, demand: Demand, at: datetime) -> Order:
    """Place an order for what a buyer wants; its window shrinks to full hours.

    :raises BadCount: if there is nothing to order.
    :raises UnknownModel: if no model is acceptable, or none has a figure at the precision.
    :raises BadConditions: if a condition makes no sense.
    :raises BadWindow: if it could never start.
    :raises NotSoldSo: if no acceptable offering sells so many cards, or for so long.
    :raises ConsentNeeded: if the terms of every such offering wait for the buyer's consent.
    :raises BadTimeInForce: if the time until which it stands is missing, idle, past, or after its last start.
    :raises NoPriceInReach: if no acceptable offering costs as little as the limit.
    """
    _check_counts(demand)
    first, last = _full_hours(demand, at=at)
    _check_standing(demand, last, at=at)
    _check_models(demand)
    conditions.check(demand.conditions)
    needs = _needs(demand, on=date_of(at))
    _check_limit(buyer, demand, needs)
    return write(
        buyer_id=buyer.pk, demand=replace(demand, count=min(needs.values()), start_min=first, start_max=last), at=at
    )


def write(*, buyer_id: UUID, demand: Demand, at: datetime) -> Order:
    """Write an open order as it stands, unchecked: ``place`` checks it, a quote or an award has agreed on it before."""
    order = Order.objects.create(
        status=OrderStatus.OPEN,
        buyer_id=buyer_id,
        kind=demand.kind,
        name=demand.name,
        category=demand.category,
        count=demand.count,
        tflops=demand.tflops,
        precision=demand.precision,
        hours=demand.hours,
        limit_micro=demand.limit_micro,
        start_min=demand.start_min,
        start_max=demand.start_max,
        placed_at=at,
        time_in_force=demand.time_in_force,
        good_till=demand.good_till,
        by_voucher=demand.by_voucher,
    )
    order.accelerators.add(*demand.accelerators)
    order.providers.add(*demand.providers)
    order.refused.add(*demand.refused)
    conditions.keep(order, demand.conditions)
    return order


@transaction.atomic
def cancel(*, order: Order, at: datetime) -> Order:
    """Cancel an order that waits, or whose reservation has not started.

    :raises AlreadyStarted: if the reservation has started.
    :raises IllegalMove: if the order is over.
    """
    order = Order.objects.locked().get(pk=order.pk)
    if order.status == OrderStatus.MATCHED:
        reservations.release(reservation=Reservation.objects.locked().get(order=order), at=at)
    order.move_to(OrderStatus.CANCELLED, cancelled_at=at)
    return order


@transaction.atomic
def expire_overdue(*, at: datetime) -> int:
    """Expire the orders whose last hour to start, or whose own time, has passed; return how many."""
    overdue = Order.objects.overdue(at).select_for_update(skip_locked=True, no_key=True)
    return Order.objects.filter(pk__in=[order.pk for order in overdue.only("pk")]).move_all(OrderStatus.EXPIRED)


def _check_counts(demand: Demand) -> None:
    if demand.tflops is not None and (demand.count or demand.precision not in RATES):
        text = _("Order a number of cards, or a performance at a precision.")
        raise BadCount(text, fields={"count" if demand.count else "precision": text})
    much = ("count", demand.count) if demand.tflops is None else ("tflops", demand.tflops)
    wrong = {name: _("At least 1.") for name, value in (much, ("hours", demand.hours)) if value < 1}
    if wrong:
        raise BadCount(_("Order at least one card for at least one hour."), fields=wrong)


def _needs(demand: Demand, *, on: date) -> dict[UUID, int]:
    """Return how many cards of each acceptable model the demand takes; a model that cannot serve it is left out.

    :raises UnknownModel: if none can.
    """
    models = [one.pk for one in demand.accelerators] or list(
        Offering.objects.listed().values_list("accelerator", flat=True).distinct()
    )
    if demand.tflops is None:
        return dict.fromkeys(models, demand.count)
    rates = figures.counting([Metric(demand.precision)], on=on)
    cards = partial(performance.cards, rates, precision=demand.precision, tflops=demand.tflops)
    needs = {model: cards(accelerator=model) for model in models}
    able = {model: cards for model, cards in needs.items() if cards}
    if not able:
        text = _("None of these models has a figure at this precision.")
        raise UnknownModel(text, fields={"precision": text})
    return able


def _check_models(demand: Demand) -> None:
    if not demand.accelerators and demand.tflops is None:
        raise UnknownModel(_("Name at least one card model."), fields={"accelerators": _("This list is empty.")})


def _check_standing(demand: Demand, last: datetime, *, at: datetime) -> None:
    until = demand.time_in_force == TimeInForce.UNTIL
    if until != (demand.good_till is not None):
        text = _("An order that is good till a time names it, and no other does.")
        raise BadTimeInForce(text, fields={"good_till": text})
    if demand.good_till is not None and not at < demand.good_till <= last:
        text = _("The time until which the order stands is to come, and not after its latest start.")
        raise BadTimeInForce(text, fields={"good_till": text})


def _full_hours(demand: Demand, *, at: datetime) -> tuple[datetime, datetime]:
    """Return the first and the last full hour of the window."""
    if demand.start_min > demand.start_max:
        raise BadWindow(_("The window ends before it begins."), fields={"start_max": _("Before the earliest start.")})
    if demand.start_max < at:
        raise BadWindow(_("The window is over."), fields={"start_max": _("In the past.")})
    first, last = hour_from(demand.start_min), hour_of(demand.start_max)
    if max(first, hour_from(at)) > last:
        raise BadWindow(_("The window holds no full hour that is still to come."))
    if demand.hours > HORIZON // HOUR or last + demand.hours * HOUR > at + HORIZON:
        raise BadWindow(_("Orders end within %(days)d days from now.") % {"days": HORIZON.days})
    return first, last


def hour_from(instant: datetime) -> datetime:
    """Return the first full hour at or after an instant."""
    hour = hour_of(instant)
    return hour if hour == instant else hour + HOUR


def _check_limit(buyer: Organization, demand: Demand, needs: Mapping[UUID, int]) -> None:
    offerings = Offering.objects.listed().filter(accelerator__in=needs, category=demand.category)
    offerings = offerings.exclude(provider__in=demand.refused)
    if demand.providers:
        offerings = offerings.filter(provider__in=demand.providers)
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


def _selling(offerings: OfferingQuerySet, demand: Demand, needs: Mapping[UUID, int]) -> OfferingQuerySet:
    """Keep the offerings that sell as many cards of their model as are needed, for so long, in one order."""
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
    planned = list(offerings.filter(pk__in=PricePlan.objects.values("offering")))
    flat = offerings.exclude(pk__in=[one.pk for one in planned])
    yield from flat.values_list("accelerator").annotate(lowest=Min("price_micro"))
    lists = price_lists.load(planned)
    # The auction looks at all hours together, an instant order at the dearest of them.
    ask = lists.floor_micro if demand.kind == OrderKind.AUCTION else lists.ask_micro
    ends_at = demand.start_max + demand.hours * HOUR
    for one in planned:
        yield one.accelerator_id, ask(one, starts_at=demand.start_min, ends_at=ends_at)
