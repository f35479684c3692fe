"""List cards for sale: draft, change, submit, pause, archive, close hours."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.periods import HOUR, Period, hour_of
from market.models import Handover, Offering, OfferingStatus
from market.services import floors, listings, offerings, revisions, vetting
from portal import access, calendars, paging, plans
from portal.access import PortalRequest, seller_required, seller_trader_required
from portal.forms import FilterForm
from portal.seller.offering_form import FIELD_OF, ClosureForm, FloorForm, LineForm, OfferingForm, filled, split

MOVES: dict[str, Callable[..., Any]] = {
    "submit": vetting.submit,
    "withdraw": vetting.withdraw,
    "pause": offerings.pause,
    "resume": offerings.resume,
    "archive": offerings.archive,
    "handover-reported": partial(offerings.set_handover, handover=Handover.REPORTED),
    "handover-clock": partial(offerings.set_handover, handover=Handover.CLOCK),
}
VERBS = {
    OfferingStatus.DRAFT: ["submit", "archive"],
    OfferingStatus.REVIEW: ["withdraw", "archive"],
    OfferingStatus.REJECTED: ["submit", "archive"],
    OfferingStatus.LISTED: ["pause", "archive"],
    OfferingStatus.PAUSED: ["resume", "archive"],
    OfferingStatus.ARCHIVED: [],
}
MOST_EDITS = 20


class OfferingFilter(FilterForm):
    """Which of the offerings to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *OfferingStatus.choices]
    )


def _mine(request: PortalRequest, offering_id: UUID) -> Offering:
    return get_object_or_404(Offering.objects.of_provider(request.organization).with_place(), pk=offering_id)


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """List the provider's offerings, the newest first."""
    form = OfferingFilter(request.GET)
    rows = Offering.objects.of_provider(request.organization).with_place().filter(**form.chosen())
    return render(request, "portal/seller/offerings.html", {"form": form, "page": paging.page(request, rows)})


@seller_trader_required
def new(request: PortalRequest) -> HttpResponse:
    """Draft an offering."""
    at = clock.now()
    sent = request.POST if request.method == "POST" else None
    form = OfferingForm(sent, provider=request.organization, initial={"opens_at": hour_of(at) + HOUR})
    if sent is not None and form.is_valid():
        try:
            drafted = _draft(request, split(form.terms()))
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
        else:
            messages.success(request, _("The offering is drafted. Submit it to put it on sale."))
            return redirect("portal:offering-mine", drafted.pk)
    return render(request, "portal/seller/offering_new.html", {"form": form})


def _draft(request: PortalRequest, terms: dict[str, Any]) -> Offering:
    return offerings.draft(
        provider=request.organization,
        actor=access.actor(request),
        at=clock.now(),
        **terms,
    )


@seller_trader_required
def edit(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Change what an offering is or how it is sold."""
    offering = _mine(request, offering_id)
    sent = request.POST if request.method == "POST" else None
    form = OfferingForm(sent, provider=request.organization, initial=filled(offering))
    if sent is not None and form.is_valid():
        try:
            revised = revisions.revise(
                offering=offering, changes=form.terms(), actor=access.actor(request), at=clock.now()
            )
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
        else:
            text = _("The change waits for the operator's review.") if _goes_back(offering, revised) else _("Changed.")
            messages.success(request, text)
            return redirect("portal:offering-mine", offering.pk)
    return render(request, "portal/seller/offering_edit.html", {"form": form, "offering": offering})


def _goes_back(offering: Offering, revised: Offering) -> bool:
    return bool(revised.status == OfferingStatus.REVIEW != offering.status)


@seller_required
def detail(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Show an offering with its week."""
    return _show(request, _mine(request, offering_id), _no_closure())


def _no_closure() -> ClosureForm:
    return ClosureForm(initial={"capacity": 0})


def _show(
    request: PortalRequest,
    offering: Offering,
    form: ClosureForm,
    line_form: LineForm | None = None,
    floor_form: FloorForm | None = None,
) -> HttpResponse:
    floor = {"floor": offering.floor_micro, "reclaim_minutes": offering.reclaim_minutes or 60}
    context = {
        "offering": offering,
        "week": calendars.week(offering, at=clock.now()),
        "hours": range(24),
        "plans": plans.of_offering(offering, clock.now()),
        "form": form,
        "edits": offering.calendar_edits.not_over(clock.now())[:MOST_EDITS],
        "lines": offering.extra_lines.order_by("pk"),
        "line_form": line_form or LineForm(),
        "floor_form": floor_form or FloorForm(initial=floor),
        "verbs": VERBS[OfferingStatus(offering.status)],
    }
    return render(request, "portal/seller/offering.html", context)


@require_POST
@seller_trader_required
def set_floor(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Set the floor at which interruptible orders get what no firm order wants, or sell nothing so."""
    offering, form = _mine(request, offering_id), FloorForm(request.POST)
    if not form.is_valid():
        return _show(request, offering, _no_closure(), floor_form=form)
    floor, actor, at = form.cleaned_data["floor"], access.actor(request), clock.now()
    try:
        if floor is None:
            floors.withdraw(offering=offering, actor=actor, at=at)
        else:
            minutes = form.cleaned_data["reclaim_minutes"]
            floors.offer(offering=offering, floor_micro=floor, reclaim_minutes=minutes, actor=actor, at=at)
    except DomainError as error:
        show_refusal(form, error, {"floor_micro": "floor"})
        return _show(request, offering, _no_closure(), floor_form=form)
    messages.success(request, _("Changed."))
    return redirect("portal:offering-mine", offering.pk)


@require_POST
@seller_trader_required
def move(request: PortalRequest, offering_id: UUID, verb: str) -> HttpResponse:
    """Submit, withdraw, pause, resume or archive an offering."""
    if verb not in MOVES:
        raise Http404
    offering = _mine(request, offering_id)
    try:
        MOVES[verb](offering=offering, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("portal:offering-mine", offering.pk)


@require_POST
@seller_trader_required
def close_hours(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Take hours off the calendar, or give them back."""
    offering = _mine(request, offering_id)
    form = ClosureForm(request.POST)
    if not form.is_valid():
        return _show(request, offering, form)
    period = Period(form.cleaned_data["starts_at"], form.cleaned_data["ends_at"])
    terms = {name: form.cleaned_data[name] for name in ("capacity", "reason")}
    try:
        offerings.close_hours(offering=offering, period=period, actor=access.actor(request), at=clock.now(), **terms)
    except DomainError as error:
        show_refusal(form, error)
        return _show(request, offering, form)
    messages.success(request, _("The calendar has been changed."))
    return redirect("portal:offering-mine", offering.pk)


@require_POST
@seller_trader_required
def add_line(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Show a line beside the price."""
    offering = _mine(request, offering_id)
    form = LineForm(request.POST)
    closure = _no_closure()
    if not form.is_valid():
        return _show(request, offering, closure, form)
    terms = {name: form.cleaned_data[name] for name in ("kind", "name", "unit")}
    price_micro = form.cleaned_data["price"]
    try:
        listings.add_line(
            offering=offering, price_micro=price_micro, actor=access.actor(request), at=clock.now(), **terms
        )
    except DomainError as error:
        show_refusal(form, error, FIELD_OF)
        return _show(request, offering, closure, form)
    return redirect("portal:offering-mine", offering.pk)


@require_POST
@seller_trader_required
def remove_line(request: PortalRequest, offering_id: UUID, line_id: int) -> HttpResponse:
    """Show a line no more."""
    offering = _mine(request, offering_id)
    listings.remove_line(offering=offering, line_id=line_id, actor=access.actor(request), at=clock.now())
    return redirect("portal:offering-mine", offering.pk)
