"""Charge what is owed for lines beside the card-hour: day by day while they run, and the rest when they are over."""

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import F, Q, Sum
from django.db.models.functions import Coalesce, Least

from billing import commission
from billing.commission import Taken
from billing.models import Charge, ChargeKind, Funding, LineCharge, TakenLine, TakenLineStatus
from billing.services import arrears, charge_postings, charges, taken_lines
from billing.services.purses import Purse, cash_fees
from core.periods import HOUR, Period, date_of, hour_of, midnight, month_of
from ledger.services import posting
from market import line_pricing
from market.models import Reservation, ReservationStatus
from market.models.reservation import OVER, WAITING
from market.services import orders


def due(*, at: datetime, limit: int) -> list[UUID]:
    """Return the reservations with a line that has a day to be charged, or whose rest is."""
    day = midnight(date_of(at))
    running = Q(reservation__status=ReservationStatus.ACTIVE, charged_until__lt=Least(day, F("until")))
    lines = TakenLine.objects.running().annotate(until=Coalesce(F("stopped_at"), F("ends_at")))
    lines = lines.filter(running | Q(reservation__status__in=OVER))
    return list(lines.order_by("reservation").values_list("reservation", flat=True).distinct()[:limit])


@transaction.atomic
def charge(*, reservation_id: UUID, at: datetime) -> int:
    """Charge the days that are over for the lines of a reservation, and settle those that are; return how many.

    Once the reservation is over everything is settled: where it failed, what was charged before is taken back.
    """
    reservation = Reservation.objects.locked().select_related("provider").get(pk=reservation_id)
    funding = charges.locked_funding(reservation)
    lines = _locked(reservation)
    made = [each for line in lines for each in _charge(line, reservation, funding, at=at)]
    if lines and reservation.status in OVER:
        arrears.repay(buyer=funding.order.buyer, key=f"lines/{reservation.pk}", at=at)
    return len(made)


def settle(*, funding: Funding, at: datetime) -> None:
    """Charge the rest of the lines of an order that is over, and give back what they do not cost."""
    rows = Reservation.objects.filter(taken_lines__in=TakenLine.objects.running().filter(funding=funding))
    for reservation_id in rows.order_by("pk").values_list("pk", flat=True).distinct():
        charge(reservation_id=reservation_id, at=at)


def _locked(reservation: Reservation) -> list[TakenLine]:
    held = list(TakenLine.objects.running().filter(reservation=reservation).locked().values_list("pk", flat=True))
    return list(TakenLine.objects.filter(pk__in=held).select_related("wallet_hold", "reservation").order_by("pk"))


def _charge(line: TakenLine, reservation: Reservation, funding: Funding, *, at: datetime) -> list[Charge]:
    until = max(_until(line, reservation, at=at), line.starts_at)
    pieces = _months(line.charged_until, until) if until >= line.charged_until else [Period(until, line.charged_until)]
    made = [
        each
        for piece in pieces
        for each in _differ(line, funding, piece, _total_fen(line, min(piece.ends_at, until)), at=at)
    ]
    purse = Purse(funding.order.buyer, None, line.wallet_hold, cash_fees(funding))
    charge_postings.post(charges=made, purse=purse, provider=reservation.provider, at=at)
    _close(line, reservation, until)
    return made


def _until(line: TakenLine, reservation: Reservation, *, at: datetime) -> datetime:
    """Return up to which full hour a line is owed by now: whole days of what runs, all of what is over.

    The hour that has begun when a buyer ends counts, the one in which the provider breaks off does not.
    """
    ends_at = min(line.stopped_at or line.ends_at, reservation.ends_at)
    stopped_at = reservation.stopped_at
    if reservation.status == ReservationStatus.ENDED and stopped_at:
        return min(ends_at, orders.hour_from(stopped_at))
    if reservation.status == ReservationStatus.INTERRUPTED and stopped_at:
        return min(ends_at, hour_of(stopped_at))
    if reservation.status in (*WAITING, *OVER):
        return line.starts_at
    return min(ends_at, midnight(date_of(at)))


def _months(starts_at: datetime, ends_at: datetime) -> Iterator[Period]:
    """Cut hours where a month ends in Shanghai: a charge is on the bill of one month."""
    while starts_at < ends_at:
        cut = min(month_of(date_of(starts_at)).ends_at, ends_at)
        yield Period(starts_at, cut)
        starts_at = cut


def _total_fen(line: TakenLine, until: datetime) -> int:
    hours = (until - line.starts_at) // HOUR
    return line_pricing.total_fen(unit=line.unit, quantity=line.quantity, price_micro=line.price_micro, hours=hours)


def _differ(line: TakenLine, funding: Funding, hours: Period, total_fen: int, *, at: datetime) -> list[Charge]:
    """Write the difference between what a line costs in all and what was charged for it; nothing if there is none."""
    sums = Charge.objects.filter(line_charge__line=line).aggregate(
        amount=Coalesce(Sum("amount_fen"), 0), net=Coalesce(Sum("commission_fen"), 0), vat=Coalesce(Sum("vat_fen"), 0)
    )
    amount_fen = total_fen - int(sums["amount"])
    if amount_fen == 0:
        return []
    before = Taken(int(sums["net"]), int(sums["vat"]))
    taken = commission.of(total_fen, cash_fees(funding)).minus(before)
    made = _write(line, funding, hours, amount_fen, taken, at=at)
    LineCharge.objects.create(charge=made, line=line, starts_at=hours.starts_at, ends_at=hours.ends_at)
    return [made]


def _write(line: TakenLine, funding: Funding, hours: Period, amount_fen: int, taken: Taken, *, at: datetime) -> Charge:
    """Write a charge: what is owed on the bill of its first hour, what is taken back on that of its last."""
    return Charge.objects.create(
        kind=ChargeKind.LINE,
        version=1 + Charge.objects.lines().filter(reservation=line.reservation_id).count(),
        reservation_id=line.reservation_id,
        buyer=funding.order.buyer,
        provider_id=line.reservation.provider_id,
        hour=hours.starts_at if amount_fen > 0 else hours.ends_at - HOUR,
        accelerator_ms=0,
        price_micro=0,
        amount_fen=amount_fen,
        voucher_fen=0,
        wallet_fen=amount_fen,
        commission_fen=taken.commission_fen,
        vat_fen=taken.vat_fen,
        provider_fen=amount_fen - taken.commission_fen - taken.vat_fen,
        charged_at=at,
    )


def _close(line: TakenLine, reservation: Reservation, until: datetime) -> None:
    """Note how far a line is charged, and settle it once its reservation is over: nothing more can be owed then."""
    TakenLine.objects.filter(pk=line.pk).update(charged_until=max(until, line.charged_until))
    if reservation.status not in OVER:
        return
    hold = taken_lines.open_hold(line)
    if hold:
        posting.settle(hold=hold)
    line.move_to(TakenLineStatus.SETTLED)
