"""The simulator: rules that are not in force yet, played against what firms really spent."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.core.exceptions import ValidationError
from django.db.models.fields.json import KeyTransform
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.duties import Duty
from billing.services import simulations as players
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.money import format_yuan
from core.periods import date_of
from portal import access, csvs, paging
from portal.access import PortalRequest, duty_required, reader_required
from portal.desk import outcomes, versions
from portal.desk import programmes as pages
from portal.desk.parameter_form import DocumentForm, refusals
from portal.fields import DayField
from vouchers.models import Programme, ProgrammeVersion, Simulation, SimulationStatus, VersionStatus
from vouchers.parameters import Parameters
from vouchers.services import simulations

LIVE = (SimulationStatus.QUEUED, SimulationStatus.RUNNING)


class SimulatorForm(DocumentForm):
    """Which rules to play against which days: a version, or a document."""

    version = forms.ModelChoiceField(
        ProgrammeVersion.objects.none(),
        label=gettext_lazy("Version"),
        required=False,
        empty_label=gettext_lazy("– as JSON –"),
    )
    first_on = DayField(label=gettext_lazy("First day"))
    last_on = DayField(label=gettext_lazy("Last day"))
    field_order = ["version", "first_on", "last_on", "file", "text"]

    def __init__(self, *args: Any, programme: Programme, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = programme.versions.exclude(status=VersionStatus.DROPPED).order_by("-number")
        self.fields["version"].queryset = rows
        self.fields["version"].label_from_instance = versions.named
        self.fields["text"].widget.attrs["rows"] = 8

    def clean(self) -> dict[str, Any]:
        """Take a version, or else a document."""
        if self.cleaned_data.get("version"):
            return self.cleaned_data
        try:
            return super().clean()
        except ValidationError as error:
            raise ValidationError(_("Choose a version, or a file, or paste the JSON.")) from error

    def parameters(self) -> Parameters:
        """Return the parameters to be played.

        :raises BadRules: if they cannot be read or meant.
        """
        version = self.cleaned_data.get("version")
        return version.parameters if version else super().parameters()


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """List the simulations of the authority, the newest first."""
    rows = Simulation.objects.of_authority(request.organization).select_related("programme", "version", "asked_by")
    told = {"after_fen": KeyTransform("cost_fen", KeyTransform("after", "outcome"))}
    told["change_fen"] = KeyTransform("cost_change_fen", "outcome")
    page = paging.page(request, rows.defer("before", "parameters", "outcome").annotate(**told))
    live = Programme.objects.of_authority(request.organization).filter(published_at__isnull=False).order_by("name")
    return render(request, "portal/desk/simulations.html", {"page": page, "programmes": live})


@duty_required(Duty.DRAFT)
def new(request: PortalRequest, programme_id: UUID) -> HttpResponse:
    """Ask what a version, or rules as JSON, would have cost and reached."""
    programme = pages.mine(request, programme_id)
    if programme.published_at is None:
        raise Http404
    today = date_of(clock.now())
    start = {
        "first_on": today.replace(month=1, day=1),
        "last_on": today - timedelta(days=1),
        "version": request.GET.get("version"),
    }
    sent = request.POST if request.method == "POST" else None
    form = SimulatorForm(sent, request.FILES if sent is not None else None, initial=start, programme=programme)
    wrong: list[tuple[str, str]] = []
    if sent is not None and form.is_valid():
        try:
            return _asked(request, programme, form)
        except DomainError as error:
            show_refusal(form, error)
            wrong = [one for one in refusals(error) if not set(error.fields) & set(form.fields)]
    return render(request, "portal/desk/simulation_new.html", {"programme": programme, "form": form, "wrong": wrong})


def _asked(request: PortalRequest, programme: Programme, form: SimulatorForm) -> HttpResponse:
    given = form.cleaned_data
    asked = simulations.ask(
        programme=programme,
        parameters=form.parameters(),
        version=given.get("version"),
        first_on=given["first_on"],
        closes_on=given["last_on"] + timedelta(days=1),
        actor=access.actor(request),
        at=clock.now(),
    )
    if not players.play_if_short(asked=asked, clock=clock.now):
        messages.info(request, _("It waits for a worker; this page shows how far it is."))
    return redirect("portal:simulation", asked.pk)


def _mine(request: PortalRequest, simulation_id: UUID) -> Simulation:
    rows = Simulation.objects.of_authority(request.organization)
    return get_object_or_404(rows.select_related("programme", "version", "asked_by"), pk=simulation_id)


@reader_required
def detail(request: PortalRequest, simulation_id: UUID) -> HttpResponse:
    """Show how far a simulation is, or what came out."""
    simulation = _mine(request, simulation_id)
    context: dict[str, Any] = {
        "simulation": simulation,
        "programme": simulation.programme,
        "last_on": simulation.closes_on - timedelta(days=1),
        "live": simulation.status in LIVE,
        "changes": versions.changes(simulation.before, simulation.parameters),
    }
    if simulation.outcome:
        context |= outcomes.told(simulation.outcome)
    return render(request, "portal/desk/simulation.html", context)


@reader_required
def export(request: PortalRequest, simulation_id: UUID) -> HttpResponseBase:
    """Stream what every firm would have got, under both rules, as CSV; money in yuan."""
    simulation = _mine(request, simulation_id)
    if not simulation.outcome:
        raise Http404
    header = [
        _("Firm"),
        _("Size of the firm"),
        _("District"),
        _("Spent (¥)"),
        _("Rules in force (¥)"),
        _("These rules (¥)"),
        _("Difference (¥)"),
        _("Reasons"),
    ]
    return csvs.response("simulation", header, _lines(simulation.outcome))


def _lines(outcome: dict[str, Any]) -> Iterator[list[Any]]:
    for one in outcome["each"]:
        change_fen = one["after_fen"] - one["before_fen"]
        money = (one["spending_fen"], one["before_fen"], one["after_fen"], change_fen)
        named = [one["name"], outcomes.size(one["size"]), one["district"]]
        yield [*named, *(csvs.number(format_yuan(fen)) for fen in money), outcomes.reasons(one["reasons"])]
