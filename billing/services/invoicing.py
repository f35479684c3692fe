"""Issue a month's statement of charges from a provider to a buyer, numbered without gaps."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from accounts.models import Organization
from billing.models import Charge, Invoice, InvoiceLine, InvoiceSeries, UninvoicedCharge
from core.periods import date_of, month_of, month_start


@dataclass(frozen=True, slots=True)
class Due:
    """An invoice that waits to be issued."""

    issuer_id: UUID
    buyer_id: UUID
    month_on: date


def closed_month(*, at: datetime) -> date:
    """Return the first day of the last month that has ended, grace for late usage included."""
    this_month = month_start(date_of(at - timedelta(hours=settings.BILLING_GRACE_HOURS)))
    return month_start(this_month - timedelta(days=1))


def due(*, at: datetime) -> list[Due]:
    """List the pairs of provider and buyer with charges of closed months and no invoice for the last of them."""
    month_on = closed_month(at=at)
    invoiced = set(Invoice.objects.filter(month_on=month_on).values_list("issuer_id", "buyer_id"))
    rows = UninvoicedCharge.objects.filter(hour__lt=month_of(month_on).ends_at)
    waiting = rows.values_list("provider_id", "buyer_id").distinct().order_by("provider_id", "buyer_id")
    return [Due(issuer, buyer, month_on) for issuer, buyer in waiting if (issuer, buyer) not in invoiced]


@transaction.atomic
def issue(*, issuer: Organization, buyer: Organization, month_on: date, at: datetime) -> Invoice | None:
    """Issue the invoice of a month over every charge up to its end that no invoice has.

    Return None if there is nothing to invoice or the month was invoiced before: charges that came too late wait
    for the next month.
    """
    series = _locked_series(issuer, date_of(at).year)
    if Invoice.objects.filter(issuer=issuer, buyer=buyer, month_on=month_on).exists():
        return None
    waiting = UninvoicedCharge.objects.filter(provider=issuer, buyer=buyer, hour__lt=month_of(month_on).ends_at)
    rows = Charge.objects.filter(pk__in=list(waiting.values_list("pk", flat=True)))
    charges = list(rows.order_by("pk").only("amount_fen", "voucher_fen", "wallet_fen"))
    if not charges:
        return None
    series.last_number += 1
    series.save(update_fields=["last_number"])
    return _write(series, buyer, month_on, charges, at=at)


def _locked_series(issuer: Organization, year: int) -> InvoiceSeries:
    InvoiceSeries.objects.bulk_create([InvoiceSeries(issuer=issuer, year=year)], ignore_conflicts=True)
    return InvoiceSeries.objects.locked().get(issuer=issuer, year=year)


def _write(
    series: InvoiceSeries,
    buyer: Organization,
    month_on: date,
    charges: Sequence[Charge],
    *,
    at: datetime,
) -> Invoice:
    invoice = Invoice.objects.create(
        issuer_id=series.issuer_id,
        buyer=buyer,
        year=series.year,
        number=series.last_number,
        month_on=month_on,
        amount_fen=sum(charge.amount_fen for charge in charges),
        voucher_fen=sum(charge.voucher_fen for charge in charges),
        wallet_fen=sum(charge.wallet_fen for charge in charges),
        issued_at=at,
    )
    InvoiceLine.objects.bulk_create(InvoiceLine(invoice=invoice, charge=charge) for charge in charges)
    return invoice
