"""The operator's desk for the quality of service: downtimes that are contested, and reviews."""

from functools import partial
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from market.models import Downtime, DowntimeStatus, Review
from market.services import downtimes, reviews
from portal import paging, reservations
from portal.access import PortalRequest, operator_required, operator_trader_required
from portal.forms import ConsoleForm, FilterForm
from portal.reservations import Verb


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
    "uphold": Verb(DecideForm, partial(downtimes.decide, upheld=True)),
    "dismiss": Verb(DecideForm, partial(downtimes.decide, upheld=False)),
}
HIDING = {"hide": Verb(HideForm, reviews.hide)}


@operator_required
def downtimes_index(request: PortalRequest) -> HttpResponse:
    """List the downtimes, those to be decided unless asked otherwise."""
    form = DowntimeFilter(request.GET if "status" in request.GET else {"status": DowntimeStatus.CONTESTED})
    rows = Downtime.objects.filter(**form.chosen())
    rows = rows.select_related("reservation__provider", "reservation__order__buyer", "decided_by")
    page = paging.page(request, rows, ordering=("-reported_at", "-pk"))
    context = {"form": form, "page": page}
    return render(request, "portal/desk/downtimes.html", context)


@require_POST
@operator_trader_required
def decide(request: PortalRequest, downtime_id: UUID, verb: str) -> HttpResponse:
    """Decide who is right."""
    downtime = get_object_or_404(
        Downtime.objects.select_related("reservation__provider", "reservation__order__buyer"), pk=downtime_id
    )
    return reservations.act(request, DECISIONS, verb, {"downtime": downtime}, "portal:downtimes", None)


@operator_required
def reviews_index(request: PortalRequest) -> HttpResponse:
    """List the reviews, the latest first."""
    rows = Review.objects.select_related("offering", "provider", "author")
    context = {"page": paging.page(request, rows, ordering=("-written_at", "-pk"))}
    return render(request, "portal/desk/reviews.html", context)


@require_POST
@operator_trader_required
def hide(request: PortalRequest, review_id: UUID, verb: str) -> HttpResponse:
    """Hide a review, with a reason."""
    review = get_object_or_404(Review.objects.select_related("provider", "author"), pk=review_id)
    return reservations.act(request, HIDING, verb, {"review": review}, "portal:reviews", None)
