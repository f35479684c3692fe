"""Give back what the published table says when cards that were promised could not be used."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from billing import crediting
from billing.crediting import Credit, Paid
from billing.models import Charge, ChargeKind, ChargeQuerySet, ServiceCredit
from billing.services.purses import Purse
from core.periods import hour_of
from market import sla
from market.models import Downtime, DowntimeStatus, Reservation, ReservationStatus, StopCode
from market.models.stops import FAULT_OF, Fault
from market.sla import Span

CREDITED = (ReservationStatus.ENDED, ReservationStatus.INTERRUPTED, ReservationStatus.FAILED)


def credit(
    *, reservation: Reservation, purses: Sequence[Purse], charged: Sequence[Charge], at: datetime
) -> list[Charge]:
    """Write what a locked reservation that is over is still credited, as a negative charge for each of its purses.

    A later downtime or a correction of the usage, which has just been ``charged``, adds only the difference; nothing is
    written if that is nothing.
    """
    if reservation.status not in CREDITED:
        return []
    promised, lost = spans(reservation)
    if not lost:
        return []
    paid, given = _paid(reservation, purses, charged), _given(reservation, purses)
    credit_bp = sla.credit_bp(sla.availability_ppm(promised, lost))
    wanted = crediting.credit(paid=paid, credit_bp=credit_bp, given=given)
    charges = []
    for purse, want, have, spent in zip(purses, wanted, given, paid, strict=True):
        if want != have:
            charges.append(_write(reservation, purse, want, have, at=at))
            _explain(charges[-1], promised, lost, spent, want)
    return charges


def _explain(charge: Charge, promised: Span, lost: Sequence[Span], paid: Paid, wanted: Credit) -> None:
    ppm = sla.availability_ppm(promised, lost)
    ServiceCredit.objects.create(
        charge=charge,
        availability_ppm=ppm,
        lost_ms=sla.lost_ms(promised, lost),
        policy=sla.CURRENT,
        credit_bp=sla.credit_bp(ppm),
        charged_fen=max(paid.amount_fen, 0),
        total_fen=wanted.amount_fen,
    )


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


def _paid(reservation: Reservation, purses: Sequence[Purse], charged: Sequence[Charge]) -> list[Paid]:
    sums = _sums(Charge.objects.usage().filter(reservation=reservation), ("amount_fen", "voucher_fen"))
    returned: Counter[UUID | None] = Counter()
    for charge in charged:
        returned[charge.supplement_id] -= min(charge.voucher_fen, 0)
    none = (0, 0)
    parts = [(purse, returned[purse.supplement_id], sums.get(purse.supplement_id, none)) for purse in purses]
    return [Paid(fen, public_fen, purse.fees, purse.kept_fen, back) for purse, back, (fen, public_fen) in parts]


def _given(reservation: Reservation, purses: Sequence[Purse]) -> list[Credit]:
    columns = ("amount_fen", "voucher_fen", "commission_fen", "vat_fen")
    sums = _sums(Charge.objects.credits().filter(reservation=reservation), columns)
    return [Credit(*(-fen for fen in sums.get(purse.supplement_id, ()))) for purse in purses]


def _sums(charges: ChargeQuerySet, columns: Sequence[str]) -> dict[UUID | None, tuple[int, ...]]:
    """Return the sums of some columns for each purse."""
    totals = {f"{name}_sum": Sum(name) for name in columns}
    rows = charges.order_by().values_list("supplement").annotate(**totals)
    return {row[0]: tuple(int(fen) for fen in row[1:]) for row in rows}


def _write(reservation: Reservation, purse: Purse, wanted: Credit, given: Credit, *, at: datetime) -> Charge:
    """Write the difference into the last hour of the reservation: the bill of its month states it, or the next one."""
    last = (reservation.stopped_at or at) - sla.MILLISECOND
    return Charge.objects.create(
        kind=ChargeKind.CREDIT,
        metered_hour=None,
        version=1 + Charge.objects.credits().filter(reservation=reservation).count(),
        reservation=reservation,
        supplement_id=purse.supplement_id,
        buyer=purse.buyer,
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
