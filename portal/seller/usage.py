"""Usage reports as the provider sent them, and the answer that each event got."""

import json
from collections import Counter
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from market.models import Usage, UsageBatch, UsageConflict
from portal import paging
from portal.access import PortalRequest, seller_required

SHOWN = 200


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """List the provider's reports, the latest first."""
    rows = UsageBatch.objects.filter(provider=request.organization).defer("response")
    return render(request, "portal/seller/usage.html", {"page": paging.page(request, rows)})


@seller_required
def detail(request: PortalRequest, batch_id: int) -> HttpResponse:
    """Show a report with the events that were not accepted, why, and those that were."""
    batches = UsageBatch.objects.filter(provider=request.organization).select_related("signing_key")
    batch = get_object_or_404(batches, pk=batch_id)
    refused = [one for one in _answers(batch) if one.get("status") != "accepted"]
    context = {
        "batch": batch,
        "refused": refused[:SHOWN],
        "more": max(len(refused) - SHOWN, 0),
        "reasons": Counter(one.get("code") or one.get("status") for one in refused).most_common(),
        "conflicts": UsageConflict.objects.filter(batch=batch).order_by("pk")[:SHOWN],
        "page": paging.page(request, Usage.objects.filter(batch=batch), ordering=("pk",), size=50),
    }
    return render(request, "portal/seller/usage_batch.html", context)


def _answers(batch: UsageBatch) -> list[dict[str, Any]]:
    answer = json.loads(bytes(batch.response) or b"{}")
    return list(answer.get("results", []))
