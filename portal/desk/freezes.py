"""What is frozen, by whom, since when and why, and when to look again; grants are frozen and freed here."""

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

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, grants, paging
from portal.access import PortalRequest, duty_required
from portal.desk import clawback_queue, finding_acts, queues
from portal.desk.finding_queue import ANY, is_operator
from portal.desk.queues import NOTHING_TYPED, Typed
from portal.fields import DayField
from portal.forms import ConsoleForm, FilterForm, require_valid
from vouchers.models import Clawback, Freeze, FreezeGround, Grant
from vouchers.services import freezing

ORDERING = ("clock_at", "-pk")
SHOWN = ("grant__owner", "grant__programme", "frozen_by", "lifted_by", "finding")

SOON = gettext_lazy("Choose a day within the next three months.")

desk_required = duty_required(Duty.READ, Duty.FIND)


class FreezeFilter(FilterForm):
    """Which freezes to show."""

    q = forms.CharField(label=gettext_lazy("Firm or credit code"), required=False, max_length=120)
    ground = forms.ChoiceField(label=gettext_lazy("Ground"), required=False, choices=[ANY, *FreezeGround.choices])
    state = forms.ChoiceField(
        label=gettext_lazy("State"),
        required=False,
        choices=[
            ("", gettext_lazy("Frozen now")),
            ("overdue", gettext_lazy("To be looked at again")),
            ("lifted", gettext_lazy("Lifted")),
        ],
    )

    def narrow(self, rows: QuerySet[Freeze]) -> QuerySet[Freeze]:
        """Keep the rows that the filters ask for: what is frozen now, if they do not say."""
        chosen, at = self.chosen(), clock.now()
        if "q" in chosen:
            named = rows.filter(grant__owner__name__icontains=chosen["q"])
            rows = named | rows.filter(grant__owner__credit_code=chosen["q"].strip().upper())
        if "ground" in chosen:
            rows = rows.filter(ground=chosen["ground"])
        if chosen.get("state") == "lifted":
            return rows.filter(lifted_at__isnull=False)
        rows = rows.filter(lifted_at=None)
        return rows.filter(review_due_at__lte=at) if chosen.get("state") == "overdue" else rows


class FreezeForm(ConsoleForm):
    """Why a grant, or all of a firm, is frozen."""

    ground = forms.ChoiceField(label=gettext_lazy("Ground"), choices=FreezeGround.choices)
    reason = forms.CharField(
        label=gettext_lazy("Reason and evidence"), max_length=2_000, widget=forms.Textarea(attrs={"rows": 3})
    )


class LiftForm(ConsoleForm):
    """Why a freeze is lifted, or until when it stays."""

    reason = forms.CharField(label=gettext_lazy("Reason"), max_length=2_000, required=False)
    until = DayField(
        label=gettext_lazy("Look again on"), required=False, error_messages={"invalid": SOON, "year": SOON}
    )


def visible(request: PortalRequest) -> QuerySet[Freeze]:
    """Return the freezes that the person may see."""
    return Freeze.objects.all() if is_operator(request) else Freeze.objects.of_authority(request.organization)


@desk_required
def index(request: PortalRequest) -> HttpResponse:
    """List what is frozen, what is to be looked at again first at the top."""
    return _listed(request, NOTHING_TYPED)


def _listed(request: PortalRequest, typed: Typed) -> HttpResponse:
    form, at = FreezeFilter(request.GET), clock.now()
    rows = queues.by_due(form.narrow(visible(request).select_related(*SHOWN)), "review_due_at")
    page = paging.page(request, rows, ordering=ORDERING)
    left = {one.grant.pk: one for one in grants.standings([row.grant for row in page.rows])}
    undecided = Clawback.objects.undecided().filter(grant__in=[row.grant_id for row in page.rows])
    cases_of = dict(undecided.values_list("grant_id", "pk"))
    context = {
        "form": form,
        "page": page,
        "rows": [_row(one, left[one.grant_id], cases_of.get(one.grant_id), request, at) for one in page.rows],
        "may_freeze": finding_acts.writes(request) and Duty.FREEZE in request.rights.duties,
        "query": request.GET.urlencode(),
        "typed": typed,
    }
    return render(request, "portal/desk/freezes.html", context)


def _row(one: Freeze, standing: grants.Standing, case: UUID | None, request: PortalRequest, at: Any) -> dict[str, Any]:
    left, tone = queues.time_left(one.review_due_at if one.lifted_at is None else None, at)
    mine = one.frozen_by_id == request.user.pk
    return {"freeze": one, "standing": standing, "case": case, "left": left, "tone": tone, "mine": mine}


@duty_required(Duty.FREEZE)
def new(request: PortalRequest, grant_id: UUID) -> HttpResponse:
    """Freeze a grant, with a ground and a reason."""
    grant = get_object_or_404(clawback_queue.grants(request), pk=grant_id)
    form = FreezeForm(request.POST if request.method == "POST" else None)
    if form.is_bound and form.is_valid():
        try:
            freezing.freeze(grant=grant, actor=access.actor(request), at=clock.now(), **form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error)
        else:
            messages.success(request, _("Frozen. Another person lifts it."))
            return redirect("portal:freezes")
    context = {"form": form, "grant": grant, "standing": grants.standings([grant])[0]}
    return render(request, "portal/desk/freeze_new.html", context)


@duty_required(Duty.FREEZE)
@queues.sent_from("portal:freezes")
def act(request: PortalRequest, freeze_id: UUID, verb: str) -> HttpResponse:
    """Lift a freeze, or look at it again and let it last."""
    if verb not in VERBS:
        raise Http404
    freeze = get_object_or_404(visible(request).select_related("grant"), pk=freeze_id)
    form = LiftForm(request.POST)
    try:
        require_valid(form)
        VERBS[verb](freeze, form.cleaned_data, {"actor": access.actor(request), "at": clock.now()})
    except DomainError as error:
        messages.error(request, error.detail)
        return _listed(request, Typed(freeze.pk, verb, request.POST, str(error.detail)))
    messages.success(request, _("Noted."))
    return queues.back(request, "portal:freezes")


def _lift(freeze: Freeze, said: dict[str, Any], who: dict[str, Any]) -> None:
    grant: Grant = freeze.grant
    freezing.lift(grant=grant, reason=said["reason"], **who)


def _keep(freeze: Freeze, said: dict[str, Any], who: dict[str, Any]) -> None:
    if said["until"] is None:
        raise freezing.BadReview(SOON)
    freezing.keep(freeze=freeze, until=said["until"], reason=said["reason"], **who)


VERBS: dict[str, Callable[[Freeze, dict[str, Any], dict[str, Any]], None]] = {"lift": _lift, "keep": _keep}
