"""Notices to an organisation: what is suspected, until when it may answer, and what was decided."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, evidence, kept, paging
from portal.access import PortalRequest, owner_required, party_required
from portal.fields import UploadField
from portal.forms import ConsoleForm
from vouchers.models import Clawback, ClawbackDocument, ClawbackStatus, Finding, FindingStatus
from vouchers.services import clawback_appeals, clawback_documents, clawbacks, findings, recoveries
from vouchers.services.clawback_documents import MOST_AT_ONCE as MOST_FILES

MOST_TEXT = 5_000
MOST_FINDINGS = 50
ANSWERABLE = (ClawbackStatus.NOTICE_SENT, ClawbackStatus.RESPONDED)


class AnswerForm(ConsoleForm):
    """What the organisation says."""

    text = forms.CharField(
        label=gettext_lazy("Your answer"),
        max_length=MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("Name the facts and what proves them. Every answer is kept."),
    )


class ManyFiles(forms.ClearableFileInput):
    """An input for several files at once."""

    allow_multiple_selected = True


class ManyFilesField(UploadField):
    """Several files at once; what they are is read from their content by whoever keeps them."""

    widget = ManyFiles

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        return [super(ManyFilesField, self).clean(one, initial) for one in data or () if one]


class NoticeForm(AnswerForm):
    """What the organisation says to a notice, with files that prove it."""

    proof = ManyFilesField(
        label=gettext_lazy("Files that prove it"),
        required=False,
        widget=ManyFiles(attrs={"multiple": True}),
        help_text=gettext_lazy("PDF, PNG, JPEG, xlsx, OFD or XML; up to ten at once."),
    )


class AppealForm(NoticeForm):
    """What the organisation says against a decision."""

    text = forms.CharField(
        label=gettext_lazy("Your appeal"),
        max_length=MOST_TEXT,
        widget=forms.Textarea(attrs={"rows": 6}),
        help_text=gettext_lazy("Say what is wrong with the decision, and what proves it. You may appeal once."),
    )


@party_required
def index(request: PortalRequest) -> HttpResponse:
    """List notices about vouchers, the latest first, and what the organisation was asked to explain."""
    rows = Clawback.objects.told_to(request.organization).select_related("grant__programme")
    asked = Finding.objects.asked_of(request.organization).order_by("-asked_at")[:MOST_FINDINGS]
    context = {"page": paging.page(request, rows), "findings": list(asked), "at": clock.now()}
    return render(request, "portal/notices.html", context)


@party_required
def detail(request: PortalRequest, clawback_id: UUID) -> HttpResponse:
    """Show a notice, what was answered and decided, and what is still owed."""
    return _shown(request, _one(request, clawback_id), NoticeForm())


@require_POST
@owner_required
def answer(request: PortalRequest, clawback_id: UUID) -> HttpResponseBase:
    """Answer a notice in time; an owner speaks for the organisation."""
    form = NoticeForm(request.POST, request.FILES)
    return _said(request, clawback_id, form, clawback_documents.answer, _("Your answer is kept."))


@require_POST
@owner_required
def appeal(request: PortalRequest, clawback_id: UUID) -> HttpResponseBase:
    """Appeal against a decision, once and in time."""
    form = AppealForm(request.POST, request.FILES)
    return _said(request, clawback_id, form, clawback_appeals.lodge, _("Your appeal is kept."))


def _said(
    request: PortalRequest, clawback_id: UUID, form: NoticeForm, say: Callable[..., Any], thanks: str
) -> HttpResponseBase:
    clawback = _one(request, clawback_id)
    if form.is_valid():
        files = [(one.name or "", one.read()) for one in form.cleaned_data["proof"][: MOST_FILES + 1]]
        text, actor = form.cleaned_data["text"], access.actor(request)
        try:
            say(clawback=clawback, text=text, files=files, actor=actor, at=clock.now())
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, thanks)
            return redirect("portal:notice", clawback_id)
    return _shown(request, clawback, form)


@party_required
def document(request: PortalRequest, clawback_id: UUID, document_id: int) -> HttpResponse:
    """Hand the organisation a file that came with its answer, or that is held against it and not withheld."""
    rows = ClawbackDocument.objects.shown_to_the_debtor().filter(clawback=_one(request, clawback_id))
    found = get_object_or_404(rows.select_related("file"), pk=document_id)
    return kept.download(found.file, name=found.name)


@party_required
def finding(request: PortalRequest, finding_id: UUID) -> HttpResponse:
    """Show what the organisation was asked to explain."""
    return _asked(request, finding_id, AnswerForm())


@require_POST
@owner_required
def explain(request: PortalRequest, finding_id: UUID) -> HttpResponseBase:
    """Explain a finding, once and in time."""
    found = get_object_or_404(Finding.objects.asked_of(request.organization), pk=finding_id)
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            text = form.cleaned_data["text"]
            findings.answer(finding=found, text=text, actor=access.actor(request), at=clock.now())
        except DomainError as refusal:
            show_refusal(form, refusal)
        else:
            messages.success(request, _("Your answer is kept."))
            return redirect("portal:notice-finding", finding_id)
    return _asked(request, finding_id, form)


def _shown(request: PortalRequest, clawback: Clawback, form: AnswerForm) -> HttpResponse:
    at = clock.now()
    due = clawback.response_due_at
    context = {
        "clawback": clawback,
        "items": clawback.items.select_related("capture__redemption").order_by("pk"),
        "answers": clawback.answers.filter(appeal=None).prefetch_related("documents").order_by("pk"),
        "appeal": getattr(clawback, "appeal", None),
        "may_appeal": clawback.appealable(at) and not hasattr(clawback, "appeal"),
        "appeal_files": _files_of_appeal(clawback),
        "appeal_form": form if isinstance(form, AppealForm) else AppealForm(),
        "restitutions": clawback.restitutions.order_by("pk"),
        "held_against": ClawbackDocument.objects.of_the_officers().filter(clawback=clawback).order_by("pk"),
        "recoveries": clawback.recoveries.order_by("pk"),
        "instalments": clawback.instalments.order_by("number"),
        "sums": clawback.calculation,
        "decided": bool(clawback.calculation),
        "suspected_fen": clawbacks.suspected_fen(clawback),
        "overdue_fen": recoveries.overdue_fen(clawback, at=at),
        "takes": clawback.status in ANSWERABLE and due is not None and at < due,
        "form": form,
    }
    return render(request, "portal/notice.html", context)


def _files_of_appeal(clawback: Clawback) -> list[tuple[str, str]]:
    found = getattr(clawback, "appeal", None)
    rows = found.statement.documents.order_by("pk") if found is not None else ()
    return [(one.name, reverse("portal:notice-document", args=[clawback.pk, one.pk])) for one in rows]


def _asked(request: PortalRequest, finding_id: UUID, form: AnswerForm) -> HttpResponse:
    found = get_object_or_404(Finding.objects.asked_of(request.organization), pk=finding_id)
    open_still = found.status == FindingStatus.ASSIGNED and found.answered_at is None
    takes = open_still and found.answer_due_at is not None and clock.now() < found.answer_due_at
    shown = evidence.of(found.evidence)
    context: dict[str, Any] = {"finding": found, "evidence": shown, "takes": takes, "form": form}
    return render(request, "portal/notice_finding.html", context)


def _one(request: PortalRequest, clawback_id: UUID) -> Clawback:
    rows: QuerySet[Clawback] = Clawback.objects.told_to(request.organization)
    return get_object_or_404(
        rows.select_related("grant__programme", "blacklisting", "appeal__statement"), pk=clawback_id
    )
