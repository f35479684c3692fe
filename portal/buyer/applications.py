"""Apply for vouchers, and follow an application from its draft to the grant."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import prefetch_related_objects
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, files, paging
from portal import explanations as words
from portal.access import PortalRequest, buyer_required, buyer_trader_required
from portal.buyer.application_form import ApplicationForm, EvidenceForm
from portal.forms import ConsoleForm, FilterForm
from portal.stated import StatedForm
from vouchers import hints
from vouchers.models import Application, ApplicationDocument, ApplicationStatus, Evidence, Round
from vouchers.services.applications import deciding, documents, drafting, prechecks, submitting

FIELD_OF = {"asked_fen": "asked"}
TEXT_OF = {"withdraw": "reason", "supplement": "note", "appeal": "text"}
ACTS: dict[str, Callable[..., Any]] = {
    "submit": submitting.submit,
    "withdraw": drafting.withdraw,
    "supplement": submitting.supplement,
    "appeal": deciding.appeal,
}


class ApplicationFilter(FilterForm):
    """Which of the applications to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *ApplicationStatus.choices]
    )


class TextForm(ConsoleForm):
    """A note, a reason or an appeal."""

    text = forms.CharField(required=False, max_length=2_000)


@buyer_required
def rounds(request: PortalRequest) -> HttpResponse:
    """List the rounds that take applications now, and those to come."""
    at = clock.now()
    rows = Round.objects.taking(at).select_related("programme__authority").order_by("closes_at", "pk")
    coming = Round.objects.filter(status="open", opens_at__gt=at).select_related("programme__authority")
    context = {"rounds": rows[:100], "coming": coming.order_by("opens_at", "pk")[:20]}
    return render(request, "portal/buyer/rounds.html", context)


@buyer_required
def opened(request: PortalRequest, round_id: UUID) -> HttpResponse:
    """Show a round: its procedure, whether the firm may apply, and the form to begin."""
    procedure, at = _round(request, round_id), clock.now()
    form = StatedForm(request.GET or None, programme=procedure.programme)
    checked = bool(request.GET) and form.is_valid()
    stated = form.stated() if checked else {}
    found: list[prechecks.Finding] = []
    if checked or not form.fields:
        try:
            found = prechecks.of_applicant(procedure=procedure, applicant=request.organization, stated=stated, at=at)
        except DomainError as error:
            show_refusal(form, error)
    context = {
        "procedure": procedure,
        "form": form,
        "checked": checked or not form.fields,
        "bars": any(one.bars for one in found),
        "hints": hints.sentences([one.as_json() for one in found]),
        "takes": procedure.takes(at),
        "evidence": [Evidence(kind).label for kind in procedure.required_evidence],
    }
    return render(request, "portal/buyer/round.html", context)


@buyer_trader_required
def new(request: PortalRequest, round_id: UUID) -> HttpResponse:
    """Begin an application."""
    procedure = _round(request, round_id)
    sent = request.POST if request.method == "POST" else None
    form = ApplicationForm(sent, procedure=procedure)
    if sent is not None and form.is_valid():
        try:
            made = drafting.draft(
                procedure=procedure,
                applicant=request.organization,
                actor=access.actor(request),
                at=clock.now(),
                **form.content(),
            )
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
        else:
            messages.success(request, _("The draft is kept. Upload the evidence and hand it in."))
            return redirect("portal:my-application", made.pk)
    return render(request, "portal/buyer/application_new.html", {"form": form, "procedure": procedure})


@buyer_trader_required
def edit(request: PortalRequest, application_id: UUID) -> HttpResponse:
    """Write a draft, or what has to be supplemented, anew."""
    application = _mine(request, application_id)
    sent = request.POST if request.method == "POST" else None
    form = ApplicationForm(sent, procedure=application.round, application=application)
    if sent is not None and form.is_valid():
        try:
            drafting.edit(application=application, actor=access.actor(request), at=clock.now(), **form.content())
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
        else:
            return redirect("portal:my-application", application.pk)
    context = {"form": form, "procedure": application.round, "application": application}
    return render(request, "portal/buyer/application_new.html", context)


@buyer_required
def index(request: PortalRequest) -> HttpResponse:
    """List the organisation's applications, the latest first."""
    form = ApplicationFilter(request.GET)
    rows = Application.objects.of_applicant(request.organization).filter(**form.chosen())
    page = paging.page(request, rows.select_related("round", "programme__authority"), ordering=("-created_at", "-pk"))
    return render(request, "portal/buyer/applications.html", {"form": form, "page": page})


@buyer_required
def detail(request: PortalRequest, application_id: UUID) -> HttpResponse:
    """Show an application: where it stands, its way so far, what is missing, and take a file."""
    application = _mine(request, application_id)
    sent = request.POST if request.method == "POST" and request.rights.trade else None
    form = EvidenceForm(sent, request.FILES if sent is not None else None)
    if sent is not None and form.is_valid() and _kept(request, application, form):
        messages.success(request, _("The file has been kept."))
        return redirect("portal:my-application", application.pk)
    return render(request, "portal/buyer/application.html", _standing(application, clock.now()) | {"form": form})


@require_POST
@buyer_trader_required
def act(request: PortalRequest, application_id: UUID, verb: str) -> HttpResponse:
    """Hand in, take back, supplement or appeal."""
    if verb not in ACTS:
        raise Http404
    application = _mine(request, application_id)
    form = TextForm(request.POST)
    text = form.cleaned_data["text"] if form.is_valid() else ""
    said = {TEXT_OF[verb]: text} if verb in TEXT_OF else {}
    try:
        ACTS[verb](application=application, actor=access.actor(request), at=clock.now(), **said)
    except DomainError as error:
        messages.error(request, error.detail)
        for sentence in hints.sentences(error.extra.get("findings", [])):
            messages.error(request, sentence)
    else:
        messages.success(request, _("Done."))
    return redirect("portal:my-application", application.pk)


@require_POST
@buyer_trader_required
def take_back(request: PortalRequest, document_id: UUID) -> HttpResponse:
    """Take a file back before it is handed in."""
    found = _document(request, document_id)
    try:
        documents.withdraw(document=found, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("portal:my-application", found.application_id)


@buyer_required
def document(request: PortalRequest, document_id: UUID) -> HttpResponseBase:
    """Hand a file back to its firm; for others it does not exist."""
    found = _document(request, document_id)
    return files.download(found.place, name=found.name, media_type=found.media_type)


def _round(request: PortalRequest, round_id: UUID) -> Round:
    rows = Round.objects.visible_to(request.organization).select_related("programme__authority")
    return get_object_or_404(rows, pk=round_id)


def _mine(request: PortalRequest, application_id: UUID) -> Application:
    rows = Application.objects.of_applicant(request.organization)
    related = rows.select_related("round__programme", "programme__authority", "provider", "applicant", "grant")
    return get_object_or_404(related, pk=application_id)


def _document(request: PortalRequest, document_id: UUID) -> ApplicationDocument:
    rows = ApplicationDocument.objects.select_related("application").filter(withdrawn_at=None)
    return get_object_or_404(rows, application__applicant=request.organization, pk=document_id)


def _kept(request: PortalRequest, application: Application, form: EvidenceForm) -> bool:
    file = form.cleaned_data["file"]
    try:
        documents.upload(
            application=application,
            kind=form.cleaned_data["kind"],
            name=file.name,
            content=file.read(),
            actor=access.actor(request),
            at=clock.now(),
        )
    except DomainError as error:
        show_refusal(form, error)
        return False
    return True


def _standing(application: Application, at: datetime) -> dict[str, Any]:
    prefetch_related_objects([application], "documents")
    found = application.findings
    if application.editable:
        found = [one.as_json() for one in prechecks.of_application(application=application, at=at)]
    kept = sorted(
        (one for one in application.documents.all() if one.withdrawn_at is None), key=lambda one: (one.kind, one.pk)
    )
    there = {one.kind for one in kept}
    required = [(Evidence(kind).label, kind in there) for kind in application.round.required_evidence]
    explanation = application.explanation
    is_draft = application.status == ApplicationStatus.DRAFT  # nobody has seen it yet
    return {
        "application": application,
        "procedure": application.round,
        "documents": kept,
        "checklist": required,
        "bars": any(one["bars"] for one in found),
        "hints": [(one["bars"], hints.sentence(one)) for one in found],
        "steps": application.steps.order_by("pk"),
        "calculation": words.voucher_steps(explanation) if explanation else [],
        "appealable": application.appealable(at),
        "appeals": [] if is_draft else application.appeals.order_by("pk"),
        "objections": [] if is_draft else application.objections.order_by("pk"),
    }
