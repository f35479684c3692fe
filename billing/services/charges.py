"""Charge what a reservation used: voucher first, then the wallet, one ledger transfer a charge."""

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing import rating
from billing.commission import Public
from billing.models import Charge, ChargeKind, Funding, MeterChange
from billing.rating import HourDelta, Rated, Totals, VoucherTerms
from billing.services import charge_postings, denials, purses, service_credits, vouchers_first
from billing.services.purses import Purse
from market.models import MeteredHour, Reservation
from market.models.reservation import LIVE
from market.services import prices
from vouchers.models import Redemption
from vouchers.services import redemptions
from vouchers.services.redemptions import CaptureItem

Terms = Sequence[VoucherTerms | None]
Sums = Sequence[dict[str, Any]]


def uncharged() -> QuerySet[MeteredHour]:
    """Return the metered hours whose present version no charge has: exact, but it looks at every hour."""
    charged = Charge.objects.filter(metered_hour=OuterRef("pk"), version=OuterRef("version"))
    return MeteredHour.objects.filter(~Exists(charged), version__gt=0)


def waiting(*, limit: int, among: Collection[UUID] | None = None) -> list[UUID]:
    """Return up to ``limit`` reservations (``among`` some) whose meter has changed since they were charged."""
    changed = MeterChange.objects.order_by("reservation_id").values_list("reservation_id", flat=True)
    if among is not None:
        changed = changed.filter(reservation__in=among)
    return list(changed.distinct()[:limit])


@transaction.atomic
def rate_reservation(*, reservation_id: UUID, at: datetime) -> int:
    """Charge every metered change of a reservation once, then credit what it failed to be; return how many charges.

    The changes are taken off the list before the meter is read: what comes in later is on the list again.
    """
    reservation = Reservation.objects.locked().select_related("provider").get(pk=reservation_id)
    MeterChange.objects.filter(reservation=reservation).delete()
    deltas = _deltas(reservation)
    if not deltas and reservation.status in LIVE:
        return 0
    funding = locked_funding(reservation)
    paying = purses.of(funding, reservation)
    vouchers_first.lock(purse.redemption for purse in paying)
    charges = _rate(reservation, paying, deltas, at=at)
    charges += service_credits.credit(reservation=reservation, purses=paying, charged=charges, at=at)
    _pay(charges, paying, reservation, at=at)
    return len(charges)


def _pay(charges: Sequence[Charge], paying: Sequence[Purse], reservation: Reservation, *, at: datetime) -> None:
    """Let all vouchers pay their parts before the wallet does."""
    parts = [(purse, [one for one in charges if one.supplement_id == purse.supplement_id]) for purse in paying]
    for purse, mine in parts:
        _redeem(purse.redemption, mine, at=at)
    for purse, mine in parts:
        charge_postings.post(charges=mine, purse=purse, provider=reservation.provider, at=at)


def _rate(
    reservation: Reservation, paying: Sequence[Purse], deltas: Sequence[HourDelta], *, at: datetime
) -> list[Charge]:
    """Charge purse by purse: amounts add up over the reservation, what a voucher paid within its purse."""
    if not deltas:
        return []
    terms = [purses.voucher_terms(purse) for purse in paying]
    sums, charges = list(_sums(reservation, paying, terms)), []
    whole, before_value = _whole(paying, sums), 0
    for purse, voucher in zip(paying, terms, strict=True):
        mine = [delta for delta in deltas if purses.paying(paying, delta.hour) is purse]
        own = [one for one in sums if one["supplement"] == purse.supplement_id]
        before = replace(_of_purse(whole, purse, own, at), before_value=before_value)
        rated = rating.rate(deltas=mine, so_far=before, voucher=voucher, fees=purse.fees)
        whole = rating.after(whole, rated, purse.fees)
        before_value += _value(own, "used_ms") + sum(delta.value for delta in mine)
        charges += _record(reservation, purse, rated, at=at)
    return charges


def _of_purse(whole: Totals, purse: Purse, sums: Sums, at: datetime) -> Totals:
    """Return the sums of a reservation with what a voucher paid, and still can, of a purse's hours."""
    return replace(
        whole,
        covered_value=_value(sums, "covered_ms"),
        voucher_fen=sum(int(one["paid_fen"]) for one in sums),
        hold_left_fen=redemptions.payable_fen(purse.redemption, at=at) if purse.redemption else 0,
    )


def _deltas(reservation: Reservation) -> list[HourDelta]:
    charged = Charge.objects.filter(metered_hour=OuterRef("pk")).values("metered_hour")
    charged_ms = Coalesce(Subquery(charged.annotate(total=Sum("accelerator_ms")).values("total")), 0)
    hours = uncharged().filter(reservation=reservation).annotate(delta_ms=F("accelerator_ms") - charged_ms)
    price_at = prices.agreed(reservation)
    return [
        HourDelta(
            metered_hour_id=hour.pk,
            version=hour.version,
            hour=hour.hour,
            accelerator_ms=hour.delta_ms,
            price_micro=price_at(hour.hour),
        )
        for hour in hours.order_by("hour")
    ]


def locked_funding(reservation: Reservation) -> Funding:
    """Return the order's funding, locked: nobody gives back its holds while they are drawn on.

    The holds are read once the lock is there: a join would show them as they were before the wait for it.
    """
    locked = Funding.objects.locked().get(order=reservation.order_id)
    fundings = Funding.objects.select_related("redemption__grant__programme", "wallet_hold", "order__buyer")
    return fundings.get(pk=locked.pk)


def _whole(paying: Sequence[Purse], sums: Sums) -> Totals:
    """Add up the charges of a reservation so far; what a voucher paid is told by purse."""
    return Totals(
        value=_value(sums, "used_ms"),
        amount_fen=sum(int(one["total_fen"]) for one in sums),
        commission_fen=sum(int(one["fee_fen"]) for one in sums),
        vat_fen=sum(int(one["tax_fen"]) for one in sums),
        public=_public(paying, sums),
    )


def _value(sums: Sums, name: str) -> int:
    """Add up by price: usage × price of many cards is more than PostgreSQL's bigint holds."""
    return sum(int(one[name]) * int(one["price_micro"]) for one in sums)


def _public(paying: Sequence[Purse], sums: Sums) -> Public:
    """Add up what vouchers paid, each with the fee of its own programme."""
    rate_bp = {purse.supplement_id: purse.fees.on_voucher_bp for purse in paying}
    public = Public()
    for one in sums:
        public = public.plus(int(one["paid_fen"]), rate_bp[one["supplement"]])
    return public


def _sums(reservation: Reservation, paying: Sequence[Purse], terms: Terms) -> QuerySet[Charge, Any]:
    by_price = Charge.objects.usage().filter(reservation=reservation).order_by().values("supplement", "price_micro")
    return by_price.annotate(
        used_ms=Sum("accelerator_ms"),
        covered_ms=Coalesce(Sum("accelerator_ms", filter=_eligible(paying, terms)), 0),
        total_fen=Sum("amount_fen"),
        paid_fen=Sum("voucher_fen"),
        fee_fen=Sum("commission_fen"),
        tax_fen=Sum("vat_fen"),
    )


def _eligible(paying: Sequence[Purse], terms: Terms) -> Q:
    eligible = Q(pk__in=[])
    for purse, voucher in zip(paying, terms, strict=True):
        if voucher:
            eligible |= Q(supplement=purse.supplement_id) & _covered(voucher)
    return eligible


def _covered(terms: VoucherTerms) -> Q:
    covered = Q(hour__lt=terms.expires_at)
    for frozen_at, lifted_at in terms.frozen:
        covered &= Q(hour__lt=frozen_at) | (Q(hour__gte=lifted_at) if lifted_at else Q(pk__in=[]))
    return covered


def _record(reservation: Reservation, purse: Purse, rated: Sequence[Rated], *, at: datetime) -> list[Charge]:
    return Charge.objects.bulk_create(
        Charge(
            metered_hour_id=each.delta.metered_hour_id,
            version=each.delta.version,
            reservation=reservation,
            supplement_id=purse.supplement_id,
            buyer=purse.buyer,
            provider_id=reservation.provider_id,
            hour=each.delta.hour,
            accelerator_ms=each.delta.accelerator_ms,
            price_micro=each.delta.price_micro,
            amount_fen=each.amount_fen,
            voucher_fen=each.voucher_fen,
            wallet_fen=each.wallet_fen,
            commission_fen=each.commission_fen,
            vat_fen=each.vat_fen,
            provider_fen=each.provider_fen,
            charged_at=at,
        )
        for each in rated
    )


def _redeem(redemption: Redemption | None, charges: Sequence[Charge], *, at: datetime) -> None:
    """Let the voucher pay its part of the charges, and take back its part of those that are negative, in one refund.

    A correction that makes a credit smaller takes back more than the credit gives up: their difference is the refund.
    """
    if redemption is None:
        return
    captures = [
        CaptureItem(redemption, charge_postings.reference(charge), charge.voucher_fen, charge.hour, charge.provider_id)
        for charge in charges
        if charge.voucher_fen > 0 and charge.kind == ChargeKind.USAGE
    ]
    if captures:
        redemptions.capture_many(items=captures, at=at)
    given_up_fen = sum(max(one.voucher_fen, 0) for one in charges if one.kind == ChargeKind.CREDIT)
    refunded = [charge for charge in charges if charge.voucher_fen < 0]
    refund_fen = -sum(charge.voucher_fen for charge in refunded) - given_up_fen
    if refund_fen > 0:
        _take_back(redemption, refunded, refund_fen, at=at)


def _take_back(redemption: Redemption, charges: Sequence[Charge], amount_fen: int, *, at: datetime) -> None:
    """Give a voucher back what charges took off its part; what was denied has come back, and does not come twice."""
    amount_fen -= denials.undo(redemption=redemption, charge=charges[0], amount_fen=amount_fen, at=at)
    if amount_fen:
        redemptions.refund(redemption=redemption, reference=_reference_of(charges), amount_fen=amount_fen, at=at)


def _reference_of(charges: Sequence[Charge]) -> str:
    first, last = charges[0], charges[-1]
    return charge_postings.reference(first) + (f"-{last.pk}" if len(charges) > 1 else "")
