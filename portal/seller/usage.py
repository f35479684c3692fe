"""Usage reports as the provider sent them, and the answer that each event got."""

from collections import Counter

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from market.models import Usage, UsageBatch, UsageConflict
from market.services import usage_answers
from portal import paging
from portal.access import PortalRequest, seller_required

SHOWN = 200


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """List the provider's reports, the latest first."""
    rows = UsageBatch.objects.filter(provider=request.organization).defer("not_accepted")
    return render(request, "portal/seller/usage.html", {"page": paging.page(request, rows)})


@seller_required
def detail(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Show a report with the events that were not accepted, why, and those that were."""
    batches = UsageBatch.objects.filter(provider=request.organization).select_related("signing_key")
    batch = get_object_or_404(batches, pk=batch_id)
    refused = list(usage_answers.fates_of(batch).values())
    context = {
        "batch": batch,
        "refused": refused[:SHOWN],
        "more": max(len(refused) - SHOWN, 0),
        "reasons": Counter(one.code or one.status for one in refused).most_common(),
        "conflicts": UsageConflict.objects.filter(batch=batch).order_by("pk")[:SHOWN],
        "usage": Usage.objects.filter(batch=batch).order_by("starts_at", "pk")[:SHOWN],
        "more_usage": max(batch.accepted - SHOWN, 0),
    }
    return render(request, "portal/seller/usage_batch.html", context)
