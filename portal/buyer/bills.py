"""Monthly bills 账单: list, detail by order, the charges behind an order, and a CSV file of it all."""

from typing import Any
from uuid import UUID

from django.db.models import QuerySet
from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from billing import selectors
from billing.models import Charge, ChargeKind, Invoice
from core import clock
from core.money import format_micro, format_yuan
from core.periods import date_of, local_minute
from market.models import Order
from portal import csvs, paging
from portal.access import PortalRequest, buyer_required
from portal.templatetags.portal import card_hours, order_title

CHUNK = 2_000
LINES = 200


@buyer_required
def index(request: PortalRequest) -> HttpResponse:
    """List the bills, the latest first, and what this month has cost so far."""
    at = clock.now()
    context = {
        "page": paging.page(request, _mine(request), ordering=("-month_on", "-pk")),
        "month": selectors.month_so_far(request.organization, date_of(at)),
        "today": date_of(at),
    }
    return render(request, "portal/buyer/bills.html", context)


def _mine(request: PortalRequest) -> QuerySet[Invoice]:
    return Invoice.objects.filter(buyer=request.organization).select_related("issuer", "buyer")


@buyer_required
def detail(request: PortalRequest, invoice_id: UUID) -> HttpResponse:
    """Show a bill order by order: list price, voucher, cash."""
    invoice = get_object_or_404(_mine(request), pk=invoice_id)
    lines = paging.page(request, selectors.bill_lines(invoice), ordering=selectors.BILL_ORDER, size=LINES)
    context = {"invoice": invoice, "page": lines}
    return render(request, "portal/buyer/bill.html", context)


@buyer_required
def order(request: PortalRequest, invoice_id: UUID, order_id: UUID) -> HttpResponse:
    """Show the charges of one order on a bill, hour by hour."""
    invoice = get_object_or_404(_mine(request), pk=invoice_id)
    ordered = get_object_or_404(Order.objects.of_buyer(request.organization), pk=order_id)
    charges = Charge.objects.filter(invoice_line__invoice=invoice, reservation__order=ordered)
    context = {
        "invoice": invoice,
        "order": ordered,
        "spent": selectors.spent(charges),
        "page": paging.page(request, charges, ordering=("hour", "pk"), size=50),
    }
    return render(request, "portal/buyer/bill_order.html", context)


@buyer_required
def export(request: PortalRequest, invoice_id: UUID) -> StreamingHttpResponse:
    """Send every charge of a bill as CSV."""
    invoice = get_object_or_404(_mine(request), pk=invoice_id)
    charges = Charge.objects.filter(invoice_line__invoice=invoice).select_related(
        "reservation__order", "reservation__offering", "line_charge__line"
    )
    header = [
        _("Bill"),
        _("Month"),
        _("Charge"),
        _("Order"),
        _("Offering"),
        _("Hour (Shanghai)"),
        _("Card-hours"),
        _("Price per card-hour (¥)"),
        _("List price (¥)"),
        _("Voucher (¥)"),
        _("Cash (¥)"),
        _("For"),
    ]
    rows = (_row(invoice, charge) for charge in charges.order_by("hour", "pk").iterator(CHUNK))
    return csvs.response(f"bill-{invoice.display_number}", header, rows)


def _row(invoice: Invoice, charge: Charge) -> list[Any]:
    return [
        invoice.display_number,
        invoice.month_on.strftime("%Y-%m"),
        charge.pk,
        order_title(charge.reservation.order),
        charge.reservation.offering.name,
        local_minute(charge.hour),
        csvs.number(card_hours(charge.accelerator_ms)),
        csvs.number(format_micro(charge.price_micro)),
        csvs.number(format_yuan(charge.amount_fen)),
        csvs.number(format_yuan(charge.voucher_fen)),
        csvs.number(format_yuan(charge.wallet_fen)),
        charge.line_charge.line.name if charge.kind == ChargeKind.LINE else charge.get_kind_display(),
    ]
