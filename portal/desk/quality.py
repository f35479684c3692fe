"""The operator's desk for the quality of service: downtimes that are contested, and reviews."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _

from market.models import Downtime, DowntimeStatus, Review
from market.services import downtimes, reviews
from portal import paging, reservations
from portal.access import PortalRequest, operator_required, operator_trader_required
from portal.desk import queues
from portal.desk.queues import NOTHING_TYPED, Typed
from portal.forms import ConsoleForm, FilterForm
from portal.reservations import Again, Verb


class DowntimeFilter(FilterForm):
    """Which downtimes to show."""

    status = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("Any")), *DowntimeStatus.choices])


class DecideForm(ConsoleForm):
    """Why."""

    decision = forms.CharField(label=_("Why"), max_length=500)


class HideForm(ConsoleForm):
    """Why a review is hidden."""

    reason = forms.CharField(label=_("Why"), max_length=300)


DECISIONS = {
    "uphold": Verb(DecideForm, partial(downtimes.decide, upheld=True), "decide"),
    "dismiss": Verb(DecideForm, partial(downtimes.decide, upheld=False), "decide"),
}
HIDING = {"hide": Verb(HideForm, reviews.hide, "hide")}


@operator_required
def downtimes_index(request: PortalRequest) -> HttpResponse:
    """List the downtimes, those to be decided unless asked otherwise."""
    return _downtimes(request, NOTHING_TYPED)


def _downtimes(request: PortalRequest, typed: Typed) -> HttpResponse:
    form = DowntimeFilter(request.GET if "status" in request.GET else {"status": DowntimeStatus.CONTESTED})
    rows = Downtime.objects.filter(**form.chosen())
    rows = rows.select_related("reservation__provider", "reservation__order__buyer", "decided_by")
    page = paging.page(request, rows, ordering=("-reported_at", "-pk"))
    context = {"form": form, "page": page, "query": request.GET.urlencode(), "typed": typed}
    return render(request, "portal/desk/downtimes.html", context)


@operator_trader_required
@queues.sent_from("portal:downtimes")
def decide(request: PortalRequest, downtime_id: UUID, verb: str) -> HttpResponse:
    """Decide who is right."""
    downtime = get_object_or_404(
        Downtime.objects.select_related("reservation__provider", "reservation__order__buyer"), pk=downtime_id
    )
    again = _again(request, _downtimes, downtime.pk, verb)
    return reservations.act(request, DECISIONS, verb, {"downtime": downtime}, "portal:downtimes", None, again)


@operator_required
def reviews_index(request: PortalRequest) -> HttpResponse:
    """List the reviews, the latest first."""
    return _reviews(request, NOTHING_TYPED)


def _reviews(request: PortalRequest, typed: Typed) -> HttpResponse:
    rows = Review.objects.select_related("offering", "provider", "author")
    page = paging.page(request, rows, ordering=("-written_at", "-pk"))
    context = {"page": page, "query": request.GET.urlencode(), "typed": typed}
    return render(request, "portal/desk/reviews.html", context)


@operator_trader_required
@queues.sent_from("portal:reviews")
def hide(request: PortalRequest, review_id: UUID, verb: str) -> HttpResponse:
    """Hide a review, with a reason."""
    review = get_object_or_404(Review.objects.select_related("provider", "author"), pk=review_id)
    again = _again(request, _reviews, review.pk, verb)
    return reservations.act(request, HIDING, verb, {"review": review}, "portal:reviews", None, again)


def _again(request: PortalRequest, page: Callable[..., HttpResponse], on: UUID, verb: str) -> Again:
    """Return what shows a list again with what was typed in the form of one row, and why that was refused."""

    def shown(forms_of: dict[str, Any]) -> HttpResponse:
        (form,) = forms_of.values()
        error = " ".join(str(one) for errors in form.errors.values() for one in errors)
        messages.error(request, error)
        return page(request, Typed(on, verb, request.POST, error))

    return shown
