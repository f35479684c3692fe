"""Answers about money that span models: a wallet, an order's account, a month, a bill."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, F, OuterRef, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce

from accounts.models import Organization
from billing import accounts
from billing.models import Charge, Funding, Invoice, Supplement, TakenLine
from core.fields import MicroField
from ledger.models import Account, Balance, Posting
from market.models import Order

BILL_ORDER = ("order_id", "-kind", "price_micro", "line_name", "line_micro", "line_quantity")
"""How the lines of a bill are ordered: no two have all of these in common."""


@dataclass(frozen=True, slots=True)
class Wallet:
    """An organisation's prepaid money, in fen; ``arrears_fen`` is what the platform has advanced."""

    balance_fen: int = 0
    held_fen: int = 0
    arrears_fen: int = 0

    @property
    def available_fen(self) -> int:
        """Return what may still be set aside."""
        return self.balance_fen - self.held_fen


@dataclass(frozen=True, slots=True)
class Spent:
    """Sums of charges: accelerator-milliseconds and fen, by who paid."""

    accelerator_ms: int
    amount_fen: int
    voucher_fen: int
    wallet_fen: int


@dataclass(frozen=True, slots=True)
class OrderAccount:
    """What was set aside for an order, its extensions and lines included, in fen, and what has been charged to it."""

    funding: Funding
    spent: Spent
    estimate_fen: int
    voucher_fen: int
    wallet_fen: int


def wallet(organization: Organization) -> Wallet:
    """Return an organisation's wallet; one that was never topped up is empty."""
    balance = Balance.objects.filter(account__code=accounts.wallet(organization)).first()
    advanced = Posting.objects.filter(account__code=accounts.arrears(organization)).aggregate(
        total=Coalesce(Sum("amount_fen"), 0)
    )
    arrears_fen = -int(advanced["total"])
    if balance is None:
        return Wallet(arrears_fen=arrears_fen)
    return Wallet(
        balance_fen=balance.posted_fen,
        held_fen=balance.held_fen,
        arrears_fen=arrears_fen,
    )


def wallet_statement(organization: Organization) -> QuerySet[Posting]:
    """Return the movements of an organisation's wallet with their transfers, latest first."""
    # One value, not a set: the latest movements of one account are read in their order, without all the others.
    account = Subquery(Account.objects.filter(code=accounts.wallet(organization)).values("pk")[:1])
    return Posting.objects.filter(account=account).select_related("transfer").order_by("-transfer_id")


def spent(charges: QuerySet[Charge]) -> Spent:
    """Add up charges."""
    sums = charges.aggregate(
        accelerator_ms=Coalesce(Sum("accelerator_ms"), 0),
        amount_fen=Coalesce(Sum("amount_fen"), 0),
        voucher_fen=Coalesce(Sum("voucher_fen"), 0),
        wallet_fen=Coalesce(Sum("wallet_fen"), 0),
    )
    return Spent(**{name: int(total) for name, total in sums.items()})


def order_account(order: Order) -> OrderAccount:
    """Return what an order set aside and what it has been charged."""
    names = ("estimate_fen", "voucher_fen", "wallet_fen")
    added = {f"added_{name}": _summed(Supplement, name) for name in names}
    rows = Funding.objects.select_related("redemption__grant__programme", "wallet_hold")
    funding = rows.annotate(**added, lines_fen=_summed(TakenLine, "estimate_fen")).get(order=order)
    read = vars(funding)
    set_aside = {name: read[name] + int(read[f"added_{name}"]) for name in names}
    for name in ("estimate_fen", "wallet_fen"):
        set_aside[name] += int(read["lines_fen"])
    return OrderAccount(funding=funding, spent=spent(Charge.objects.filter(reservation__order=order)), **set_aside)


def _summed(model: type[Supplement | TakenLine], name: str) -> Coalesce:
    """Return the expression of what a funding's supplements or lines add to it."""
    rows = model.objects.filter(funding=OuterRef("pk")).order_by().values("funding")
    return Coalesce(Subquery(rows.annotate(total=Sum(name)).values("total")), 0)


def month_so_far(organization: Organization, on: date) -> Spent:
    """Add up what a buyer was charged for the month of a day."""
    return spent(Charge.objects.filter(buyer=organization).in_month(on))


def bill_lines(invoice: Invoice) -> QuerySet[Charge, Any]:
    """Return an invoice's charges added up per order: 原价, 代金券抵扣, 现金."""
    return (
        Charge.objects.filter(invoice_line__invoice=invoice)
        .values(
            "kind",
            "price_micro",
            order_id=F("reservation__order"),
            order_name=F("reservation__order__name"),
            offering_name=F("reservation__offering__name"),
            line_unit=F("line_charge__line__unit"),
            line_name=Coalesce("line_charge__line__name", Value("")),
            line_micro=Coalesce("line_charge__line__price_micro", Value(0, MicroField())),
            line_quantity=Coalesce("line_charge__line__quantity", 0),
        )
        .annotate(
            hours=Count("metered_hour", distinct=True),
            total_ms=Sum("accelerator_ms"),
            total_fen=Sum("amount_fen"),
            total_voucher_fen=Sum("voucher_fen"),
            total_wallet_fen=Sum("wallet_fen"),
        )
        .order_by(*BILL_ORDER)
    )
