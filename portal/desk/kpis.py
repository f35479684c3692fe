"""Figures of an authority's programmes: budgets, the way to payment, who was reached, and what leaves every month."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpResponse, JsonResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import OrganizationSize
from billing import kpis as billing_kpis
from core import clock
from core.money import format_yuan
from portal import csvs
from portal.access import PortalRequest, reader_required
from portal.forms import FilterForm
from vouchers import kpis, selectors
from vouchers.kpis import Course, Reached, Stage
from vouchers.models import Checkpoint, Programme

STAGES = {
    "applied": gettext_lazy("Applied"),
    "granted": gettext_lazy("Granted"),
    "held": gettext_lazy("First hold"),
    "redeemed": gettext_lazy("Redeemed"),
    "paid": gettext_lazy("Paid"),
}
AXES = {"size": gettext_lazy("Size of the firm"), "district": gettext_lazy("District"), "city": gettext_lazy("City")}
FIELDS = ["month", "applications", "grants", "granted_fen", "captured_fen", "refunded_fen", "redeemed_fen", "paid_fen"]
SCHEMA: dict[str, Any] = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "title": "Months of compute voucher programmes, version 1",
    "type": "object",
    "required": ["schema", "authority", "programmes", "written_at", "months"],
    "properties": {
        "schema": {"const": 1},
        "authority": {"type": "string", "description": "unified social credit code"},
        "programmes": {"type": "array", "items": {"type": "string"}},
        "written_at": {"type": "string", "format": "date-time"},
        "months": {
            "type": "array",
            "items": {
                "type": "object",
                "required": FIELDS,
                "additionalProperties": False,
                "properties": {
                    "month": {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"},
                    **{name: {"type": "integer"} for name in FIELDS[1:]},
                },
            },
        },
    },
}


class ProgrammeFilter(FilterForm):
    """Of which programme."""

    programme = forms.ModelChoiceField(
        Programme.objects.none(), label=gettext_lazy("Programme"), required=False, empty_label=gettext_lazy("All")
    )

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request.GET)
        self.rows = Programme.objects.of_authority(request.organization).filter(published_at__isnull=False)
        self.fields["programme"].queryset = self.rows.order_by("name")

    def programmes(self) -> list[Programme]:
        """Return the programmes that the filter leaves."""
        one = self.chosen().get("programme")
        return [one] if one else list(self.rows)


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """Show the figures as charts, each with its table."""
    form = ProgrammeFilter(request)
    programmes = form.programmes()
    ids = [programme.pk for programme in programmes]
    course, way = kpis.course(programmes=ids, at=clock.now()), kpis.way(programmes=ids)
    cards, reached = billing_kpis.compute(programmes=ids), kpis.reach(programmes=ids)
    positions = selectors.programme_positions(programmes=programmes) if programmes else []
    budget_fen = sum(one.budget_fen for one in positions)
    context = {
        "form": form,
        "programmes": programmes,
        "positions": positions,
        "budget_fen": budget_fen,
        "execution_bp": course.redeemed_fen * kpis.BP // budget_fen if budget_fen else None,
        "course": course,
        "way": [_named(stage) for stage in way],
        "reach": _by_axis(reached),
        "leverage": kpis.leverage(programmes=ids),
        "integrity": kpis.integrity(programmes=ids),
        "checkpoint": Checkpoint.objects.prefetch_related("cosignatures").order_by("-signed_at", "-pk").first(),
        "cards": cards,
        "domestic_bp": billing_kpis.domestic_bp(cards),
        "charts": _charts(course, way, reached, budget_fen),
        "query": request.GET.urlencode(),
    }
    return render(request, "portal/desk/kpis.html", context)


def _named(stage: Stage) -> tuple[str, Stage]:
    return str(STAGES[stage.code]), stage


def _label(one: Reached) -> str:
    if one.axis == "size" and one.label:
        return str(OrganizationSize(one.label).label)
    return one.label or _("not stated")


def _by_axis(reached: Sequence[Reached]) -> list[tuple[str, list[tuple[str, Reached]]]]:
    return [(str(title), [(_label(one), one) for one in reached if one.axis == axis]) for axis, title in AXES.items()]


def _charts(course: Course, way: list[Stage], reached: Sequence[Reached], budget_fen: int) -> dict[str, Any]:
    """Return what the charts draw; money goes in fen, and the script writes yuan."""
    spent, total = [], 0
    for month in course.months:
        total += month.redeemed_fen
        spent.append(total)
    sizes = [one for one in reached if one.axis == "size"]
    return {
        "burn": {
            "labels": [month.month_on.strftime("%Y-%m") for month in course.months],
            "spent": spent,
            "budget": budget_fen,
            "forecast": course.forecast_fen,
            "words": [_("Redeemed"), _("Budget"), _("Forecast for the end of the year")],
        },
        "way": {"labels": [str(STAGES[stage.code]) for stage in way], "numbers": [stage.number for stage in way]},
        "reach": {
            "labels": [_label(one) for one in sizes],
            "granted": [one.granted_fen for one in sizes],
            "redeemed": [one.redeemed_fen for one in sizes],
            "words": [_("Granted"), _("Redeemed")],
        },
    }


def _months(ids: list[UUID]) -> list[dict[str, Any]]:
    course = kpis.course(programmes=ids, at=clock.now())
    return [
        {"month": one.month_on.strftime("%Y-%m")} | {name: getattr(one, name) for name in FIELDS[1:]}
        for one in course.months
    ]


@reader_required
def months_csv(request: PortalRequest) -> HttpResponseBase:
    """Stream the months as CSV, money in yuan."""
    ids = [programme.pk for programme in ProgrammeFilter(request).programmes()]
    money = {name for name in FIELDS if name.endswith("_fen")}
    header = [name.replace("_fen", "_yuan") for name in FIELDS]
    rows = (
        [csvs.number(format_yuan(value)) if name in money else value for name, value in month.items()]
        for month in _months(ids)
    )
    return csvs.response("voucher-months", header, rows)


@reader_required
def months_json(request: PortalRequest) -> HttpResponse:
    """Answer the months as JSON after a published schema, money in fen."""
    programmes = ProgrammeFilter(request).programmes()
    answer = {
        "$schema": request.build_absolute_uri(reverse("portal:kpis-schema")),
        "schema": 1,
        "authority": request.organization.credit_code,
        "programmes": [programme.code for programme in programmes],
        "written_at": clock.now().isoformat(),
        "months": _months([programme.pk for programme in programmes]),
    }
    disposition = {"Content-Disposition": 'attachment; filename="voucher-months.json"'}
    return JsonResponse(answer, headers=disposition, json_dumps_params={"ensure_ascii": False})


@reader_required
def schema(request: PortalRequest) -> HttpResponse:
    """Answer the schema of the JSON export."""
    return JsonResponse(SCHEMA)
