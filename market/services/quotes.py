"""Quotes that hold cards: taken up, given back, or over. Each way out frees what was held, or uses it.

A quote is given by ``quoting``; billing takes one up in its own transaction, between the holds on the buyer's money.
"""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from core.errors import Conflict, NotFound
from market.models import (
    Match,
    MatchBatch,
    Order,
    OrderKind,
    OrderStatus,
    Quote,
    QuoteStatus,
    Reservation,
    ReservationStatus,
)
from market.services import orders, prices, reservations
from market.services.orders import Demand

RULE = "quote/1"
"""The rule under which a match is written that comes of a quote."""


class QuoteOver(Conflict):
    """The quote was accepted or given back, or its time has passed."""

    code = "quote-over"


def held(quote: Quote) -> Reservation:
    """Return what a quote takes out of the calendar, as a reservation that is not saved."""
    return Reservation(
        offering_id=quote.offering_id, count=quote.count, starts_at=quote.starts_at, ends_at=quote.ends_at
    )


def standing(*, quote_id: UUID, buyer: Organization, at: datetime) -> Quote:
    """Lock a buyer's quote and return it, if it can still be accepted.

    :raises NotFound: if the buyer has no such quote.
    :raises QuoteOver: if it was accepted or given back, or its time has passed.
    """
    quote = Quote.objects.locked().of_buyer(buyer).filter(pk=quote_id).first()
    if quote is None:
        raise NotFound(_("There is no such quote."))
    if not quote.stands(at):
        raise QuoteOver(_("This quote is over: ask for a new one."))
    return quote


def demand_of(quote: Quote) -> Demand:
    """Return what a quote promises as the demand that it fulfils."""
    return Demand(
        category=quote.offering.category,
        accelerators=(quote.offering.accelerator,),
        providers=(quote.offering.provider,),
        count=quote.count,
        hours=quote.hours,
        start_min=quote.starts_at,
        start_max=quote.starts_at,
        limit_micro=max(quote.hourly_micro),
        name=quote.name,
    )


@transaction.atomic
def take_up(*, quote: Quote, at: datetime, kind: OrderKind = OrderKind.INSTANT) -> Order:
    """Turn a locked quote into a matched order; the cards that it held pass to the reservation as they are.

    What is sold otherwise has no say: an offering that was paused or has become dearer keeps what was quoted.
    """
    order = orders.write(buyer_id=quote.buyer_id, demand=replace(demand_of(quote), kind=kind), at=at)
    _reserve(quote, order, at=at)
    order.move_to(OrderStatus.MATCHED)
    quote.move_to(QuoteStatus.ACCEPTED)
    return order


def _reserve(quote: Quote, order: Order, *, at: datetime) -> None:
    batch = MatchBatch.objects.create(at=at, engine=RULE, input_sha256=quote.input_sha256, orders=1, matched=1)
    match = Match.objects.create(
        batch=batch,
        order=order,
        offering_id=quote.offering_id,
        quote=quote,
        starts_at=quote.starts_at,
        price_micro=quote.price_micro,
        reason={"quote": str(quote.pk)},
    )
    reservation = held(quote)
    reservation.status = ReservationStatus.HELD
    reservation.match, reservation.order = match, order
    reservation.provider_id = quote.offering.provider_id
    reservation.price_micro = quote.price_micro
    reservation.handover = quote.offering.handover
    reservation.save()
    prices.keep(agreed=[(reservation, quote.hourly_micro)])


@transaction.atomic
def withdraw(*, quote_id: UUID, buyer: Organization, actor: Actor, at: datetime) -> Quote:
    """Give a quote's cards back before its time.

    :raises NotFound: if the buyer has no such quote.
    :raises QuoteOver: if it was accepted or given back, or its time has passed.
    """
    quote = standing(quote_id=quote_id, buyer=buyer, at=at)
    quote.move_to(QuoteStatus.WITHDRAWN)
    reservations.release_capacity(reservations=[held(quote)])
    audit.record(actor=actor, verb="quote.withdrawn", thing=quote, at=at)
    return quote


@transaction.atomic
def expire_overdue(*, at: datetime) -> int:
    """Free the cards of the quotes whose time has passed; return how many there were.

    Quotes that someone is accepting or giving back are left to them.
    """
    return expire(overdue(at=at))


def overdue(*, at: datetime, offerings: Collection[UUID] | None = None) -> list[Quote]:
    """Lock the quotes whose time has passed, of some offerings or of all, and return them.

    Their cards are as good as free to whoever sells them on, who lets them ``expire`` with the hours locked.
    """
    due = Quote.objects.overdue(at) if offerings is None else Quote.objects.overdue(at).filter(offering__in=offerings)
    return list(due.order_by("pk").select_for_update(skip_locked=True, no_key=True))


def expire(due: Sequence[Quote]) -> int:
    """Free the cards of locked quotes whose time has passed; return how many there were."""
    moved = Quote.objects.filter(pk__in=[quote.pk for quote in due]).move_all(QuoteStatus.EXPIRED)
    reservations.release_capacity(reservations=[held(quote) for quote in due])
    return moved
