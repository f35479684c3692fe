"""Charge the fee for hours that were given back late: in cash, earned by the provider less the usual commission."""

from datetime import datetime
from typing import Protocol

from django.utils.translation import gettext as _

from billing import commission, selectors
from billing.models import Charge, ChargeKind, Funding, NoticeFee
from billing.services import arrears, charge_postings
from billing.services.purses import Purse, cash_fees
from billing.services.refusals import WalletTooLow
from core.ids import uuid7
from core.money import format_yuan
from core.periods import hour_of
from ledger.services import posting
from market.models import Reservation


class Owed(Protocol):
    """Hours that are given back, and what is owed for them."""

    @property
    def starts_at(self) -> datetime: ...
    @property
    def ends_at(self) -> datetime: ...
    @property
    def value_fen(self) -> int: ...
    @property
    def fee_fen(self) -> int: ...
    @property
    def policy(self) -> str: ...
    @property
    def notice_hours(self) -> int: ...


def charge(*, reservation: Reservation, funding: Funding, given_back: Owed, at: datetime) -> Charge | None:
    """Charge a fee to the free money of the buyer's wallet, from which what the hours had set aside is not missing.

    A voucher pays no fee, and the platform lends none.

    :raises WalletTooLow: if less is free.
    """
    charged = _write(reservation, funding, given_back, at=at) if given_back.fee_fen else None
    if charged:
        _pay(charged, funding, reservation, at=at)
    arrears.repay(buyer=funding.order.buyer, key=f"given-back/{uuid7()}", at=at)
    return charged


def _write(reservation: Reservation, funding: Funding, given_back: Owed, *, at: datetime) -> Charge:
    fee = given_back.fee_fen
    taken = commission.of(fee, cash_fees(funding))
    charged = Charge.objects.create(
        kind=ChargeKind.FEE,
        version=1 + Charge.objects.fees().filter(reservation=reservation).count(),
        reservation=reservation,
        buyer=funding.order.buyer,
        provider_id=reservation.provider_id,
        hour=hour_of(at),
        accelerator_ms=0,
        price_micro=0,
        amount_fen=fee,
        voucher_fen=0,
        wallet_fen=fee,
        commission_fen=taken.commission_fen,
        vat_fen=taken.vat_fen,
        provider_fen=fee - taken.commission_fen - taken.vat_fen,
        charged_at=at,
    )
    names = ("starts_at", "ends_at", "value_fen", "policy", "notice_hours", "fee_fen")
    NoticeFee.objects.create(charge=charged, **{name: getattr(given_back, name) for name in names})
    return charged


def _pay(charged: Charge, funding: Funding, reservation: Reservation, *, at: datetime) -> None:
    purse = Purse(funding.order.buyer, None, None, cash_fees(funding))
    chart = charge_postings.chart_of(purse, reservation.provider)
    legs = charge_postings.legs(charged, chart)
    try:
        posting.post(key=charge_postings.reference(charged), kind="charge", legs=legs, at=at)
    except posting.Overdrawn as error:
        available = selectors.wallet(purse.buyer).available_fen
        words = {"fee": format_yuan(charged.amount_fen), "available": format_yuan(available)}
        text = _("Giving these hours back costs ¥%(fee)s, and the wallet has ¥%(available)s free.") % words
        raise WalletTooLow(text, available_fen=available, needed_fen=charged.amount_fen) from error
