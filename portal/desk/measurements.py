"""Measurements of providers that wait to be accepted."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext as _

from core import clock
from core.errors import DomainError
from market.models import Measurement
from market.services import measurements
from portal import access, paging
from portal.access import PortalRequest, operator_required, operator_reviewer_required
from portal.desk import queues
from portal.desk.queues import NOTHING_TYPED, Typed
from portal.forms import ConsoleForm, require_valid


class ReasonForm(ConsoleForm):
    """Why a measurement is turned down."""

    reason = forms.CharField(max_length=500, required=False)


@operator_required
def index(request: PortalRequest) -> HttpResponse:
    """List the measurements, the latest first."""
    return _listed(request, NOTHING_TYPED)


def _listed(request: PortalRequest, typed: Typed) -> HttpResponse:
    rows = Measurement.objects.select_related("provider", "accelerator", "submitted_by", "decided_by")
    context = {"page": paging.page(request, rows), "query": request.GET.urlencode(), "typed": typed}
    return render(request, "portal/desk/measurements.html", context)


@operator_reviewer_required
@queues.sent_from("portal:measurements-desk")
def decide(request: PortalRequest, measurement_id: UUID, verb: str) -> HttpResponse:
    """Accept a measurement or turn it down."""
    measurement = get_object_or_404(Measurement, pk=measurement_id)
    who: dict[str, Any] = {"measurement": measurement, "actor": access.actor(request), "at": clock.now()}
    try:
        if verb == "accept":
            measurements.accept(**who)
        elif verb == "reject":
            form = ReasonForm(request.POST)
            require_valid(form)
            measurements.reject(reason=form.cleaned_data["reason"], **who)
        else:
            raise Http404
    except DomainError as error:
        messages.error(request, str(error.detail))
        return _listed(request, Typed(measurement.pk, verb, request.POST, str(error.detail)))
    messages.success(request, _("Noted."))
    return queues.back(request, "portal:measurements-desk")
