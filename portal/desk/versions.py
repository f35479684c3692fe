"""Versions of a programme's parameters: what differs, and the next one, drafted as a form or as JSON."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from core.periods import date_of
from portal import access, exports
from portal.access import PortalRequest, duty_required, reader_required
from portal.desk import programmes as pages
from portal.desk.parameter_form import DocumentForm, ParameterForm, ProgrammeForm, VersionDocumentForm, blank, refusals
from portal.forms import FilterForm
from vouchers import labels
from vouchers.models import Programme, ProgrammeVersion, VersionStatus
from vouchers.parameters import Parameters, codec
from vouchers.parameters.differences import differences
from vouchers.services import programmes, versions

MOST_ID = 2**63 - 1
drafter_required = duty_required(Duty.DRAFT)
MOVES: dict[str, tuple[Duty, Callable[..., Any]]] = {
    "publish": (Duty.PUBLISH, versions.publish),
    "drop": (Duty.DRAFT, versions.drop),
}


class Between(FilterForm):
    """Which two versions to hold side by side."""

    before = forms.ModelChoiceField(ProgrammeVersion.objects.none(), label=gettext_lazy("From version"), required=False)
    after = forms.ModelChoiceField(ProgrammeVersion.objects.none(), label=gettext_lazy("To version"), required=False)

    def __init__(self, data: Any, rows: QuerySet[ProgrammeVersion]) -> None:
        super().__init__(data)
        for name in ("before", "after"):
            self.fields[name].queryset = rows
            self.fields[name].label_from_instance = named


def named(version: ProgrammeVersion) -> str:
    """Name a version in a list to choose from."""
    return f"{version.number} · {VersionStatus(version.status).label}"


def changes(before: Parameters, after: Parameters) -> list[tuple[str, str, str]]:
    """Return what differs between two sets of parameters, in words: what, from, to."""
    return [
        (labels.called(path), pages.shown(path, old), pages.shown(path, new))
        for path, old, new in differences(before, after)
    ]


@reader_required
def index(request: PortalRequest, programme_id: UUID) -> HttpResponse:
    """List the versions of a programme, and show what differs between two of them."""
    programme = pages.mine(request, programme_id)
    rows = programme.versions.select_related("drafted_by", "published_by", "programme").order_by("-number", "-pk")
    form = Between(request.GET, rows)
    chosen = form.chosen()
    pair = (chosen["before"], chosen["after"]) if len(chosen) == len(form.fields) else None
    context = {
        "programme": programme,
        "rows": rows,
        "form": form,
        "pair": pair,
        "changes": changes(pair[0].parameters, pair[1].parameters) if pair else [],
        "drafted": any(one.status == VersionStatus.DRAFT for one in rows),
    }
    return render(request, "portal/desk/versions.html", context)


def _version(request: PortalRequest, programme_id: UUID, version_id: int) -> ProgrammeVersion:
    rows = ProgrammeVersion.objects.filter(programme__authority=request.organization, programme_id=programme_id)
    named = rows.select_related("programme__authority", "supersedes", "drafted_by", "published_by")
    return get_object_or_404(named, pk=min(version_id, MOST_ID))


@reader_required
def detail(request: PortalRequest, programme_id: UUID, version_id: int) -> HttpResponse:
    """Show a version, and what it changes."""
    version = _version(request, programme_id, version_id)
    before = version.supersedes
    context = {
        "programme": version.programme,
        "version": version,
        "is_draft": version.status == VersionStatus.DRAFT,
        "own_draft": version.drafted_by_id == request.user.pk,
        "changes": changes(before.parameters, version.parameters) if before else [],
        "groups": pages.written(version.parameters),
    }
    return render(request, "portal/desk/version.html", context)


@require_POST
@reader_required
def move(request: PortalRequest, programme_id: UUID, version_id: int, verb: str) -> HttpResponse:
    """Publish or give up a drafted version."""
    if verb not in MOVES:
        raise Http404
    duty, service = MOVES[verb]
    version = _version(request, programme_id, version_id)
    try:
        access.require_duty(request, duty)
        service(version=version, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:version", programme_id, version_id)


@drafter_required
def new(request: PortalRequest, programme_id: UUID) -> HttpResponse:
    """Draft the next version in a form over every parameter."""
    programme = pages.mine(request, programme_id)
    sent = request.POST if request.method == "POST" else None
    form = ParameterForm(sent, parameters=programme.parameters)
    if sent is not None and form.is_valid():
        given = form.cleaned_data
        try:
            return _draft(request, programme, given["parameters"], given["reason"])
        except DomainError as error:
            form.refuse(error)
    return render(request, "portal/desk/version_new.html", {"programme": programme, "form": form})


@drafter_required
def bring_in(request: PortalRequest, programme_id: UUID) -> HttpResponse:
    """Draft the next version from a JSON document."""
    programme = pages.mine(request, programme_id)
    sent = request.POST if request.method == "POST" else None
    start = {"text": codec.dumps(programme.parameters)}
    form, wrong = VersionDocumentForm(sent, request.FILES if sent is not None else None, initial=start), []
    if sent is not None and form.is_valid():
        try:
            return _draft(request, programme, form.parameters(), form.cleaned_data["reason"])
        except DomainError as error:
            form.add_error(None, str(error.detail))
            wrong = refusals(error)
    return render(request, "portal/desk/document.html", {"programme": programme, "form": form, "wrong": wrong})


def _draft(request: PortalRequest, programme: Programme, parameters: Parameters, reason: str) -> HttpResponse:
    who: dict[str, Any] = {"actor": access.actor(request), "at": clock.now()}
    version = versions.draft(programme=programme, parameters=parameters, reason=reason, **who)
    messages.success(request, _("Drafted. Another person publishes it."))
    return redirect("portal:version", programme.pk, version.pk)


@drafter_required
def first(request: PortalRequest) -> HttpResponse:
    """Draft a new programme in a form over every parameter, starting with those of another if it is to be like it."""
    form = ProgrammeForm(request.POST if request.method == "POST" else None, parameters=_start(request))
    if form.is_bound and form.is_valid():
        try:
            return _draft_first(request, form.cleaned_data["parameters"])
        except DomainError as error:
            form.refuse(error)
    return render(request, "portal/desk/version_new.html", {"form": form})


def _start(request: PortalRequest) -> Parameters:
    try:
        like = UUID(request.GET.get("like", ""))
    except ValueError:
        return blank(date_of(clock.now()))
    parameters: Parameters = pages.mine(request, like).parameters
    return parameters


@drafter_required
def first_document(request: PortalRequest) -> HttpResponse:
    """Draft a new programme from a JSON document."""
    sent = request.POST if request.method == "POST" else None
    form, wrong = DocumentForm(sent, request.FILES if sent is not None else None), []
    if sent is not None and form.is_valid():
        try:
            return _draft_first(request, form.parameters())
        except DomainError as error:
            form.add_error(None, str(error.detail))
            wrong = refusals(error)
    return render(request, "portal/desk/document.html", {"form": form, "wrong": wrong})


def _draft_first(request: PortalRequest, parameters: Parameters) -> HttpResponse:
    who: dict[str, Any] = {"actor": access.actor(request), "at": clock.now()}
    programme = programmes.draft_of(authority=request.organization, parameters=parameters, **who)
    messages.success(request, _("Drafted. Another person publishes it."))
    return redirect("portal:programme", programme.pk)


@reader_required
def programme_json(request: PortalRequest, programme_id: UUID) -> HttpResponse:
    """Answer the parameters of a programme as JSON."""
    programme = pages.mine(request, programme_id)
    return _file(programme.parameters, programme.code)


@reader_required
def version_json(request: PortalRequest, programme_id: UUID, version_id: int) -> HttpResponse:
    """Answer the parameters of a version as JSON."""
    version = _version(request, programme_id, version_id)
    return _file(version.parameters, f"{version.programme.code}-{version.number}")


def _file(parameters: Parameters, name: str) -> HttpResponse:
    return exports.download(codec.dumps(parameters).encode(), name=f"{name}.json", media_type="application/json")
