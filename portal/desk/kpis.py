"""Figures of an authority's programmes: budgets, the way to payment, who was reached, and what leaves every month."""

from collections.abc import Sequence
from datetime import date
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from billing import kpis as billing_kpis
from core import clock, sheets
from core.money import format_yuan
from core.periods import Period, date_of, midnight
from core.sheets.writing import MEDIA_TYPES
from portal import csvs, exports
from portal.access import PortalRequest, reader_required
from portal.desk import annual_sheet
from portal.desk import programmes as pages
from portal.desk.figures import STAGES, Figures, label_of
from portal.forms import FilterForm
from vouchers import kpis
from vouchers.kpis import Stage
from vouchers.models import Programme
from vouchers.reached import Reached
from vouchers.services import checkpoints, signed_files

AXES = {
    "size": gettext_lazy("Size of the firm"),
    "district": gettext_lazy("District"),
    "industry": gettext_lazy("Industry"),
    "qualification": gettext_lazy("Qualification"),
    "city": gettext_lazy("City"),
}
FIRST_YEAR = 2020
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
    """Of which programme, and of which year."""

    programme = forms.ChoiceField(label=gettext_lazy("Programme"), required=False)

    year = forms.TypedChoiceField(label=gettext_lazy("Year"), required=False, coerce=int, empty_value=None)

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request.GET)
        rows = Programme.objects.of_authority(request.organization).filter(published_at__isnull=False)
        self.rows = rows.order_by("name").defer("parameters")
        self.fields["programme"].choices = [("", _("All")), *((str(one.pk), one.name) for one in self.rows)]
        self.today = date_of(clock.now())
        years = range(self.today.year, FIRST_YEAR - 1, -1)
        self.fields["year"].choices = [("", _("All")), *((year, year) for year in years)]

    def programmes(self) -> list[Programme]:
        """Return the programmes that the filter leaves."""
        one = self.chosen().get("programme")
        return [each for each in self.rows if one in (None, str(each.pk))]

    def period(self) -> Period:
        """Return the year that the filter names, or all time."""
        year = self.chosen().get("year")
        return year_of(year) if year else kpis.ALWAYS


def year_of(year: int) -> Period:
    """Return a calendar year of Shanghai."""
    return Period(midnight(date(year, 1, 1)), midnight(date(year + 1, 1, 1)))


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """Show the figures as charts, each with its table."""
    form = ProgrammeFilter(request)
    programmes, period = form.programmes(), form.period()
    figures = Figures.of(programmes, period, clock.now())
    context = {
        "form": form,
        "programmes": programmes,
        "positions": figures.positions,
        "budget_fen": figures.budget_fen,
        "execution_bp": figures.execution_bp,
        "course": figures.course,
        "way": [_named(stage) for stage in figures.way],
        "reach": _by_axis(figures.reached),
        "leverage": figures.oversight.leverage,
        "applied": figures.oversight.applied,
        "small_bp": kpis.small_bp(figures.reached),
        "integrity": figures.oversight.integrity,
        "sealed": figures.oversight.sealed,
        "cards": figures.cards,
        "domestic_bp": billing_kpis.domestic_bp(figures.cards),
        "near_bp": billing_kpis.near_bp(figures.cards),
        "used_bp": billing_kpis.used_bp(figures.cards),
        "spent_bp": figures.spent_bp,
        "charts": _charts(figures),
        "query": request.GET.urlencode(),
    }
    return render(request, "portal/desk/kpis.html", context)


def _named(stage: Stage) -> tuple[str, Stage]:
    return str(STAGES[stage.code]), stage


def _by_axis(reached: Sequence[Reached]) -> list[tuple[str, list[tuple[str, Reached]]]]:
    return [(str(title), [(label_of(one), one) for one in reached if one.axis == axis]) for axis, title in AXES.items()]


def _charts(figures: Figures) -> dict[str, Any]:
    """Return what the charts draw; money goes in fen, and the script writes yuan."""
    sizes = [one for one in figures.reached if one.axis == "size"]
    return {
        "burn": pages.burn(figures.course, figures.budget_fen),
        "way": {
            "labels": [str(STAGES[stage.code]) for stage in figures.way],
            "numbers": [stage.number for stage in figures.way],
        },
        "reach": {
            "labels": [label_of(one) for one in sizes],
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
def months_csv(request: PortalRequest) -> HttpResponse:
    """Answer the months as CSV, money in yuan."""
    ids = [programme.pk for programme in ProgrammeFilter(request).programmes()]
    money = {name for name in FIELDS if name.endswith("_fen")}
    header = [name.replace("_fen", "_yuan") for name in FIELDS]
    rows = (
        [csvs.number(format_yuan(value)) if name in money else value for name, value in month.items()]
        for month in _months(ids)
    )
    made = csvs.response("voucher-months", header, rows)
    whole = HttpResponse(made.getvalue(), content_type=made["Content-Type"])
    whole["Content-Disposition"] = made["Content-Disposition"]
    return _signed(request, whole, "voucher-months.csv")


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
    made = JsonResponse(answer, headers=disposition, json_dumps_params={"ensure_ascii": False})
    return _signed(request, made, "voucher-months.json")


def _signed(request: PortalRequest, made: HttpResponse, name: str) -> HttpResponse:
    """Answer a file as it is, or with ``?signed=1`` in a zip with the platform's signature over its content."""
    if request.GET.get("signed") != "1":
        return made
    try:
        content = signed_files.packed(name=name, content=made.content)
    except checkpoints.NoKey as refusal:
        messages.error(request, refusal.detail)
        return redirect("portal:kpis")
    return exports.download(content, name=f"{name}.zip", media_type=signed_files.MEDIA_TYPE)


@reader_required
def schema(request: PortalRequest) -> HttpResponse:
    """Answer the schema of the JSON export."""
    return JsonResponse(SCHEMA)


@reader_required
def annual(request: PortalRequest) -> HttpResponse:
    """Send out the sheet of a year, the present one unless the filter names another, as xlsx."""
    form = ProgrammeFilter(request)
    year = form.chosen().get("year") or form.today.year
    programmes = form.programmes()
    figures = Figures.of(programmes, year_of(year), clock.now())
    content = annual_sheet.workbook(figures, authority=request.organization, year=year, programmes=programmes)
    name = f"vouchers-{year}.xlsx"
    return _signed(request, exports.download(content, name=name, media_type=MEDIA_TYPES[sheets.XLSX]), name)
