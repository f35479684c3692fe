"""What pays for which hours of a reservation: the order's funding, and what each extension set aside beside it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.models import Organization
from billing.models import Funding, Supplement
from billing.rating import VoucherTerms
from ledger.models import Hold
from market.models import Reservation
from vouchers.models import Redemption
from vouchers.services import freezing


@dataclass(frozen=True, slots=True)
class Purse:
    """A voucher's and a wallet's hold of a buyer for the hours from an instant on; the first purse has no beginning."""

    buyer: Organization
    redemption: Redemption | None
    hold: Hold | None
    supplement: Supplement | None = None

    @property
    def supplement_id(self) -> UUID | None:
        """Return the id of its supplement; the order's own purse has none."""
        return self.supplement.pk if self.supplement else None


def of(funding: Funding, reservation: Reservation) -> list[Purse]:
    """Return the purses of a reservation in the order in which they were filled, as a locked funding has them."""
    added = Supplement.objects.filter(reservation=reservation).order_by("number")
    buyer = funding.order.buyer
    return [
        Purse(buyer, funding.redemption, funding.wallet_hold),
        *(
            Purse(buyer, one.redemption, one.wallet_hold, one)
            for one in added.select_related("redemption__grant__programme", "wallet_hold")
        ),
    ]


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
    )
