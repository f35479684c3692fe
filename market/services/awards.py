"""Turn a bid that won into an order that is matched at once, at exactly the bid's price, with its cards reserved.

Billing calls this in its own transaction, between the holds on the buyer's money.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from core.errors import Conflict, DomainError, NotFound
from core.periods import HOUR
from market.models import (
    Award,
    Bid,
    Match,
    MatchBatch,
    Offering,
    Order,
    OrderStatus,
    Reservation,
    ReservationStatus,
    Rfq,
    RfqStatus,
)
from market.services import orders, reclaims, reservations, vetting
from market.services.orders import Demand
from market.services.reclaims import Spare
from market.services.tape import NEGOTIATED
from market.services.vetting import ProviderNotVerified


class BidsNotOpen(Conflict):
    """There is nothing to award: bids are sealed still, or the request is over."""

    code = "bids-not-open"


class BidLapsed(Conflict):
    """The bid is no longer valid, or its start has passed."""

    code = "bid-lapsed"


class BadAward(DomainError):
    """The bids chosen are none of the request, or more cards than it asks for."""

    code = "bad-award"


class ReasonMissing(DomainError):
    """A dearer bid was chosen without a reason."""

    code = "reason-missing"


def choose(*, rfq: Rfq, buyer: Organization, bids: Sequence[Bid], reason: str, at: datetime) -> tuple[Rfq, list[Bid]]:
    """Lock a request and return it with the bids to be awarded, if they may be.

    :raises NotFound: if the buyer has not asked for these bids.
    :raises BidsNotOpen: if they are sealed, or the request is over.
    :raises BadAward: if they are none, or have more cards than were asked for.
    :raises BidLapsed: if one is no longer valid.
    :raises ProviderNotVerified: if the provider of one may no longer sell.
    :raises ReasonMissing: if a cheaper valid bid is left out without a reason.
    """
    rfq = Rfq.objects.locked().get(pk=rfq.pk)
    if rfq.buyer_id != buyer.pk:
        raise NotFound(_("There is no such request."))
    if rfq.status != RfqStatus.OPENED:
        raise BidsNotOpen(_("There are no open bids to award."))
    chosen = {bid.pk for bid in bids}
    all_bids = list(Bid.objects.filter(rfq=rfq).select_related("provider", "offering").order_by("price_micro", "pk"))
    won = [bid for bid in all_bids if bid.pk in chosen]
    if not won or len(won) != len(chosen) or sum(bid.count for bid in won) > rfq.count:
        raise BadAward(_("Choose bids of this request, with no more cards than it asks for."))
    _check_standing(won, at)
    others = [bid for bid in all_bids if bid.pk not in chosen and is_valid(bid, at)]
    may_sell = vetting.verified({bid.provider_id for bid in others})
    passed_over = [bid for bid in others if bid.provider_id in may_sell]
    if not reason.strip() and any(bid.price_micro < won[-1].price_micro for bid in passed_over):
        raise ReasonMissing(_("Say why a cheaper bid does not win."), fields={"reason": _("Bidders will read it.")})
    return rfq, won


def _check_standing(won: Sequence[Bid], at: datetime) -> None:
    if not all(is_valid(bid, at) for bid in won):
        raise BidLapsed(_("A bid is no longer valid, or its start has passed."))
    sellers = {bid.provider_id for bid in won}
    if vetting.verified(sellers) != sellers:
        raise ProviderNotVerified(_("The operator has not verified the provider of a bid, or no longer."))


def is_valid(bid: Bid, at: datetime) -> bool:
    """Tell whether a bid still stands."""
    return at < bid.valid_until and at < bid.starts_at


def demand_of(bid: Bid) -> Demand:
    """Return what a bid offers as the demand that it fulfils."""
    return Demand(
        category=bid.rfq.category,
        accelerators=(bid.offering.accelerator,),
        providers=(bid.provider,),
        count=bid.count,
        hours=bid.rfq.hours,
        start_min=bid.starts_at,
        start_max=bid.starts_at,
        limit_micro=bid.price_micro,
        name=bid.rfq.title,
    )


@transaction.atomic
def place(*, bid: Bid, at: datetime) -> Order:
    """Write the order of a bid. No posted price limits it: the bid is the price."""
    order = orders.write(buyer_id=bid.rfq.buyer_id, demand=demand_of(bid), at=at)
    Award.objects.create(bid=bid, order=order, awarded_at=at)
    return order


def lock(bids: Sequence[Bid], *, at: datetime) -> Spare:
    """Lock what bids are for, before any money: offerings, interruptible orders that may give way, calendar hours."""
    offerings = Offering.objects.filter(pk__in=[bid.offering_id for bid in bids]).locked()
    spare = reclaims.spare(offerings=[offering.pk for offering in offerings], at=at)
    # Every hour before any money, and those of all bids in one go: so does whoever gives several back.
    may_give = [one for held in spare.held.values() for one in held]
    reservations.lock_hours(reservations=[*map(_held, bids), *may_give])
    return spare


@transaction.atomic
def reserve(*, bid: Bid, order: Order, spare: Spare, at: datetime) -> Reservation:
    """Match the order of a bid and hold its cards, in the transaction that placed it: no clearing ever sees it open.

    :raises Overbooked: if the cards are not free, nor held by interruptible orders that could give way in time.
    """
    offering = Offering.objects.get(pk=bid.offering_id)
    batch = MatchBatch.objects.create(at=at, engine=NEGOTIATED, input_sha256=bid.envelope.sha256, orders=1, matched=1)
    match = Match.objects.create(
        batch=batch,
        order=order,
        offering=offering,
        starts_at=bid.starts_at,
        price_micro=bid.price_micro,
        reason={"rfq": str(bid.rfq_id), "bid": str(bid.pk)},
    )
    reservation = _held(bid)
    reservation.match, reservation.order = match, order
    reservation.offering, reservation.handover = offering, offering.handover
    if offering.is_open(reservation.starts_at, reservation.ends_at):
        reclaims.give_way(wanted=reservation, spare=spare)
    reservations.hold_capacity(reservations=[reservation])
    reservation.save()
    order.move_to(OrderStatus.MATCHED)
    return reservation


def _held(bid: Bid) -> Reservation:
    """Return what a bid takes out of the calendar, as a reservation that is not saved."""
    return Reservation(
        status=ReservationStatus.HELD,
        offering_id=bid.offering_id,
        provider_id=bid.provider_id,
        count=bid.count,
        starts_at=bid.starts_at,
        ends_at=bid.starts_at + bid.rfq.hours * HOUR,
        price_micro=bid.price_micro,
    )
