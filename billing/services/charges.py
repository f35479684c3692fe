"""Charge what a reservation used: voucher first, then the wallet, one ledger transfer a charge."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

from billing import rating
from billing.models import Charge, ChargeKind, Funding, MeterChange
from billing.rating import Fees, HourDelta, Rated, Totals, VoucherTerms
from billing.services import charge_postings, service_credits
from market.models import MeteredHour, Reservation
from market.models.reservation import LIVE
from market.services import prices
from vouchers.models import Redemption
from vouchers.services import freezing, redemptions
from vouchers.services.redemptions import CaptureItem


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
    funding = _locked_funding(reservation)
    charges = _rate(reservation, funding, deltas, at=at)
    charges += service_credits.credit(reservation=reservation, funding=funding, at=at)
    _redeem(funding.redemption, charges, at=at)
    charge_postings.post(charges=charges, funding=funding, provider=reservation.provider, at=at)
    return len(charges)


def _rate(reservation: Reservation, funding: Funding, deltas: Sequence[HourDelta], *, at: datetime) -> list[Charge]:
    if not deltas:
        return []
    terms = _voucher_terms(funding.redemption)
    rated = rating.rate(
        deltas=deltas,
        so_far=_so_far(reservation, funding.redemption, terms),
        voucher=terms,
        fees=Fees(commission_bp=funding.commission_bp, vat_bp=funding.commission_vat_bp),
    )
    return _record(reservation, funding, rated, at=at)


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


def _locked_funding(reservation: Reservation) -> Funding:
    """Return the order's funding, locked: nobody gives back its holds while they are drawn on.

    The holds are read once the lock is there: a join would show them as they were before the wait for it.
    """
    locked = Funding.objects.locked().get(order=reservation.order_id)
    fundings = Funding.objects.select_related("redemption__grant__programme", "wallet_hold", "order__buyer")
    return fundings.get(pk=locked.pk)


def _voucher_terms(redemption: Redemption | None) -> VoucherTerms | None:
    if redemption is None:
        return None
    expires_at = redemption.grant.expires_at
    if expires_at is None:
        raise AssertionError("a grant that was redeemed has an expiry")
    return VoucherTerms(
        ratio_bp=redemption.ratio_bp,
        round_unit_fen=redemption.round_unit_fen,
        expires_at=expires_at,
        frozen=freezing.spans(redemption.grant),
    )


def _so_far(reservation: Reservation, redemption: Redemption | None, terms: VoucherTerms | None) -> Totals:
    """Add up the charges so far, by price: usage × price of many cards is more than PostgreSQL's bigint holds."""
    eligible = _eligible(terms) if terms else Q(pk__in=[])
    by_price = Charge.objects.usage().filter(reservation=reservation).order_by().values("price_micro")
    sums = by_price.annotate(
        used_ms=Sum("accelerator_ms"),
        eligible_fen=Coalesce(Sum("amount_fen", filter=eligible), 0),
        total_fen=Sum("amount_fen"),
        paid_fen=Sum("voucher_fen"),
        fee_fen=Sum("commission_fen"),
        tax_fen=Sum("vat_fen"),
    )
    return Totals(
        value=sum(int(one["used_ms"]) * one["price_micro"] for one in sums),
        amount_fen=sum(int(one["total_fen"]) for one in sums),
        eligible_fen=sum(int(one["eligible_fen"]) for one in sums),
        voucher_fen=sum(int(one["paid_fen"]) for one in sums),
        commission_fen=sum(int(one["fee_fen"]) for one in sums),
        vat_fen=sum(int(one["tax_fen"]) for one in sums),
        hold_left_fen=redemption.remaining_fen if redemption else 0,
    )


def _eligible(terms: VoucherTerms) -> Q:
    eligible = Q(hour__lt=terms.expires_at)
    for frozen_at, lifted_at in terms.frozen:
        eligible &= Q(hour__lt=frozen_at) | (Q(hour__gte=lifted_at) if lifted_at else Q(pk__in=[]))
    return eligible


def _record(reservation: Reservation, funding: Funding, rated: Sequence[Rated], *, at: datetime) -> list[Charge]:
    return Charge.objects.bulk_create(
        Charge(
            metered_hour_id=each.delta.metered_hour_id,
            version=each.delta.version,
            reservation=reservation,
            buyer=funding.order.buyer,
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
        CaptureItem(redemption, charge_postings.reference(charge), charge.voucher_fen, charge.hour)
        for charge in charges
        if charge.voucher_fen > 0 and charge.kind == ChargeKind.USAGE
    ]
    if captures:
        redemptions.capture_many(items=captures, at=at)
    given_up_fen = sum(max(one.voucher_fen, 0) for one in charges if one.kind == ChargeKind.CREDIT)
    refunded = [charge for charge in charges if charge.voucher_fen < 0]
    refund_fen = -sum(charge.voucher_fen for charge in refunded) - given_up_fen
    if refund_fen > 0:
        redemptions.refund(redemption=redemption, reference=_reference_of(refunded), amount_fen=refund_fen, at=at)


def _reference_of(charges: Sequence[Charge]) -> str:
    first, last = charges[0], charges[-1]
    return charge_postings.reference(first) + (f"-{last.pk}" if len(charges) > 1 else "")
