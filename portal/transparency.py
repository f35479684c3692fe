"""What the platform has published about its log of voucher money, and the receipts that owners take home."""

from uuid import UUID

from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render

from core.prefetching import in_order
from portal.access import PortalRequest, buyer_required, public
from vouchers.models import Checkpoint, Grant, LogEntry, Redemption, Witness
from vouchers.services import receipts

LATEST = 20


@public
def transparency(request: PortalRequest) -> HttpResponse:
    """Show the latest checkpoints, who cosigned them, the keys, and what all of it does not prove."""
    signed = in_order(Checkpoint, "cosignatures")
    rows = Checkpoint.objects.select_related("log").prefetch_related(*signed, "cosignatures__witness")
    keys = LogEntry.objects.filter(kind="key").select_related("log").order_by("log", "-seq")
    context = {
        "checkpoints": rows.order_by("-signed_at", "-pk")[:LATEST],
        "keys": [(row, bytes(row.payload).decode()) for row in keys],
        "witnesses": Witness.objects.filter(retired_at=None).order_by("name"),
    }
    return render(request, "portal/public/transparency.html", context)


@buyer_required
def receipt(request: PortalRequest, grant_id: UUID) -> HttpResponse:
    """Download the receipts of a grant and of its redemptions, the latest of them."""
    grant = get_object_or_404(Grant.objects.of_owner(request.organization), pk=grant_id)
    wanted = request.GET.get("redemption")
    if wanted is None:
        return _file(receipts.of_grant(grant=grant), grant.pk)
    found = get_object_or_404(Redemption.objects.filter(grant=grant), pk=_uuid(wanted))
    return _file(receipts.of_redemption(redemption=found), found.pk)


def _file(found: list[dict[str, object]], subject: UUID) -> JsonResponse:
    disposition = {"Content-Disposition": f'attachment; filename="receipts-{subject}.json"'}
    return JsonResponse(found, safe=False, headers=disposition, json_dumps_params={"ensure_ascii": False})


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
