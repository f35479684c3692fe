"""Usage reports as the provider sent them, and the answer that each event got."""

import json
from collections import Counter
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render

from market.models import Usage, UsageBatch, UsageConflict
from portal import paging
from portal.access import PortalRequest, seller_required

ACCEPTED = "accepted"
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
    answers = _answers(batch)
    refused = [one for one in answers if one["status"] != ACCEPTED]
    accepted = [one["id"] for one in answers if one["status"] == ACCEPTED]
    usage = Usage.objects.filter(provider=request.organization, event_id__in=accepted[:SHOWN])
    context = {
        "batch": batch,
        "refused": refused[:SHOWN],
        "more": max(len(refused) - SHOWN, 0),
        "reasons": Counter(one.get("code") or one.get("status") for one in refused).most_common(),
        "conflicts": UsageConflict.objects.filter(batch=batch).order_by("pk")[:SHOWN],
        "usage": usage.order_by("starts_at", "pk"),
        "more_usage": max(len(accepted) - SHOWN, 0),
    }
    return render(request, "portal/seller/usage_batch.html", context)


def _answers(batch: UsageBatch) -> list[dict[str, Any]]:
    answer = json.loads(bytes(batch.response) or b"{}")
    return list(answer.get("results", []))
