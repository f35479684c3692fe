"""A buyer's reservation: how to get in, what happened, what could not be used, and what to say about it."""

from uuid import UUID

from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from billing.models import InstalmentPlan
from billing.services import early_ends, instalments
from core import clock
from core.errors import DomainError
from market.models import Reservation
from market.models.reservation import SERVED
from market.services import downtimes, lifecycle, reviews
from portal import access, reservations
from portal.access import PortalRequest, buyer_required, buyer_trader_required
from portal.forms import ConsoleForm
from portal.reservations import DisputeForm, DowntimeForm, NoForm, ReviewForm, Verb

VERBS = {
    "confirm": Verb(NoForm, lifecycle.confirm),
    "not-usable": Verb(DisputeForm, downtimes.dispute_access, "dispute"),
    "terminate": Verb(NoForm, early_ends.terminate),
    "downtime": Verb(DowntimeForm, downtimes.report, "downtime"),
    "review": Verb(ReviewForm, reviews.write, "review"),
}


def _mine(request: PortalRequest, reservation_id: UUID) -> Reservation:
    rows = Reservation.objects.of_buyer(request.organization)
    rows = rows.select_related("order", "provider", "offering__site", "offering__accelerator", "review")
    return get_object_or_404(rows, pk=reservation_id)


@buyer_required
def detail(request: PortalRequest, reservation_id: UUID) -> HttpResponse:
    """Show a reservation to its buyer."""
    return render(request, "portal/buyer/reservation.html", _context(_mine(request, reservation_id)))


def _context(reservation: Reservation) -> dict[str, object]:
    shown = reservations.shown(reservation)
    can_review = reservation.status in SERVED and shown["review"] is None
    forms: dict[str, object] = {
        "dispute_form": DisputeForm(auto_id="dispute_%s"),
        "review_form": ReviewForm(auto_id="review_%s") if can_review else None,
    }
    ending = None if reservation.is_over else early_ends.ending(reservation=reservation, at=clock.now())
    plan = InstalmentPlan.objects.filter(reservation=reservation).select_related("reservation").first()
    month = instalments.following(plan) if plan else None
    forms |= {"plan": plan, "month": month, "longer": reservation.extension_approvals.awaiting().first()}
    return {**shown, **forms, "handed_over": hasattr(reservation, "access"), "ending": ending}


@require_POST
@buyer_trader_required
def act(request: PortalRequest, reservation_id: UUID, verb: str) -> HttpResponse:
    """Do one of the buyer's verbs."""
    things = {"reservation": _mine(request, reservation_id)}

    def again(refused: dict[str, ConsoleForm]) -> HttpResponse:
        return render(request, "portal/buyer/reservation.html", _context(_mine(request, reservation_id)) | refused)

    return reservations.act(request, VERBS, verb, things, "portal:my-reservation", reservation_id, again)


@require_POST
@never_cache
@buyer_trader_required
def show_access(request: PortalRequest, reservation_id: UUID) -> HttpResponse:
    """Show how to get in; that it was shown is noted."""
    reservation = _mine(request, reservation_id)
    context = _context(reservation)
    try:
        at = clock.now()
        context["details"] = lifecycle.show_access(reservation=reservation, actor=access.actor(request), at=at)
    except DomainError as error:
        context["refusal"] = str(error.detail)
    return render(request, "portal/buyer/reservation.html", context)
