"""Take lines beside the card-hour with a reservation, give them up, and let them go on when it is extended.

All that a line can cost is set aside in cash when it is taken: no voucher pays for what is not compute.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F, QuerySet, Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from billing import accounts, selectors
from billing.models import Funding, FundingStatus, Supplement, TakenLine, TakenLineStatus
from billing.models.line import TakenLineQuerySet
from billing.services import charges, spending_limits
from billing.services.refusals import WalletTooLow
from core.errors import Conflict, NotFound
from core.ids import uuid7
from core.money import format_yuan
from core.periods import HOUR
from ledger.models import Hold, HoldStatus
from ledger.services import posting
from market import line_pricing
from market.models import Reservation
from market.services import lifecycle, listings, orders

Wanted = Mapping[int, int]
"""Quantities by the ids of lines of an offering."""


class LineOver(Conflict):
    """The line, or the reservation that it is for, has no hour left to come."""

    code = "line-over"


@dataclass(frozen=True, slots=True)
class LineQuote:
    """What a quantity of a line costs over the hours of a reservation that are still to come."""

    line: int
    name: str
    unit: str
    quantity: int
    price_micro: int
    starts_at: datetime
    ends_at: datetime
    estimate_fen: int


def quote(*, reservation: Reservation, wanted: Wanted, at: datetime) -> list[LineQuote]:
    """Tell what ``take`` would set aside for each line, without any effect; used to the end it costs exactly that.

    :raises BadChoice: as ``listings.chosen`` does.
    :raises LineOver: if the reservation has no hour left to come.
    """
    starts_at = _first_hour(reservation, at=at)
    hours = (reservation.ends_at - starts_at) // HOUR
    found = listings.chosen(offering_id=reservation.offering_id, wanted=wanted)
    return [
        LineQuote(
            line=line.pk,
            name=line.name,
            unit=line.unit,
            quantity=quantity,
            price_micro=line.price_micro,
            starts_at=starts_at,
            ends_at=reservation.ends_at,
            estimate_fen=listings.cost_fen(line, quantity, hours=hours),
        )
        for line, quantity in found
    ]


@transaction.atomic
def take(*, reservation: Reservation, wanted: Wanted, actor: Actor, at: datetime) -> list[TakenLine]:
    """Let the buyer take quantities of lines, from the next full hour to the end of the reservation.

    :raises NotFound: if the actor's organisation did not buy it.
    :raises BadChoice: if its offering does not sell such lines, or a quantity makes no sense.
    :raises LineOver: if it is over, or has no full hour left to come.
    :raises ApprovalNeeded: if the order then costs more than its buyer's limit, and than what was approved.
    :raises WalletTooLow: if the wallet cannot set the money aside.
    """
    lifecycle.buyer_of(reservation, actor)
    reservation = Reservation.objects.locked().get(pk=reservation.pk)
    listed = {line.pk: line for line, _quantity in listings.chosen(offering_id=reservation.offering_id, wanted=wanted)}
    quotes = quote(reservation=reservation, wanted=wanted, at=at)
    funding = charges.locked_funding(reservation)
    taken = [
        TakenLine(
            kind=listed[one.line].kind,
            name=one.name,
            unit=one.unit,
            quantity=one.quantity,
            price_micro=one.price_micro,
            starts_at=one.starts_at,
            ends_at=one.ends_at,
            estimate_fen=one.estimate_fen,
        )
        for one in quotes
    ]
    _set_aside(taken, reservation, funding, at=at)
    for line in taken:
        after = {"name": line.name, "quantity": line.quantity, "estimate_fen": line.estimate_fen}
        audit.record(actor=actor, verb="line.taken", thing=line, at=at, after=after)
    return taken


@transaction.atomic
def give_up(*, line: TakenLine, actor: Actor, at: datetime) -> TakenLine:
    """Let the buyer give a line up from the next full hour on; what it had set aside for later is free again.

    :raises NotFound: if the actor's organisation did not take it.
    :raises LineOver: if it is over.
    """
    lifecycle.buyer_of(line.reservation, actor)
    reservation = Reservation.objects.locked().get(pk=line.reservation_id)
    charges.locked_funding(reservation)
    line = TakenLine.objects.locked().get(pk=line.pk)
    stopped_at = max(orders.hour_from(at), line.starts_at)
    over = reservation.is_over or line.status != TakenLineStatus.RUNNING or line.given_up_at is not None
    if over or stopped_at >= min(line.stopped_at or line.ends_at, reservation.ends_at):
        raise LineOver(_("This line has no hour left to come."))
    _stop(line, stopped_at, given_up_at=at)
    after = {"stopped_at": stopped_at.isoformat()}
    audit.record(actor=actor, verb="line.given-up", thing=line, at=at, after=after)
    return line


def fit(*, reservation: Reservation, ends_at: datetime) -> None:
    """End the lines of a reservation, whose funding is locked, with the hours that are left of it."""
    for line in _running(reservation).locked():
        if ends_at < (line.stopped_at or line.ends_at):
            _stop(line, max(ends_at, line.starts_at))


def carry_on(*, supplement: Supplement, at: datetime) -> list[TakenLine]:
    """Take the lines that ran to the former end of an extended reservation again, for the hours that were added.

    :raises ApprovalNeeded, WalletTooLow: as ``take`` does.
    """
    reservation, hours = supplement.reservation, (supplement.ends_at - supplement.starts_at) // HOUR
    funding = charges.locked_funding(reservation)
    taken = [
        TakenLine(
            kind=line.kind,
            name=line.name,
            unit=line.unit,
            quantity=line.quantity,
            price_micro=line.price_micro,
            starts_at=supplement.starts_at,
            ends_at=supplement.ends_at,
            estimate_fen=_fen(line, hours),
        )
        for line in _to_the_end(reservation, supplement.starts_at)
    ]
    _set_aside(taken, reservation, funding, at=at)
    return taken


def carrying_on_fen(*, reservation: Reservation, hours: int) -> int:
    """Return what the lines of a reservation would cost over so many hours after its end."""
    return sum(_fen(line, hours) for line in _to_the_end(reservation, reservation.ends_at))


def carried_fen(*, supplement: Supplement) -> int:
    """Return what the lines that went on with an extension set aside."""
    of_these_hours = {"starts_at": supplement.starts_at, "stopped_at": None}  # not of hours that were given back
    rows = TakenLine.objects.filter(reservation=supplement.reservation_id, **of_these_hours)
    return int(rows.aggregate(total=Coalesce(Sum("estimate_fen"), 0))["total"])


def total_fen(*, offering_id: UUID, wanted: Wanted, hours: int) -> int:
    """Return what lines of an offering cost over so many hours, in all.

    :raises BadChoice: as ``listings.chosen`` does.
    """
    found = listings.chosen(offering_id=offering_id, wanted=wanted) if wanted else []
    return sum(listings.cost_fen(line, quantity, hours=hours) for line, quantity in found)


def left_fen(line: TakenLine) -> int:
    """Return the most that a line can cost as it stands."""
    return _fen(line, ((line.stopped_at or line.ends_at) - line.starts_at) // HOUR)


def _fen(line: TakenLine, hours: int) -> int:
    return line_pricing.total_fen(unit=line.unit, quantity=line.quantity, price_micro=line.price_micro, hours=hours)


def _running(reservation: Reservation) -> TakenLineQuerySet:
    return TakenLine.objects.running().filter(reservation=reservation)


def _to_the_end(reservation: Reservation, ends_at: datetime) -> QuerySet[TakenLine, Any]:
    """Return the lines that go on with an extension: by the hour, not given up, to the end of the reservation.

    One that lost all its hours with those that were given back goes on no more.
    """
    lines = _running(reservation).filter(given_up_at=None, unit__in=line_pricing.BY_THE_HOUR).order_by("pk")
    return lines.annotate(until=Coalesce(F("stopped_at"), F("ends_at"))).filter(until=ends_at, starts_at__lt=ends_at)


def _first_hour(reservation: Reservation, *, at: datetime) -> datetime:
    starts_at = max(reservation.starts_at, orders.hour_from(at))
    if reservation.is_over or starts_at >= reservation.ends_at:
        raise LineOver(_("This reservation has no full hour left to come."))
    return starts_at


def _set_aside(taken: Sequence[TakenLine], reservation: Reservation, funding: Funding, *, at: datetime) -> None:
    if not taken:
        return
    if funding.status == FundingStatus.CLOSED:
        raise LineOver(_("The order of this reservation is over."))
    total_fen = spending_limits.committed_fen(funding) + sum(line.estimate_fen for line in taken)
    spending_limits.check(order=funding.order, total_fen=total_fen)
    for line in taken:
        line.id, line.status = uuid7(), TakenLineStatus.RUNNING
        line.funding, line.reservation = funding, reservation
        line.taken_at, line.charged_until = at, line.starts_at
        line.wallet_hold = _hold(funding, line) if line.estimate_fen else None
    TakenLine.objects.bulk_create(taken)


def _hold(funding: Funding, line: TakenLine) -> Hold:
    buyer = funding.order.buyer
    account = posting.open_account(code=accounts.wallet(buyer), floor_fen=0)
    try:
        return posting.hold(key=f"line/{line.pk}", account=account, amount_fen=line.estimate_fen)
    except posting.Overdrawn as error:
        available = selectors.wallet(buyer).available_fen
        words = {"available": format_yuan(available), "needed": format_yuan(line.estimate_fen), "name": line.name}
        text = _("The wallet has ¥%(available)s, %(name)s needs ¥%(needed)s.") % words
        raise WalletTooLow(text, available_fen=available, needed_fen=line.estimate_fen) from error


def open_hold(line: TakenLine) -> Hold | None:
    """Return what is still set aside for a line, as it stands now."""
    return Hold.objects.filter(pk__in=[line.wallet_hold_id], status=HoldStatus.PENDING).first()


def _stop(line: TakenLine, stopped_at: datetime, **stamps: datetime) -> None:
    """Let a locked line end, and its hold set no more aside than it still can cost."""
    TakenLine.objects.filter(pk=line.pk).update(stopped_at=stopped_at, **stamps)
    line.stopped_at = stopped_at
    hold = open_hold(line)
    needed_fen = left_fen(line)
    if hold and needed_fen <= hold.captured_fen:
        posting.settle(hold=hold)
    elif hold and needed_fen < hold.amount_fen:
        posting.resize(hold=hold, amount_fen=needed_fen)


def of_reservation(*, reservation: Reservation, line_id: UUID) -> TakenLine:
    """Return a line that was taken with a reservation.

    :raises NotFound: if there is none of this id.
    """
    line = TakenLine.objects.select_related("reservation__order").filter(reservation=reservation, pk=line_id).first()
    if line is None:
        raise NotFound(_("There is no such line."))
    return line
