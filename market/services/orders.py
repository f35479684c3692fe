"""Place, cancel and expire orders. No money changes hands here: billing calls this in its own transaction."""

from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from core.errors import DomainError, NotFound
from core.periods import HOUR, date_of, hour_of
from market.measure import Metric
from market.models import (
    Offering,
    Order,
    OrderKind,
    OrderStatus,
    Reservation,
    ReservationStatus,
    TimeInForce,
)
from market.models.figure import RATES
from market.models.reservation import WAITING
from market.selectors import figures
from market.services import blocks, conditions, in_reach, performance, reservations, splits
from market.services.demands import Demand
from market.services.in_reach import NoPriceInReach, NotSoldSo

__all__ = [
    "HORIZON",
    "BadCount",
    "BadTimeInForce",
    "BadWindow",
    "Demand",
    "NoPriceInReach",
    "NotSoldSo",
    "UnknownModel",
    "cancel",
    "card_hour_micro",
    "check_counts",
    "expire_overdue",
    "horizon_of",
    "hour_from",
    "place",
    "write",
]

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


@transaction.atomic
def place(*, buyer: Organization, demand: Demand, at: datetime) -> Order:
    """Place an order for what a buyer wants; its window shrinks to full hours.

    :raises BadCount: if there is nothing to order.
    :raises UnknownModel: if no model is acceptable, or none has a figure at the precision.
    :raises BadConditions: if a condition makes no sense.
    :raises NotFound: if it wants to be beside a reservation of another buyer.
    :raises BadWindow: if it could never start.
    :raises NotSoldSo: if no acceptable offering sells so many cards, or for so long.
    :raises ConsentNeeded: if the terms of every such offering wait for the buyer's consent.
    :raises BadTimeInForce: if the time until which it stands is missing, idle, past, or after its last start.
    :raises BadParts: if it cannot be split as it says.
    :raises NoPriceInReach: if no acceptable offering costs as little as the limit.
    """
    check_counts(demand)
    if demand.kind == OrderKind.AUCTION:
        demand = replace(demand, split=splits.for_auction(demand.split, hours=demand.hours))
    first, last = _full_hours(demand, at=at)
    _check_standing(demand, last, at=at)
    _check_models(demand)
    _check_beside(buyer, demand)
    conditions.check(demand.conditions)
    needs = _needs(demand, on=date_of(at))
    in_reach.check(buyer, demand, needs)
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
        beside=demand.beside,
        **splits.columns(demand.split),
    )
    order.accelerators.add(*demand.accelerators)
    order.providers.add(*demand.providers)
    order.refused.add(*demand.refused)
    conditions.keep(order, demand.conditions)
    return order


@transaction.atomic
def cancel(*, order: Order, at: datetime) -> Order:
    """Cancel an order that waits, or whose reservation has not started; parts that have started go on.

    :raises AlreadyStarted: if all that serves it has started.
    :raises IllegalMove: if the order is over.
    """
    order = Order.objects.locked().get(pk=order.pk)
    if order.status in (OrderStatus.OPEN, OrderStatus.MATCHED) and _some_go_on(order, at=at):
        splits.give_up(ids=[order.pk], at=at)
        reservations.close_orders(ids=[order.pk], at=at)
        order.refresh_from_db()
    else:
        order.move_to(OrderStatus.CANCELLED, cancelled_at=at)
    return order


def _some_go_on(order: Order, *, at: datetime) -> bool:
    """Release what has not started of a locked order, and tell whether anything has."""
    held = list(Reservation.objects.live().filter(order=order).locked())
    waiting = [one for one in held if one.status in WAITING and one.starts_at > at]
    if held and not waiting and order.status == OrderStatus.MATCHED:
        raise reservations.AlreadyStarted(_("The reservation has started and can no longer be cancelled."))
    reservations.release(waiting=waiting, at=at)
    return Reservation.objects.filter(order=order).exclude(status=ReservationStatus.RELEASED).exists()


@transaction.atomic
def expire_overdue(*, at: datetime) -> int:
    """Expire the orders whose last hour to start, or whose own time, has passed; return how many."""
    overdue = Order.objects.overdue(at).select_for_update(skip_locked=True, no_key=True)
    return splits.give_up(ids=[order.pk for order in overdue.only("pk")], at=at)


def check_counts(demand: Demand) -> None:
    """Refuse a demand for nothing, or for a number of cards and a performance at once.

    :raises BadCount: if it is one.
    :raises BadParts: if it cannot be split as it says.
    """
    if demand.tflops is not None and (demand.count or demand.precision not in RATES):
        text = _("Order a number of cards, or a performance at a precision.")
        raise BadCount(text, fields={"count" if demand.count else "precision": text})
    much = ("count", demand.count) if demand.tflops is None else ("tflops", demand.tflops)
    wrong = {name: _("At least 1.") for name, value in (much, ("hours", demand.hours)) if value < 1}
    if wrong:
        raise BadCount(_("Order at least one card for at least one hour."), fields=wrong)
    if demand.split is not None:
        kind = demand.kind if demand.tflops is None else None
        splits.check(demand.split, count=demand.count, hours=demand.hours, kind=kind)


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
    horizon = horizon_of(demand.kind)
    if demand.hours > horizon // HOUR or last + demand.hours * HOUR > at + horizon:
        raise BadWindow(_("Orders end within %(days)d days from now.") % {"days": horizon.days})
    return first, last


def card_hour_micro(demand: Demand, *, on: date) -> int:
    """Return the most that a card-hour may cost: a limit by performance is for all cards, at least so many.

    :raises BadCount, UnknownModel: as ``place`` does.
    """
    if demand.tflops is None:
        return demand.limit_micro
    check_counts(demand)
    return demand.limit_micro // min(_needs(demand, on=on).values())


def horizon_of(kind: str) -> timedelta:
    """Return how long from now orders of a kind end at the latest."""
    return blocks.HORIZON if kind == OrderKind.BLOCK else HORIZON


def _check_beside(buyer: Organization, demand: Demand) -> None:
    if demand.beside is not None and demand.beside.order.buyer_id != buyer.pk:
        raise NotFound(_("There is no such reservation."), fields={"beside": _("Not found.")})


def hour_from(instant: datetime) -> datetime:
    """Return the first full hour at or after an instant."""
    hour = hour_of(instant)
    return hour if hour == instant else hour + HOUR
