"""An authority's programmes: where their budgets are, what waits, their rules, and who publishes them."""

from collections.abc import Callable
from typing import Any, NamedTuple
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from market.models import Category
from portal import access, paging
from portal.access import PortalRequest, authority_required, duty_required
from portal.desk import budgets, events
from vouchers import dashboards, kpis, labels, pools, tranches
from vouchers.models import Programme, ProgrammeStatus, RoundStatus
from vouchers.parameters import Parameters, listing
from vouchers.services import programmes

MOVES: dict[str, Callable[..., Any]] = {
    "publish": programmes.publish,
    "pause": programmes.pause,
    "resume": programmes.resume,
    "close": programmes.close,
}
OFFERED = {
    ProgrammeStatus.DRAFT: ["publish", "close"],
    ProgrammeStatus.PUBLISHED: ["pause", "close"],
    ProgrammeStatus.PAUSED: ["resume", "close"],
    ProgrammeStatus.CLOSED: [],
}
LATEST_VERSIONS = 5


class Row(NamedTuple):
    """A parameter in words: whether a programme that says nothing has it, and whether nothing but people keeps it."""

    label: str
    value: str
    usual: bool
    recorded: bool


@authority_required
def index(request: PortalRequest) -> HttpResponse:
    """List the authority's programmes, the newest first, each with the bar of its budget."""
    rows = Programme.objects.of_authority(request.organization).select_related("drafted_by", "published_by")
    page = paging.page(request, rows)
    found = dashboards.of(programmes=page.rows, at=clock.now())
    shown = [(one, found[one.pk], budgets.parts(found[one.pk])) for one in page.rows]
    return render(request, "portal/desk/programmes.html", {"page": page, "rows": shown, "labels": budgets.LABELS})


def mine(request: PortalRequest, programme_id: UUID) -> Programme:
    """Return a programme of the authority for which the person acts; another's does not exist."""
    rows = Programme.objects.of_authority(request.organization).select_related(
        "authority", "drafted_by", "published_by"
    )
    return get_object_or_404(rows, pk=programme_id)


@authority_required
def detail(request: PortalRequest, programme_id: UUID) -> HttpResponse:
    """Show where a programme's budget is, what waits in it, its rules and what was done to it."""
    programme, at = mine(request, programme_id), clock.now()
    dashboard = dashboards.of(programmes=[programme], at=at)[programme.pk]
    course = kpis.course(programmes=[programme.pk], at=at)
    context = {
        "programme": programme,
        "position": dashboard.position,
        "board": dashboard,
        "parts": budgets.parts(dashboard),
        "course": course,
        "charts": {"burn": burn(course, dashboard.position.budget_fen)},
        "pools": pools.of(programme.pk),
        "instalments": tranches.of(programme, at=at),
        "groups": written(programme.parameters),
        "providers": programme.providers.order_by("name"),
        "verbs": OFFERED[ProgrammeStatus(programme.status)],
        "own_draft": programme.drafted_by_id == request.user.pk,
    }
    if Duty.READ in request.rights.duties:
        context |= _register(programme)
    return render(request, "portal/desk/programme.html", context)


def _register(programme: Programme) -> dict[str, Any]:
    """Return what only those see who read whole registers."""
    rounds = programme.rounds.exclude(status=RoundStatus.ALLOCATED).order_by("opens_at")
    versions = programme.versions.select_related("drafted_by", "published_by").defer("parameters")
    return {
        "rounds": rounds,
        "versions": versions.order_by("-pk")[:LATEST_VERSIONS],
        "events": events.of(programme),
    }


def burn(course: kpis.Course, budget_fen: int) -> dict[str, Any]:
    """Return what the chart of a budget over time draws; money goes in fen, and the script writes yuan."""
    spent, total = [], 0
    for month in course.months:
        total += month.redeemed_fen
        spent.append(total)
    return {
        "labels": [month.month_on.strftime("%Y-%m") for month in course.months],
        "spent": spent,
        "budget": budget_fen,
        "forecast": course.forecast_fen,
        "words": [_("Redeemed"), _("Budget"), _("Forecast for the end of the year")],
    }


def written(parameters: Parameters) -> list[tuple[str, list[Row]]]:
    """Return the parameters by group, in the reader's words."""
    groups = listing.written(parameters).items()
    return [(str(labels.NAMES[group]), [_row(one) for one in rows]) for group, rows in groups]


def _row(one: listing.Written) -> Row:
    called = labels.called(one.path.partition(".")[2])
    return Row(called, shown(one.path, one.value), usual=one.usual, recorded=one.is_recorded and not one.usual)


def shown(path: str, value: Any) -> str:
    """Return the value of a parameter in words; categories are those of the market."""
    if path.endswith("_categories") and value:
        names = dict(Category.choices)
        return _(", ").join(str(names.get(code, code)) for code in value)
    return labels.shown(path, value)


@require_POST
@duty_required(Duty.PUBLISH)
def move(request: PortalRequest, programme_id: UUID, verb: str) -> HttpResponse:
    """Publish, pause, resume or close a programme."""
    if verb not in MOVES:
        raise Http404
    programme = mine(request, programme_id)
    try:
        MOVES[verb](programme=programme, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:programme", programme.pk)
