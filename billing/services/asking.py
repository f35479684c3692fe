"""Order what one person may order, or let it wait: for a second person of the buyer, within its limit's rules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from billing.models import ApprovalKind, ApprovalRequest, ApprovalStatus, Funding, Supplement
from billing.services import checkout, extending, held_quotes, rfq_awards, spending_limits
from billing.services.held_quotes import Chosen
from core.constraints import refusing
from core.errors import Conflict, Forbidden
from core.money import format_yuan
from market.models import Bid, Offering, Order, OrderKind, Reservation, Rfq
from market.services import awards, kept_demands, quotes, quoting
from market.services.orders import Demand
from vouchers.models import Grant


class AlreadyAsked(Conflict):
    """The quote, the award or an extension of the reservation waits for approval already."""

    code = "already-asked"


class NoTimeLeft(Conflict):
    """What waits for approval can be had for no moment longer."""

    code = "no-time-for-approval"


@dataclass(frozen=True, slots=True)
class Asked:
    """Who asks for what, and until when that can be had."""

    buyer: Organization
    demand: Demand
    grant: Grant | None
    until: datetime
    actor: Actor
    at: datetime


@transaction.atomic
def place(
    *, buyer: Organization, demand: Demand, grant: Grant | None, actor: Actor, at: datetime
) -> Order | ApprovalRequest:
    """Place an order, or let it wait for approval if it costs more than one person may order.

    :raises Forbidden: if it would wait, and nobody is known who asks for it.
    :raises NoTimeLeft: if it would wait, and its window ends now.
    """
    try:
        return checkout.place(buyer=buyer, demand=demand, grant=grant, actor=actor, at=at)
    except spending_limits.ApprovalNeeded as needed:
        until = min(demand.good_till or demand.start_max, demand.start_max)
        return _ask(Asked(buyer, demand, grant, until, actor, at), needed.extra["estimate_fen"])


@transaction.atomic
def accept(
    *, quote_id: UUID, buyer: Organization, chosen: Chosen, actor: Actor, at: datetime
) -> Order | ApprovalRequest:
    """Accept a quote, or let that wait for approval while the quote stands: it goes on holding its cards.

    :raises Forbidden: if it would wait, and nobody is known who asks for it.
    :raises AlreadyAsked: if it waits.
    :raises DomainError: as ``held_quotes.accept`` does.
    """
    try:
        return held_quotes.accept(quote_id=quote_id, buyer=buyer, chosen=chosen, actor=actor, at=at)
    except spending_limits.ApprovalNeeded:
        quote = quotes.standing(quote_id=quote_id, buyer=buyer, at=at)
        asked = Asked(buyer, quotes.demand_of(quote), chosen.grant, quote.expires_at, actor, at)
        most_fen = held_quotes.most_fen(quote=quote, chosen=chosen)
        return _ask(asked, most_fen, kind=ApprovalKind.QUOTE, quote=quote, choice=chosen.pack())


@transaction.atomic
def buy(
    *, offering: Offering, buyer: Organization, demand: Demand, chosen: Chosen, actor: Actor, at: datetime
) -> Order | ApprovalRequest:
    """Buy from a listing, or hold what would be bought by a quote, and let accepting that wait for approval.

    :raises TooManyQuotes: if it would wait, and the buyer holds as many quotes as one may.
    :raises DomainError: as ``held_quotes.buy`` and ``accept`` do.
    """
    try:
        return held_quotes.buy(offering=offering, buyer=buyer, demand=demand, chosen=chosen, actor=actor, at=at)
    except spending_limits.ApprovalNeeded:
        wanted = demand if chosen.kind == OrderKind.BLOCK else quoting.of_listing(offering, demand)
        quote = quoting.give(buyer=buyer, demand=wanted, offering=offering, actor=actor, at=at)
        return accept(quote_id=quote.pk, buyer=buyer, chosen=chosen, actor=actor, at=at)


@transaction.atomic
def award(
    *,
    rfq: Rfq,
    buyer: Organization,
    bids: Sequence[Bid],
    grant: Grant | None = None,
    reason: str = "",
    actor: Actor,
    at: datetime,
) -> list[Order] | ApprovalRequest:
    """Award bids, or let that wait for approval while they are valid, if an order of them is above the limit.

    :raises Forbidden: if it would wait, and nobody is known who asks for it.
    :raises AlreadyAsked: if an award waits.
    :raises DomainError: as ``rfq_awards.award`` does.
    """
    try:
        return rfq_awards.award(rfq=rfq, buyer=buyer, bids=bids, grant=grant, reason=reason, actor=actor, at=at)
    except spending_limits.ApprovalNeeded:
        rfq, won = awards.choose(rfq=rfq, buyer=buyer, bids=bids, reason=reason, at=at)
        dearest = max((awards.demand_of(bid) for bid in won), key=checkout.estimate_fen)
        until = min(moment for bid in won for moment in (bid.valid_until, bid.starts_at))
        asked = Asked(buyer, dearest, grant, until, actor, at)
        choice = {"bids": [str(bid.pk) for bid in won], "reason": reason.strip()}
        return _ask(asked, checkout.estimate_fen(dearest), kind=ApprovalKind.AWARD, rfq=rfq, choice=choice)


@transaction.atomic
def extend(
    *,
    reservation: Reservation,
    hours: int,
    grant: Grant | None,
    actor: Actor,
    at: datetime,
    most_micro: int | None = None,
) -> Supplement | ApprovalRequest:
    """Extend a reservation, or let that wait for approval until it ends, at no more than its prices of now.

    :raises Forbidden: if it would wait, and nobody is known who asks for it.
    :raises AlreadyAsked: if an extension of the reservation waits.
    :raises DomainError: as ``extending.extend`` does.
    """
    wanted: dict[str, Any] = {"reservation": reservation, "hours": hours, "grant": grant, "at": at}
    try:
        return extending.extend(**wanted, most_micro=most_micro, actor=actor)
    except spending_limits.ApprovalNeeded:
        return ask_to_extend(**wanted, most_micro=most_micro, actor=actor, choice={})


@transaction.atomic
def ask_to_extend(
    *,
    reservation: Reservation,
    hours: int,
    grant: Grant | None,
    actor: Actor,
    at: datetime,
    most_micro: int | None,
    choice: dict[str, Any],
) -> ApprovalRequest:
    """Let an extension wait for approval until the reservation ends.

    :raises Forbidden: if nobody is known who asks for it.
    :raises AlreadyAsked: if an extension of the reservation waits.
    """
    quote = extending.quote(reservation=reservation, hours=hours, grant=grant, at=at)
    demand = _longer(reservation, hours, most_micro or max(quote.hourly_micro))
    asked = Asked(reservation.order.buyer, demand, grant, quote.starts_at, actor, at)
    committed = spending_limits.committed_fen(Funding.objects.get(order=reservation.order_id))
    most_fen = committed + quote.estimate_fen + quote.lines_fen
    return _ask(asked, most_fen, kind=ApprovalKind.EXTENSION, reservation=reservation, choice=choice)


def _longer(reservation: Reservation, hours: int, most_micro: int) -> Demand:
    """Return the hours after the end of a reservation as a demand."""
    return Demand(
        category=reservation.order.category,
        accelerators=(reservation.offering.accelerator,),
        providers=(reservation.provider,),
        count=reservation.cards,
        hours=hours,
        start_min=reservation.ends_at,
        start_max=reservation.ends_at,
        limit_micro=most_micro,
        name=reservation.order.name,
    )


def _ask(asked: Asked, estimate_fen: int, **thing: Any) -> ApprovalRequest:
    person, at = asked.actor.person, asked.at
    if person is None:
        raise Forbidden(_("Nobody is known who asks for this order: use a key that a person made."))
    if asked.until <= at:
        raise NoTimeLeft(_("Another person has to approve this, and it would be too late then."))
    twice = AlreadyAsked(_("This waits for approval already."))
    with refusing(approval_once_per_quote=twice, approval_once_per_rfq=twice, approval_once_per_reservation=twice):
        request = ApprovalRequest.objects.create(
            status=ApprovalStatus.AWAITING,
            buyer=asked.buyer,
            name=asked.demand.name,
            demand=kept_demands.pack(asked.demand),
            grant=asked.grant,
            estimate_fen=estimate_fen,
            limit_fen=spending_limits.of(asked.buyer) or 0,
            requested_by=person,
            requested_key=asked.actor.key,
            requested_at=at,
            expires_at=min(at + timedelta(hours=settings.APPROVAL_HOURS), asked.until),
            **thing,
        )
    after = {"kind": str(request.kind), "estimate_fen": request.estimate_fen}
    audit.record(actor=asked.actor, verb="approval.requested", thing=request, at=at, after=after)
    return request


def told(request: ApprovalRequest) -> str:
    """Say in words that an order waits."""
    words = {"total": format_yuan(request.estimate_fen), "limit": format_yuan(request.limit_fen)}
    return _("¥%(total)s is above your limit of ¥%(limit)s: the order waits until another person approves it.") % words
