"""Measurements of providers that wait to be accepted."""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from core import clock
from core.errors import DomainError
from market.models import Measurement
from market.services import measurements
from portal import access, paging
from portal.access import PortalRequest, operator_required, operator_reviewer_required
from portal.forms import typed


@operator_required
def index(request: PortalRequest) -> HttpResponse:
    """List the measurements, the latest first."""
    rows = Measurement.objects.select_related("provider", "accelerator", "submitted_by", "decided_by")
    return render(request, "portal/desk/measurements.html", {"page": paging.page(request, rows)})


@require_POST
@operator_reviewer_required
def decide(request: PortalRequest, measurement_id: UUID, verb: str) -> HttpResponse:
    """Accept a measurement or turn it down."""
    measurement = get_object_or_404(Measurement, pk=measurement_id)
    who: dict[str, Any] = {"measurement": measurement, "actor": access.actor(request), "at": clock.now()}
    try:
        if verb == "accept":
            measurements.accept(**who)
        elif verb == "reject":
            measurements.reject(reason=typed(request, "reason"), **who)
        else:
            raise Http404
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:measurements-desk")
