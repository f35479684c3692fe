"""What pays for which hours of a reservation: the order's funding, and what each extension set aside beside it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from accounts.models import Organization
from billing.commission import Fees
from billing.models import Charge, Funding, Supplement
from billing.rating import VoucherTerms
from billing.services import denials
from ledger.models import Hold
from market.models import Reservation
from vouchers.models import Redemption
from vouchers.services import freezing


@dataclass(frozen=True, slots=True)
class Purse:
    """A voucher's and a wallet's hold of a buyer for the hours from an instant on; the first purse has no beginning.

    The platform takes its commission by ``fees``. Of what its voucher paid for the reservation, ``kept_fen`` was
    demanded back by a clawback: it is not refunded too.
    """

    buyer: Organization
    redemption: Redemption | None
    hold: Hold | None
    fees: Fees
    supplement: Supplement | None = None
    kept_fen: int = 0

    @property
    def supplement_id(self) -> UUID | None:
        """Return the id of its supplement; the order's own purse has none."""
        return self.supplement.pk if self.supplement else None


def of(funding: Funding, reservation: Reservation) -> list[Purse]:
    """Return the purses of a reservation in the order in which they were filled, as a locked funding has them."""
    added = Supplement.objects.filter(reservation=reservation).order_by("number")
    buyer = funding.order.buyer
    kept_fen = _kept_fen(reservation, funding.redemption)
    first = Purse(buyer, funding.redemption, funding.wallet_hold, fees(funding), kept_fen=kept_fen)
    return [
        first,
        *(
            Purse(
                buyer,
                one.redemption,
                one.wallet_hold,
                fees(funding, one),
                one,
                _kept_fen(reservation, one.redemption, one),
            )
            for one in added.select_related("redemption__grant__programme", "wallet_hold")
        ),
    ]


def cash_fees(funding: Funding) -> Fees:
    """Return the commission of an order on what its buyer pays with own money."""
    return Fees(funding.commission_bp, funding.commission_vat_bp)


def fees(funding: Funding, supplement: Supplement | None = None) -> Fees:
    """Return the commission of an order on what its buyer pays, and on what a voucher pays: that of a supplement's."""
    return replace(cash_fees(funding), voucher_bp=(supplement or funding).voucher_commission_bp)


def _kept_fen(reservation: Reservation, redemption: Redemption | None, supplement: Supplement | None = None) -> int:
    """Return what a voucher paid of a reservation and cannot take back, since a clawback has demanded it.

    What was denied can be: it has come back already, so its denial is undone.
    """
    if redemption is None or not redemption.clawed_back_fen:
        return 0
    charges = Charge.objects.filter(reservation=reservation, supplement=supplement)
    paid_fen = charges.aggregate(fen=Sum("voucher_fen"))["fen"] or 0
    loose_fen = redemption.refundable_fen + denials.borne_fen(redemption, reservation.provider_id)
    return int(max(paid_fen - loose_fen, 0))


def paying(purses: Sequence[Purse], hour: datetime) -> Purse:
    """Return the purse that pays for an hour: the last that begins by then.

    Hours that were given back and taken again are paid by the later purse.
    """
    for purse in reversed(purses):
        if purse.supplement is None or purse.supplement.starts_at <= hour:
            return purse
    raise AssertionError("the first purse has no beginning")


def voucher_terms(purse: Purse) -> VoucherTerms | None:
    """Return how the voucher of a purse pays; None if it has none."""
    redemption = purse.redemption
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
        kept_fen=purse.kept_fen,
    )
