"""Give back what the published table says when cards that were promised could not be used."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Sum
from django.db.models.functions import Coalesce

from billing import crediting
from billing.crediting import Credit, Paid
from billing.models import Charge, ChargeKind, Funding, ServiceCredit
from core.periods import hour_of
from market import sla
from market.models import Downtime, DowntimeStatus, Reservation, ReservationStatus, StopCode
from market.models.stops import FAULT_OF, Fault
from market.sla import Span

CREDITED = (ReservationStatus.ENDED, ReservationStatus.INTERRUPTED, ReservationStatus.FAILED)


def credit(*, reservation: Reservation, funding: Funding, at: datetime) -> list[Charge]:
    """Write what a locked reservation that is over is still credited, as a negative charge; nothing if that is nothing.

    A later downtime or a correction of the usage adds only the difference.
    """
    if reservation.status not in CREDITED:
        return []
    promised, lost = spans(reservation)
    if not lost:
        return []
    paid, given = _paid(reservation), _given(reservation)
    ppm = sla.availability_ppm(promised, lost)
    wanted = crediting.credit(
        paid=paid,
        credit_bp=sla.credit_bp(ppm),
        given=given,
        commission_bp=funding.commission_bp,
        vat_bp=funding.commission_vat_bp,
    )
    if wanted == given:
        return []
    charge = _write(reservation, funding, wanted, given, at=at)
    ServiceCredit.objects.create(
        charge=charge,
        availability_ppm=ppm,
        lost_ms=sla.lost_ms(promised, lost),
        policy=sla.CURRENT,
        credit_bp=sla.credit_bp(ppm),
        charged_fen=paid.amount_fen,
        total_fen=wanted.amount_fen,
    )
    return [charge]


def spans(reservation: Reservation) -> tuple[Span, Sequence[Span]]:
    """Return what a reservation that is over had promised, and what of it was lost by the provider's doing."""
    if reservation.stopped_at is None:
        raise AssertionError("a reservation that is over has its time")
    accepted = Downtime.objects.filter(reservation=reservation, status=DowntimeStatus.ACCEPTED)
    lost = [Span(one.starts_at, one.ends_at) for one in accepted]
    if FAULT_OF[StopCode(reservation.stop_code)] is Fault.PROVIDER:
        begin = reservation.starts_at if reservation.status == ReservationStatus.FAILED else reservation.stopped_at
        lost.append(Span(begin, reservation.ends_at))
    ends_at = max([reservation.stopped_at, *(span.ends_at for span in lost)])
    return Span(reservation.starts_at, max(ends_at, reservation.starts_at + sla.MILLISECOND)), lost


def _paid(reservation: Reservation) -> Paid:
    sums = (
        Charge.objects.usage()
        .filter(reservation=reservation)
        .aggregate(amount=Coalesce(Sum("amount_fen"), 0), voucher=Coalesce(Sum("voucher_fen"), 0))
    )
    return Paid(int(sums["amount"]), int(sums["voucher"]))


def _given(reservation: Reservation) -> Credit:
    columns = ("amount_fen", "voucher_fen", "commission_fen", "vat_fen")
    sums = (
        Charge.objects.credits()
        .filter(reservation=reservation)
        .aggregate(**{f"{name}_sum": Coalesce(Sum(name), 0) for name in columns})
    )
    return Credit(*(-int(sums[f"{name}_sum"]) for name in columns))


def _write(reservation: Reservation, funding: Funding, wanted: Credit, given: Credit, *, at: datetime) -> Charge:
    """Write the difference into the last hour of the reservation: the bill of its month states it, or the next one."""
    last = (reservation.stopped_at or at) - sla.MILLISECOND
    return Charge.objects.create(
        kind=ChargeKind.CREDIT,
        metered_hour=None,
        version=1 + Charge.objects.credits().filter(reservation=reservation).count(),
        reservation=reservation,
        buyer=funding.order.buyer,
        provider_id=reservation.provider_id,
        hour=hour_of(max(last, reservation.starts_at)),
        accelerator_ms=0,
        price_micro=0,
        amount_fen=given.amount_fen - wanted.amount_fen,
        voucher_fen=given.voucher_fen - wanted.voucher_fen,
        wallet_fen=given.wallet_fen - wanted.wallet_fen,
        commission_fen=given.commission_fen - wanted.commission_fen,
        vat_fen=given.vat_fen - wanted.vat_fen,
        provider_fen=given.provider_fen - wanted.provider_fen,
        charged_at=at,
    )
