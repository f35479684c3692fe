"""Payment batches of an authority: one person of finance makes a batch, another releases it, the bank answers."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from accounts.models import Organization
from accounts.services import duties
from core import clock, sheets
from core.errors import DomainError
from core.money import format_yuan
from core.sheets import writing
from portal import access, exports, paging
from portal.access import PortalRequest, duty_required, reader_required
from portal.desk import queues, saved
from portal.forms import FilterForm
from vouchers.models import BatchStatus, Claim, ClaimStatus, Payment, PaymentBatch, PaymentStatus
from vouchers.services.claims import bank_results, evidence, offsets, payments, reimbursement

VERBS: dict[str, Callable[..., Any]] = {
    "release": payments.release,
    "cancel": payments.cancel,
    "reconcile": payments.reconcile,
}
PACKS: dict[str, tuple[Callable[..., bytes], str]] = {
    "xlsx": (reimbursement.workbook, writing.MEDIA_TYPES[sheets.XLSX]),
    "pdf": (reimbursement.summary, evidence.PDF),
}
MOST_BYTES = 5_000_000
MOST_READY = 200
PAGE = "payments"


class BatchFilter(FilterForm):
    """Which batches to show."""

    q = forms.CharField(label=gettext_lazy("Payee or reference"), required=False, max_length=120)
    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *BatchStatus.choices]
    )
    less = forms.BooleanField(label=gettext_lazy("With amounts set off"), required=False)

    def narrow(self, rows: QuerySet[PaymentBatch]) -> QuerySet[PaymentBatch]:
        """Keep the rows that the filters ask for."""
        chosen = self.chosen()
        if "q" in chosen:
            asked = Q(payee__name__icontains=chosen["q"]) | Q(reference__iexact=chosen["q"].strip())
            rows = rows.filter(pk__in=Payment.objects.filter(asked).values("batch"))
        if "state" in chosen:
            rows = rows.filter(status=chosen["state"])
        return rows.filter(offset_fen__gt=0) if "less" in chosen else rows


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """Show what can be paid, and the batches, the latest first."""
    return _listed(request, None)


def _listed(request: PortalRequest, chosen: set[UUID] | None) -> HttpResponse:
    """Show what can be paid, all of it ticked unless somebody has chosen, and the batches."""
    ready = Claim.objects.of_authority(request.organization).filter(status=ClaimStatus.FINANCE_REVIEW).with_names()
    in_batch = ("waiting", "sent", "paid")
    form = BatchFilter(request.GET)
    shown = list(ready.exclude(payments__status__in=in_batch).order_by("finance_at", "pk")[:MOST_READY])
    context = {
        "ready": shown,
        "partial": {one.pk for one in _interests(request, {claim.claimant_id for claim in shown})},
        "chosen": chosen,
        "form": form,
        "page": paging.page(request, _batches(request, form)),
        "query": request.GET.urlencode(),
        "saved": saved.of(request, PAGE),
        "page_name": PAGE,
    }
    return render(request, "portal/desk/payments.html", context)


def _interests(request: PortalRequest, payees: Any) -> QuerySet[Organization]:
    """Return those of some payees in which the person has an interest: they pay none of them."""
    return duties.interests(user=request.user, among=Organization.objects.filter(pk__in=payees))


def _batches(request: PortalRequest, form: BatchFilter) -> QuerySet[PaymentBatch]:
    rows = PaymentBatch.objects.of_authority(request.organization)
    return form.narrow(rows).select_related("made_by", "released_by")


@reader_required
def export(request: PortalRequest, kind: str) -> HttpResponse:
    """Return the payments of the batches that the filters leave as CSV or xlsx."""
    batches = _batches(request, BatchFilter(request.GET))
    named = Payment.objects.filter(batch__in=batches).select_related("batch", "payee", "claim__programme")
    header = [
        _("Batch"),
        _("Reference"),
        _("Claim"),
        _("Payee"),
        _("Unified social credit code"),
        _("Approved (¥)"),
        _("Set off (¥)"),
        _("To pay (¥)"),
        _("State"),
        _("The bank's answer"),
    ]
    rows = named.order_by("-batch__number", "reference")[: exports.MOST_ROWS]
    return exports.response(kind, "payments", header, map(_line, rows))


def _line(one: Payment) -> list[Any]:
    names = [str(one.batch), one.reference, one.claim.display_number, one.payee.name, one.payee.credit_code]
    amounts = [format_yuan(fen) for fen in (one.whole_fen, one.offset_fen, one.amount_fen)]
    return [*names, *amounts, PaymentStatus(one.status).label, one.bank_serial or one.failure]


@duty_required(Duty.PAY)
@queues.sent_from("portal:payments-desk")
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
        return _listed(request, set(ids))
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
    less = [(part, offsets.reason(part)) for part in offsets.of_batch(batch)] if batch.offset_fen else []
    context = {
        "batch": batch,
        "payments": rows,
        "offsets": less,
        "whole_fen": batch.total_fen + batch.offset_fen,
        "partial": list(_interests(request, batch.payments.values("payee")).order_by("name")),
    }
    return render(request, "portal/desk/payment_batch.html", context)


@reader_required
def pack(request: PortalRequest, batch_id: UUID, kind: str) -> HttpResponse:
    """Hand out what the authority needs to pay or to account for: the lines as xlsx, or the claims as PDF to sign."""
    batch = _mine(request, batch_id)
    if kind not in PACKS:
        raise Http404
    make, media_type = PACKS[kind]
    return exports.download(make(batch=batch), name=f"reimbursement-{batch}.{kind}", media_type=media_type)


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
