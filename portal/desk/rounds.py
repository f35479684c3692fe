"""Rounds on the desk: drafted by one person, opened by another, looked at in every way, allocated, published."""

from collections.abc import Callable, Iterator
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.db.models import Count, Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from core import clock, sheets
from core.errors import DomainError
from core.forms import show_refusal
from core.money import format_yuan
from core.periods import local_minute
from core.sheets.writing import MEDIA_TYPES
from portal import access, exports, paging
from portal.access import PortalRequest, duty_required, reader_required
from portal.desk.round_form import NAMES, RoundForm
from portal.forms import FilterForm, typed
from vouchers.allocation import Method
from vouchers.models import Application, Programme, Round, RoundStatus
from vouchers.models.application import AWARDED, OVER, REVIEWS, S
from vouchers.services.applications import previews, rounds

SHOWN = 200
UNDECIDED = (S.SUBMITTED, S.SUPPLEMENT, *REVIEWS)
Run = Callable[[Round, PortalRequest], Any]


def _open(procedure: Round, request: PortalRequest) -> None:
    rounds.open_(procedure=procedure, actor=access.actor(request), at=clock.now())


def _close(procedure: Round, _request: PortalRequest) -> None:
    rounds.close(procedure=procedure, at=clock.now())


def _allocate(procedure: Round, request: PortalRequest) -> None:
    seed = typed(request, "seed", most=120)
    rounds.allocate(procedure=procedure, actor=access.actor(request), at=clock.now(), seed=seed)


ACTS: dict[str, tuple[Duty, Run]] = {
    "open": (Duty.PUBLISH, _open),
    "close": (Duty.PROPOSE, _close),
    "allocate": (Duty.PROPOSE, _allocate),
}


class RoundFilter(FilterForm):
    """Which rounds to show."""

    programme = forms.ModelChoiceField(
        Programme.objects.none(), label=gettext_lazy("Programme"), required=False, empty_label=gettext_lazy("All")
    )
    state = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *RoundStatus.choices]
    )

    def __init__(self, request: PortalRequest) -> None:
        super().__init__(request.GET)
        self.fields["programme"].queryset = Programme.objects.of_authority(request.organization).order_by("name")

    def narrow(self, rows: QuerySet[Round]) -> QuerySet[Round]:
        """Keep the rows that the filters ask for."""
        chosen = self.chosen()
        if "programme" in chosen:
            rows = rows.filter(programme=chosen["programme"])
        return rows.filter(status=chosen["state"]) if "state" in chosen else rows


def _counted(request: PortalRequest) -> QuerySet[Round]:
    rows = Round.objects.of_authority(request.organization).select_related("programme", "drafted_by", "opened_by")
    return rows.annotate(
        handed_in=Count("applications", filter=~Q(applications__status=S.DRAFT)),
        undecided=Count("applications", filter=Q(applications__status__in=UNDECIDED)),
        passed=Count("applications", filter=Q(applications__status=S.WAITLISTED)),
        awarded=Count("applications", filter=Q(applications__status__in=AWARDED)),
    )


@reader_required
def index(request: PortalRequest) -> HttpResponse:
    """List the rounds of the authority's programmes, the newest first."""
    form = RoundFilter(request)
    page = paging.page(request, form.narrow(_counted(request)))
    live = Programme.objects.of_authority(request.organization).published().order_by("name")
    return render(request, "portal/desk/rounds.html", {"form": form, "page": page, "programmes": live})


@duty_required(Duty.DRAFT)
def new(request: PortalRequest, programme_id: UUID) -> HttpResponse:
    """Write a round down for another person to open."""
    rows = Programme.objects.of_authority(request.organization).select_related("authority")
    programme = get_object_or_404(rows, pk=programme_id)
    form = RoundForm(request.POST if request.method == "POST" else None, programme=programme)
    if form.is_bound and form.is_valid():
        who: dict[str, Any] = {"actor": access.actor(request), "at": clock.now()}
        try:
            made = rounds.draft(programme=programme, **who, **form.procedure())
        except DomainError as error:
            show_refusal(form, error, NAMES)
        else:
            messages.success(request, _("Drafted. Another person opens it."))
            return redirect("portal:round-desk", made.pk)
    return render(request, "portal/desk/round_new.html", {"programme": programme, "form": form})


def _mine(request: PortalRequest, round_id: UUID) -> Round:
    return get_object_or_404(_counted(request).select_related("programme__authority"), pk=round_id)


@reader_required
def detail(request: PortalRequest, round_id: UUID) -> HttpResponse:
    """Show a round, its ranking, and what each way of allocating it would do."""
    procedure, at = _mine(request, round_id), clock.now()
    allocable = procedure.method not in (Method.FIRST_COME, Method.EXEMPT)
    to_come = allocable and procedure.status in (RoundStatus.OPEN, RoundStatus.CLOSED) and vars(procedure)["passed"]
    ways = previews.of_each(procedure=procedure, at=at) if to_come else {}
    way = next((one for code, one in ways.items() if code == request.GET.get("way")), next(iter(ways.values()), None))
    context = {
        "procedure": procedure,
        "programme": procedure.programme,
        "left_fen": _left_fen(procedure),
        "ways": ways.values(),
        "way": way,
        "preview": way.rows[:SHOWN] if way else [],
        "ranking": _ranking(procedure)[:SHOWN],
        "shown": SHOWN,
        "acts": _acts(request, procedure, allocable=allocable),
        "own_draft": procedure.drafted_by_id == request.user.pk,
        "public": _publicity(procedure),
    }
    return render(request, "portal/desk/round.html", context)


def _left_fen(procedure: Round) -> int | None:
    return rounds.left_fen(procedure, at=clock.now()) if procedure.programme.published_at else None


def _acts(request: PortalRequest, procedure: Round, *, allocable: bool) -> set[str]:
    """Return what this person may do with the round in its state."""
    over = procedure.closes_at <= clock.now()
    possible = {
        "open": procedure.status == RoundStatus.DRAFT and procedure.drafted_by_id != request.user.pk,
        "close": procedure.status == RoundStatus.OPEN and over,
        "allocate": procedure.status == RoundStatus.CLOSED and allocable,
    }
    return {verb for verb, can in possible.items() if can and ACTS[verb][0] in request.rights.duties}


def _ranking(procedure: Round) -> QuerySet[Application]:
    """Return the applications in the order of their places; before there are any, by score and arrival."""
    rows = procedure.applications.exclude(status__in=[S.DRAFT, S.WITHDRAWN]).select_related("applicant")
    return rows.order_by("place", "-score", "submitted_at", "pk")


def _publicity(procedure: Round) -> dict[str, Any]:
    """Return how many stand in public, and from when to when."""
    rows = procedure.applications.filter(publicity_from__isnull=False).exclude(status__in=OVER)
    first, last = rows.order_by("publicity_from").first(), rows.order_by("-publicity_until").first()
    return {
        "waiting": procedure.applications.filter(status=S.PROPOSED).count(),
        "from": first.publicity_from if first else None,
        "until": last.publicity_until if last else None,
    }


@require_POST
@reader_required
def act(request: PortalRequest, round_id: UUID, verb: str) -> HttpResponse:
    """Open, close or allocate a round."""
    if verb not in ACTS:
        raise Http404
    duty, run = ACTS[verb]
    procedure = _mine(request, round_id)
    try:
        access.require_duty(request, duty)
        run(procedure, request)
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:round-desk", procedure.pk)


@reader_required
def export(request: PortalRequest, round_id: UUID, kind: str) -> HttpResponse:
    """Send out the ranking or the result of a round, whole, as CSV or xlsx."""
    procedure = _mine(request, round_id)
    header = [
        _("Place"),
        _("Firm"),
        _("Unified social credit code"),
        _("District"),
        _("State"),
        _("Score"),
        _("Handed in at"),
        _("Asked (¥)"),
        _("Proposed (¥)"),
        _("Publicity from"),
        _("Publicity until"),
    ]
    content = sheets.write(kind, header, _lines(procedure), title=_("Round"))
    return exports.download(content, name=f"round-{procedure.pk}.{kind}", media_type=MEDIA_TYPES[kind])


def _lines(procedure: Round) -> Iterator[list[str | int | None]]:
    for one in _ranking(procedure).iterator(chunk_size=500):
        yield [
            one.place,
            one.applicant.name,
            one.applicant.credit_code,
            one.district,
            str(S(one.status).label),
            "" if one.score is None else f"{one.score // 100}.{one.score % 100:02d}",
            local_minute(one.submitted_at),
            format_yuan(one.asked_fen),
            format_yuan(one.reserved_fen) if one.reserved_fen else "",
            local_minute(one.publicity_from),
            local_minute(one.publicity_until),
        ]
