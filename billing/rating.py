"""Usage × price → fen, and who bears and who earns it: pure, cumulative, exact.

Every figure of a charge is the difference of two cumulative figures of its reservation. Sixty one-minute reports
therefore cost what one one-hour report costs, and a correction is just another difference, perhaps negative. Hours may
have prices of their own: what is added up is usage × price, and only the sum is rounded.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime

from billing import commission
from billing.commission import NOTHING_PUBLIC, Fees, Public
from market.pricing import value_fen
from vouchers.rules import capture_total_fen


@dataclass(frozen=True, slots=True)
class HourDelta:
    """What a new version of a metered hour adds: accelerator-milliseconds, negative if the hour shrank."""

    metered_hour_id: int
    version: int
    hour: datetime
    accelerator_ms: int
    price_micro: int

    @property
    def value(self) -> int:
        """Return accelerator-milliseconds × micro-yuan per card-hour."""
        return self.accelerator_ms * self.price_micro


@dataclass(frozen=True, slots=True)
class VoucherTerms:
    """How a redemption pays: its ratio, its rounding, and which usage counts.

    Usage of hours that begin while its grant is frozen never does. While it is frozen the voucher pays nothing more.
    What an upheld clawback has demanded back is ``kept_fen``: the voucher's total does not fall below it any more.
    """

    ratio_bp: int
    round_unit_fen: int
    expires_at: datetime
    frozen: tuple[tuple[datetime, datetime | None], ...] = ()
    kept_fen: int = 0

    @property
    def is_frozen(self) -> bool:
        """Whether a freeze has not been lifted."""
        return any(lifted_at is None for _frozen_at, lifted_at in self.frozen)

    def covers(self, hour: datetime) -> bool:
        """Whether usage of the hour that begins at an instant counts."""
        within = (frozen_at <= hour and (lifted_at is None or hour < lifted_at) for frozen_at, lifted_at in self.frozen)
        return hour < self.expires_at and not any(within)


@dataclass(frozen=True, slots=True)
class Totals:
    """Sums over the charges of one reservation so far, and what the voucher's hold can still pay, in fen.

    ``value`` is usage × price, in accelerator-milliseconds × micro-yuan per card-hour, before it is rounded.
    ``covered_value`` is that of the usage which the voucher of a purse may pay, ``before_value`` that of the purses
    before it, and ``voucher_fen`` what it paid net of refunds. A refund goes back to the grant, not to the hold, so it
    does not raise ``hold_left_fen``. ``public`` is what all vouchers of the reservation paid.
    """

    value: int = 0
    amount_fen: int = 0
    covered_value: int = 0
    before_value: int = 0
    voucher_fen: int = 0
    commission_fen: int = 0
    vat_fen: int = 0
    hold_left_fen: int = 0
    public: Public = NOTHING_PUBLIC

    @property
    def eligible_fen(self) -> int:
        """Return what the voucher may pay a share of: what is covered stands first in its purse, behind those before.

        It follows from the usage alone, however that was reported: sums of the charges of covered hours would keep what
        each correction was rounded by. Parts of a reservation that are told apart like this add up to its amount.
        """
        return value_fen(self.before_value + self.covered_value) - value_fen(self.before_value)


@dataclass(frozen=True, slots=True)
class Rated:
    """One charge: amount = voucher + wallet = provider + commission + VAT, all in fen."""

    delta: HourDelta
    amount_fen: int
    voucher_fen: int
    wallet_fen: int
    commission_fen: int
    vat_fen: int
    provider_fen: int


def rate(
    *,
    deltas: Iterable[HourDelta],
    so_far: Totals,
    voucher: VoucherTerms | None,
    fees: Fees,
) -> list[Rated]:
    """Return one charge per delta on top of what was charged so far.

    Growing hours come first: usage that a correction only moves between hours of one price then costs nobody anything,
    and never makes the voucher give back what it could not pay again.
    """
    rated = []
    for delta in sorted(deltas, key=lambda each: (each.accelerator_ms < 0, each.hour)):
        totals = _advance(so_far, delta, voucher=voucher, fees=fees)
        rated.append(_difference(delta, so_far, totals))
        so_far = totals
    return rated


def after(so_far: Totals, rated: Iterable[Rated], fees: Fees) -> Totals:
    """Return the sums of a reservation after some charges; what the voucher of a purse paid is left as it was."""
    charges = list(rated)
    return replace(
        so_far,
        value=so_far.value + sum(one.delta.value for one in charges),
        amount_fen=so_far.amount_fen + sum(one.amount_fen for one in charges),
        commission_fen=so_far.commission_fen + sum(one.commission_fen for one in charges),
        vat_fen=so_far.vat_fen + sum(one.vat_fen for one in charges),
        public=so_far.public.plus(sum(one.voucher_fen for one in charges), fees.on_voucher_bp),
    )


def _advance(
    so_far: Totals,
    delta: HourDelta,
    *,
    voucher: VoucherTerms | None,
    fees: Fees,
) -> Totals:
    value = so_far.value + delta.value
    amount = value_fen(value)
    covered = so_far.covered_value + (delta.value if voucher and voucher.covers(delta.hour) else 0)
    so_far = replace(so_far, covered_value=covered)
    voucher_fen = _voucher_total(amount, so_far, voucher)
    public = so_far.public.plus(voucher_fen - so_far.voucher_fen, fees.on_voucher_bp)
    taken = commission.of(amount, fees, public)
    return replace(
        so_far,
        value=value,
        amount_fen=amount,
        voucher_fen=voucher_fen,
        commission_fen=taken.commission_fen,
        vat_fen=taken.vat_fen,
        hold_left_fen=so_far.hold_left_fen - max(voucher_fen - so_far.voucher_fen, 0),
        public=public,
    )


def _voucher_total(amount_fen: int, so_far: Totals, voucher: VoucherTerms | None) -> int:
    """Return what a voucher pays in all: its share, and with the other vouchers never more than the amount."""
    if voucher is None:
        return so_far.voucher_fen
    others_fen = so_far.public.paid_fen - so_far.voucher_fen
    total_fen = capture_total_fen(
        ratio_bp=voucher.ratio_bp,
        round_unit_fen=voucher.round_unit_fen,
        held_fen=so_far.voucher_fen + so_far.hold_left_fen,
        eligible_used_fen=max(so_far.eligible_fen, 0),
    )
    total_fen = max(min(total_fen, amount_fen - others_fen), voucher.kept_fen, 0)
    return min(total_fen, so_far.voucher_fen) if voucher.is_frozen else total_fen


def _difference(delta: HourDelta, before: Totals, after: Totals) -> Rated:
    amount = after.amount_fen - before.amount_fen
    voucher = after.voucher_fen - before.voucher_fen
    net = after.commission_fen - before.commission_fen
    vat = after.vat_fen - before.vat_fen
    return Rated(
        delta=delta,
        amount_fen=amount,
        voucher_fen=voucher,
        wallet_fen=amount - voucher,
        commission_fen=net,
        vat_fen=vat,
        provider_fen=amount - net - vat,
    )
