"""Payment batches of an authority: one person of finance makes a batch, another releases it, the bank answers."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from portal import access, paging
from portal.access import PortalRequest, duty_required, reader_required
from vouchers.models import Claim, ClaimStatus, PaymentBatch
from vouchers.services.claims import bank_results, payments

VERBS: dict[str, Callable[..., Any]] = {
    "release": payments.release,
    "cancel": payments.cancel,
    "reconcile": payments.reconcile,
}
MOST_BYTES = 5_000_000


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """Show what can be paid, and the batches, the latest first."""
    ready = Claim.objects.of_authority(request.organization).filter(status=ClaimStatus.FINANCE_REVIEW).with_names()
    rows = PaymentBatch.objects.of_authority(request.organization).select_related("made_by", "released_by")
    in_batch = ("waiting", "sent", "paid")
    context = {
        "ready": ready.exclude(payments__status__in=in_batch).order_by("finance_at", "pk")[:200],
        "page": paging.page(request, rows),
    }
    return render(request, "portal/desk/payments.html", context)


@require_POST
@duty_required(Duty.PAY)
def make(request: PortalRequest) -> HttpResponse:
    """Put the chosen claims into a batch."""
    try:
        ids = [UUID(one) for one in request.POST.getlist("claim")]
    except ValueError as error:
        raise Http404 from error
    claims = list(Claim.objects.of_authority(request.organization).filter(pk__in=ids))
    try:
        batch = payments.make_batch(
            authority=request.organization, claims=claims, actor=access.actor(request), at=clock.now()
        )
    except DomainError as error:
        messages.error(request, error.detail)
        return redirect("portal:payments-desk")
    messages.success(request, _("The batch is made. Another person has to release it."))
    return redirect("portal:payment-batch", batch.pk)


def _mine(request: PortalRequest, batch_id: UUID) -> PaymentBatch:
    rows = PaymentBatch.objects.of_authority(request.organization)
    return get_object_or_404(rows.select_related("made_by", "released_by", "reconciled_by"), pk=batch_id)


@reader_required
def detail(request: PortalRequest, batch_id: UUID) -> HttpResponse:
    """Show a batch and its payments."""
    batch = _mine(request, batch_id)
    rows = batch.payments.select_related("payee", "claim__programme").order_by("reference")
    return render(request, "portal/desk/payment_batch.html", {"batch": batch, "payments": rows})


@duty_required(Duty.PAY)
def file(request: PortalRequest, batch_id: UUID) -> HttpResponse:
    """Hand out the file for the bank as it was released."""
    batch = _mine(request, batch_id)
    if batch.file is None:
        raise Http404
    disposition = {"Content-Disposition": f'attachment; filename="payments-{batch}.csv"'}
    return HttpResponse(bytes(batch.file.content), content_type=batch.file.media_type, headers=disposition)


@require_POST
@duty_required(Duty.PAY)
def act(request: PortalRequest, batch_id: UUID, verb: str) -> HttpResponse:
    """Release, cancel or reconcile a batch, or take the bank's answer."""
    batch = _mine(request, batch_id)
    who: dict[str, Any] = {"batch": batch, "actor": access.actor(request), "at": clock.now()}
    if verb not in {*VERBS, "answer"}:
        raise Http404
    try:
        if verb == "answer":
            bank_results.take(content=_sent(request), **who)
        else:
            VERBS[verb](**who)
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:payment-batch", batch.pk)


def _sent(request: PortalRequest) -> bytes:
    sent = request.FILES.get("file")
    if sent is None or sent.size is None or sent.size > MOST_BYTES:
        raise DomainError(_("Choose the file of the bank, of at most 5 MB."))
    return bytes(sent.read())
