"""State what a provider is owed for a month, and what each authority owes of it."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Case, Exists, F, OuterRef, Sum, When
from django.db.models.functions import Coalesce

from accounts.models import Organization
from billing import accounts
from billing.models import (
    AuthorityPayable,
    Charge,
    CommissionBasis,
    Invoice,
    Settlement,
    SettlementLine,
    UninvoicedCharge,
)
from billing.services import invoicing
from core.periods import month_of
from ledger.services import posting
from ledger.services.posting import Entry, Leg
from vouchers.models import Programme

OF_REDEMPTION = "redemption__grant__programme"
FUNDING = "reservation__order__funding"
PROGRAMME = Coalesce(f"supplement__{OF_REDEMPTION}", f"{FUNDING}__{OF_REDEMPTION}")
OF_PURSE = Case(
    When(supplement=None, then=F(f"{FUNDING}__voucher_commission_bp")), default=F("supplement__voucher_commission_bp")
)


@dataclass(frozen=True, slots=True)
class Due:
    """A settlement that waits to be written."""

    provider_id: UUID
    month_on: date


def due(*, at: datetime) -> list[Due]:
    """List the providers whose closed month is wholly invoiced and not settled.

    What came too late for the month's invoice waits for the next one, and keeps nobody waiting.
    """
    month_on = invoicing.closed_month(at=at)
    invoiced = Invoice.objects.filter(issuer=OuterRef("provider"), buyer=OuterRef("buyer"), month_on=month_on)
    waiting = UninvoicedCharge.objects.filter(hour__lt=month_of(month_on).ends_at).exclude(Exists(invoiced))
    waiting = waiting.filter(provider=OuterRef("issuer"))
    settled = Settlement.objects.filter(provider=OuterRef("issuer"), month_on=month_on)
    invoices = Invoice.objects.filter(settlement_line=None, month_on__lte=month_on)
    ready = invoices.exclude(Exists(waiting)).exclude(Exists(settled))
    providers = ready.values_list("issuer_id", flat=True).distinct().order_by("issuer_id")
    return [Due(provider_id, month_on) for provider_id in providers]


@transaction.atomic
def settle(*, provider: Organization, month_on: date, at: datetime) -> Settlement | None:
    """Settle a provider's unsettled invoices up to a month, and post what that fixes.

    Return None if there are none or the month was settled before.
    """
    Organization.objects.locked().get(pk=provider.pk)
    if Settlement.objects.filter(provider=provider, month_on=month_on).exists():
        return None
    invoices = list(Invoice.objects.filter(issuer=provider, settlement_line=None, month_on__lte=month_on))
    if not invoices:
        return None
    settlement = _write(provider, month_on, invoices, at=at)
    _write_bases(settlement, invoices)
    payables = _write_payables(settlement, invoices)
    _post(settlement, payables, at=at)
    return settlement


def _write(provider: Organization, month_on: date, invoices: Sequence[Invoice], *, at: datetime) -> Settlement:
    sums = Charge.objects.filter(invoice_line__invoice__in=invoices).aggregate(
        gross_fen=Sum("amount_fen"),
        commission_fen=Sum("commission_fen"),
        vat_fen=Sum("vat_fen"),
        net_fen=Sum("provider_fen"),
    )
    totals = {name: int(total) for name, total in sums.items()}
    settlement = Settlement.objects.create(provider=provider, month_on=month_on, settled_at=at, **totals)
    SettlementLine.objects.bulk_create(SettlementLine(settlement=settlement, invoice=invoice) for invoice in invoices)
    return settlement


def _write_bases(settlement: Settlement, invoices: Sequence[Invoice]) -> None:
    """State what of the gross amount was own money and what each programme's, and at which rate the platform took."""
    own_bp = F(f"{FUNDING}__commission_bp")
    charges = Charge.objects.filter(invoice_line__invoice__in=invoices).order_by()
    by_rate = charges.values(programme=PROGRAMME, own_bp=own_bp, voucher_bp=Coalesce(OF_PURSE, own_bp))
    fen: Counter[tuple[UUID | None, int]] = Counter()
    for part in by_rate.annotate(own=Sum("wallet_fen"), public=Sum("voucher_fen")):
        fen[None, part["own_bp"]] += int(part["own"])
        fen[part["programme"], part["voucher_bp"]] += int(part["public"])
    ordered = sorted(fen.items(), key=lambda part: (str(part[0][0] or ""), part[0][1]))
    CommissionBasis.objects.bulk_create(
        CommissionBasis(settlement=settlement, programme_id=programme, rate_bp=rate_bp, amount_fen=amount_fen)
        for (programme, rate_bp), amount_fen in ordered
        if amount_fen
    )


def _write_payables(settlement: Settlement, invoices: Sequence[Invoice]) -> list[AuthorityPayable]:
    by_programme = (
        Charge.objects.filter(invoice_line__invoice__in=invoices)
        .exclude(voucher_fen=0)
        .annotate(programme=PROGRAMME)
        .values_list("programme")
        .annotate(amount_fen=Sum("voucher_fen"))
        .order_by("programme")
    )
    programmes = Programme.objects.in_bulk([pk for pk, _amount in by_programme])
    return AuthorityPayable.objects.bulk_create(
        AuthorityPayable(settlement=settlement, programme=programmes[pk], amount_fen=int(amount))
        for pk, amount in by_programme
    )


def _post(settlement: Settlement, payables: Sequence[AuthorityPayable], *, at: datetime) -> None:
    provider = settlement.provider
    key = f"settlement/{settlement.pk}"
    moves = [
        (
            accounts.provider_payable(provider),
            accounts.payout_due(provider),
            settlement.net_fen,
            key,
        )
    ]
    for payable in payables:
        programme = payable.programme
        billed, receivable = (
            accounts.authority_billed(programme),
            accounts.authority_receivable(programme),
        )
        moves.append((billed, receivable, payable.amount_fen, f"{key}/{programme.pk}"))
    opened = posting.open_accounts(floors=accounts.floors(code for move in moves for code in move[:2]))
    entries = [
        Entry(
            key,
            "settlement",
            [Leg(opened[source], -amount), Leg(opened[target], amount)],
            at,
        )
        for source, target, amount, key in moves
        if amount
    ]
    posting.post_many(entries=entries)
