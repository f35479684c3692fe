"""Orders that run, ran or will run on the provider's cards."""

from uuid import UUID

from django import forms
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _

from billing import selectors
from billing.models import Charge
from market.models import Reservation, ReservationStatus
from portal import explanations, paging
from portal.access import PortalRequest, seller_required
from portal.forms import FilterForm


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
    rows = Reservation.objects.of_provider(request.organization)
    rows = rows.select_related("order__buyer", "offering__site", "offering__accelerator", "match__batch")
    reservation = get_object_or_404(rows, pk=reservation_id)
    charges = Charge.objects.filter(reservation=reservation)
    context = {
        "reservation": reservation,
        "match_reason": explanations.match_reason(reservation.match.reason),
        "spent": selectors.spent(charges),
        "charges": paging.page(request, charges, ordering=("-hour", "-pk")),
    }
    return render(request, "portal/seller/reservation.html", context)
