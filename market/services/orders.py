"""Place, cancel and expire orders. No money changes hands here: billing calls this in its own transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Min, QuerySet
from django.utils.translation import gettext as _

from accounts.models import Organization
from core.errors import DomainError
from core.money import format_micro
from core.periods import HOUR, hour_of
from market.models import Accelerator, Offering, Order, OrderKind, OrderStatus, PricePlan, Reservation
from market.services import price_lists, reservations, terms

HORIZON = timedelta(days=120)


class BadCount(DomainError):
    """The number of cards or hours is not positive."""

    code = "bad-count"


class BadWindow(DomainError):
    """The start window is past, reversed, without a full hour, or beyond the horizon."""

    code = "bad-window"


class UnknownModel(DomainError):
    """The order accepts no card model."""

    code = "unknown-model"


class NoPriceInReach(DomainError):
    """Nothing that the order accepts is on sale at its limit."""

    code = "limit-below-every-price"


class NotSoldSo(DomainError):
    """No acceptable offering sells this many cards, or for this long, in one order."""

    code = "not-sold-so"


@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """What a buyer wants: ``count`` cards for ``hours`` hours of acceptable models at a limit in micro-yuan."""

    category: str
    accelerators: tuple[Accelerator, ...]
    count: int
    hours: int
    start_min: datetime
    start_max: datetime
    limit_micro: int
    providers: tuple[Organization, ...] = ()
    name: str = ""
    kind: str = OrderKind.INSTANT


@transaction.atomic
def place(*, buyer: Organization, demand: Demand, at: datetime) -> Order:
    """Place an order for what a buyer wants; its window shrinks to full hours.

    :raises BadCount: if there is nothing to order.
    :raises UnknownModel: if no model is acceptable.
    :raises BadWindow: if it could never start.
    :raises NotSoldSo: if no acceptable offering sells so many cards, or for so long.
    :raises ConsentNeeded: if the terms of every such offering wait for the buyer's consent.
    :raises NoPriceInReach: if no acceptable offering costs as little as the limit.
    """
    _check_counts(demand)
    first, last = _full_hours(demand, at=at)
    if not demand.accelerators:
        raise UnknownModel(_("Name at least one card model."), fields={"accelerators": _("This list is empty.")})
    _check_limit(buyer, demand)
    order = Order.objects.create(
        status=OrderStatus.OPEN,
        buyer=buyer,
        kind=demand.kind,
        name=demand.name,
        category=demand.category,
        count=demand.count,
        hours=demand.hours,
        limit_micro=demand.limit_micro,
        start_min=first,
        start_max=last,
        placed_at=at,
    )
    order.accelerators.set(demand.accelerators)
    order.providers.set(demand.providers)
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
    """Expire the orders whose last hour to start has passed; return how many."""
    overdue = Order.objects.overdue(at).select_for_update(skip_locked=True, no_key=True)
    return Order.objects.filter(pk__in=[order.pk for order in overdue.only("pk")]).move_all(OrderStatus.EXPIRED)


def _check_counts(demand: Demand) -> None:
    asked = (("count", demand.count), ("hours", demand.hours))
    wrong = {name: _("At least 1.") for name, value in asked if value < 1}
    if wrong:
        raise BadCount(_("Order at least one card for at least one hour."), fields=wrong)


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


def _check_limit(buyer: Organization, demand: Demand) -> None:
    offerings = Offering.objects.listed().filter(accelerator__in=demand.accelerators, category=demand.category)
    if demand.providers:
        offerings = offerings.filter(provider__in=demand.providers)
    selling = offerings.selling(count=demand.count, hours=demand.hours)
    lowest = _lowest_ask(selling, demand)
    if lowest is None and offerings.exists():
        raise NotSoldSo(_not_sold_so(offerings))
    terms.check_consent(buyer=buyer, offerings=selling)
    if lowest is None:
        raise NoPriceInReach(_("Nothing like this is on sale at present."), lowest_ask_micro=None)
    if demand.limit_micro < lowest:
        text = _("The lowest price is %(lowest)s yuan per card-hour.") % {"lowest": format_micro(lowest)}
        raise NoPriceInReach(text, fields={"limit_micro": text}, lowest_ask_micro=lowest)


def _not_sold_so(offerings: QuerySet[Offering]) -> str:
    """Say in what numbers the offerings are sold, a few of them."""
    lots = []
    for one in offerings.order_by("price_micro", "pk")[:3]:
        words = {"name": one.name, "min": one.min_count, "step": one.step_count, "max": one.max_count or one.count}
        lots.append(_("%(name)s: %(min)d to %(max)d cards in steps of %(step)d") % words)
        if one.max_hours:
            lots[-1] += _(", for at most %(hours)d hours") % {"hours": one.max_hours}
    return _("No offering sells this many cards or hours in one order. %(lots)s.") % {"lots": "; ".join(lots)}


def _lowest_ask(offerings: QuerySet[Offering], demand: Demand) -> int | None:
    """Return the lowest limit that an offering can accept: its flat price, or that of its plans."""
    planned = list(offerings.filter(pk__in=PricePlan.objects.values("offering")))
    flat = offerings.exclude(pk__in=[one.pk for one in planned]).aggregate(lowest=Min("price_micro"))["lowest"]
    lists = price_lists.load(planned)
    # The auction looks at all hours together, an instant order at the dearest of them.
    ask = lists.floor_micro if demand.kind == OrderKind.AUCTION else lists.ask_micro
    ends_at = demand.start_max + demand.hours * HOUR
    asks = [ask(one, starts_at=demand.start_min, ends_at=ends_at) for one in planned]
    return min([*asks, *([] if flat is None else [int(flat)])], default=None)
