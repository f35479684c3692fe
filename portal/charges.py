"""The walk from a charge down to the usage events that it bills, for the buyer and for the provider."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from billing.models import Charge
from billing.services import charge_postings, purses
from core.periods import HOUR
from market.models import Usage
from portal import explanations, paging
from portal.access import PortalRequest, party_required
from vouchers.models import Capture


@party_required
def detail(request: PortalRequest, charge_id: int) -> HttpResponse:
    """Show a charge with all that is below it, down to the signed usage events and the offering."""
    rows = Charge.objects.visible_to(request.organization).select_related(
        "metered_hour",
        "credit",
        "fee",
        "line_charge__line",
        "buyer",
        "provider",
        "reservation__order__funding",
        "supplement",
        "reservation__match__batch",
        "reservation__offering__site",
        "reservation__offering__accelerator",
        "invoice_line__invoice__issuer",
    )
    charge = get_object_or_404(rows, pk=charge_id)
    usage = Usage.objects.filter(
        reservation_id=charge.reservation_id, starts_at__gte=charge.hour, starts_at__lt=charge.hour + HOUR
    )
    captures = Capture.objects.select_related("redemption__grant__programme")
    context = {
        "charge": charge,
        "page": paging.page(request, usage.select_related("batch"), ordering=("starts_at", "pk"), size=100),
        "match_reason": explanations.match_reason(charge.reservation.match.reason),
        "fees": purses.fees(charge.reservation.order.funding, charge.supplement),
        "capture": captures.filter(reference=charge_postings.reference(charge)).first(),
    }
    return render(request, "portal/charge.html", context)
