"""Objections from the public and appeals of applicants: each is answered, and the answer is kept."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from portal import access
from portal.access import PortalRequest, duty_required
from portal.desk import cases
from portal.forms import typed
from vouchers.models import Appeal, Objection
from vouchers.services.applications import deciding, publicity

MOST_TEXT = 5_000


@require_POST
@duty_required(Duty.APPROVE)
def objection(request: PortalRequest, application_id: UUID, objection_id: UUID) -> HttpResponse:
    """Uphold or dismiss an objection."""
    rows = Objection.objects.filter(application__in=cases.visible(request), application=application_id)
    found = get_object_or_404(rows.select_related("application"), pk=objection_id)
    service = publicity.uphold if request.POST.get("upheld") == "yes" else publicity.dismiss
    return _decided(request, application_id, service, objection=found)


@require_POST
@duty_required(Duty.APPROVE)
def appeal(request: PortalRequest, application_id: UUID, appeal_id: UUID) -> HttpResponse:
    """Uphold or dismiss an appeal."""
    rows = Appeal.objects.filter(application__in=cases.visible(request), application=application_id)
    found = get_object_or_404(rows.select_related("application"), pk=appeal_id)
    upheld = request.POST.get("upheld") == "yes"
    return _decided(request, application_id, deciding.decide_appeal, made=found, upheld=upheld)


def _decided(request: PortalRequest, application_id: UUID, service: Callable[..., Any], **terms: Any) -> HttpResponse:
    try:
        service(answer=typed(request, "answer", most=MOST_TEXT), actor=access.actor(request), at=clock.now(), **terms)
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("Noted."))
    query = QueryDict(request.GET.urlencode()).urlencode()
    return redirect(f"{reverse('portal:application-desk', args=[application_id])}?{query}")
