"""Orders that run, ran or will run on the provider's cards."""

from functools import partial
from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from billing import selectors
from billing.models import Charge
from market.models import Downtime, Reservation, ReservationStatus, Review
from market.services import downtimes, lifecycle, reviews
from portal import explanations, paging, reservations
from portal.access import PortalRequest, seller_required, seller_trader_required
from portal.forms import ConsoleForm, FilterForm
from portal.reservations import AccessForm, AnswerForm, ContestForm, DowntimeForm, NoForm, StopForm, Verb

VERBS = {
    "claim": Verb(NoForm, lifecycle.claim),
    "access": Verb(AccessForm, lifecycle.report_access, "access"),
    "stop": Verb(StopForm, lifecycle.stop, "stop"),
    "downtime": Verb(DowntimeForm, downtimes.report, "downtime"),
}
ANSWERS = {"accept": Verb(NoForm, downtimes.accept), "contest": Verb(ContestForm, downtimes.contest)}
REVIEW = {"answer": Verb(AnswerForm, reviews.answer, "answer")}


class ReservationFilter(FilterForm):
    """Which of the reservations to show."""

    status = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("Any")), *ReservationStatus.choices])


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """List the reservations on the provider's cards, by start, the latest first."""
    form = ReservationFilter(request.GET)
    rows = Reservation.objects.of_provider(request.organization).filter(**form.chosen())
    page = paging.page(request, rows.select_related("order__buyer", "offering"), ordering=("-starts_at", "-pk"))
    return render(request, "portal/seller/reservations.html", {"form": form, "page": page})


@seller_required
def detail(request: PortalRequest, reservation_id: UUID) -> HttpResponse:
    """Show a reservation: for whom, on what, and what was used and charged."""
    return _page(request, reservation_id, {})


def _page(request: PortalRequest, reservation_id: UUID, refused: dict[str, ConsoleForm]) -> HttpResponse:
    rows = Reservation.objects.of_provider(request.organization)
    rows = rows.select_related("order__buyer", "offering__site", "offering__accelerator", "match__batch", "review")
    reservation = get_object_or_404(rows, pk=reservation_id)
    charges = Charge.objects.filter(reservation=reservation)
    context = {
        **reservations.shown(reservation),
        "access_form": AccessForm(auto_id="access_%s"),
        "stop_form": StopForm(auto_id="stop_%s"),
        "answer_form": AnswerForm(auto_id="answer_%s"),
        "match_reason": explanations.match_reason(reservation.match.reason),
        "spent": selectors.spent(charges),
        "charges": paging.page(request, charges, ordering=("-hour", "-pk")),
    }
    return render(request, "portal/seller/reservation.html", context | refused)


@require_POST
@seller_trader_required
def act(request: PortalRequest, reservation_id: UUID, verb: str) -> HttpResponse:
    """Do one of the provider's verbs."""
    reservation = get_object_or_404(Reservation.objects.of_provider(request.organization), pk=reservation_id)
    again = partial(_page, request, reservation_id)
    things = {"reservation": reservation}
    return reservations.act(request, VERBS, verb, things, "portal:reservation", reservation_id, again)


@require_POST
@seller_trader_required
def answer_downtime(request: PortalRequest, downtime_id: UUID, verb: str) -> HttpResponse:
    """Accept or contest what a buyer says."""
    rows = Downtime.objects.filter(reservation__provider=request.organization).select_related("reservation")
    downtime = get_object_or_404(rows, pk=downtime_id)
    back = downtime.reservation_id
    return reservations.act(request, ANSWERS, verb, {"downtime": downtime}, "portal:reservation", back)


@require_POST
@seller_trader_required
def answer_review(request: PortalRequest, review_id: UUID, verb: str) -> HttpResponse:
    """Answer a review."""
    review = get_object_or_404(Review, pk=review_id, provider=request.organization)
    again, back = partial(_page, request, review.reservation_id), review.reservation_id
    return reservations.act(request, REVIEW, verb, {"review": review}, "portal:reservation", back, again)
