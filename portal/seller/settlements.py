"""Monthly settlements: gross, commission, VAT, net, and what authorities owe of it."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from billing.models import Invoice, Settlement
from billing.services import stated_denials
from portal import paging
from portal.access import PortalRequest, seller_required


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """List the provider's settlements, the latest first."""
    page = paging.page(request, Settlement.objects.of_provider(request.organization), ordering=("-month_on", "-pk"))
    return render(request, "portal/seller/settlements.html", {"page": page})


@seller_required
def detail(request: PortalRequest, settlement_id: UUID) -> HttpResponse:
    """Show a settlement with its invoices, the authorities' parts, and what they have denied since the one before."""
    settlement = get_object_or_404(Settlement.objects.of_provider(request.organization), pk=settlement_id)
    invoices = Invoice.objects.filter(settlement_line__settlement=settlement).select_related("buyer", "issuer")
    payables = list(settlement.authority_payables.select_related("programme__authority").order_by("pk"))
    authority_fen = sum(one.amount_fen for one in payables)
    denials = stated_denials.of([settlement])[settlement.pk]
    context = {
        "settlement": settlement,
        "payables": payables,
        "bases": settlement.commission_bases.select_related("programme").order_by("pk"),
        "commission_fen": settlement.commission_fen + settlement.vat_fen,
        "authority_fen": authority_fen,
        "cash_fen": settlement.gross_fen - authority_fen,
        "denials": denials,
        "borne_fen": sum(one.borne_fen for one in denials),
        "page": paging.page(request, invoices, ordering=("year", "number", "pk")),
    }
    return render(request, "portal/seller/settlement.html", context)
