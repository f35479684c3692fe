"""Objections from the public and appeals of applicants: each is answered, and the answer is kept."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from portal import access
from portal.access import PortalRequest, duty_required
from portal.desk import applications, cases
from portal.desk.claim_said import UNCHOSEN
from portal.desk.queues import Typed
from portal.forms import ConsoleForm, require_valid
from vouchers.models import Appeal, Objection
from vouchers.services.applications import deciding, publicity


class AnswerForm(ConsoleForm):
    """What is answered, and who is right."""

    answer = forms.CharField(max_length=1_000, required=False)
    upheld = forms.ChoiceField(
        choices=[("yes", ""), ("no", "")], error_messages=dict.fromkeys(("required", "invalid_choice"), UNCHOSEN)
    )


@duty_required(Duty.APPROVE)
def objection(request: PortalRequest, application_id: UUID, objection_id: UUID) -> HttpResponse:
    """Uphold or dismiss an objection."""
    rows = Objection.objects.filter(application__in=cases.visible(request), application=application_id)
    found = get_object_or_404(rows.select_related("application"), pk=objection_id)
    return _decided(request, found, partial(_objection_decided, found))


def _objection_decided(found: Objection, *, upheld: bool, **said: Any) -> None:
    service = publicity.uphold if upheld else publicity.dismiss
    service(objection=found, **said)


@duty_required(Duty.APPROVE)
def appeal(request: PortalRequest, application_id: UUID, appeal_id: UUID) -> HttpResponse:
    """Uphold or dismiss an appeal."""
    rows = Appeal.objects.filter(application__in=cases.visible(request), application=application_id)
    found = get_object_or_404(rows.select_related("application"), pk=appeal_id)
    return _decided(request, found, partial(deciding.decide_appeal, made=found))


def _decided(request: PortalRequest, found: Appeal | Objection, service: Callable[..., Any]) -> HttpResponse:
    """Answer, and go back to the case; where that is refused the case is there again, with what was typed."""
    back = f"{reverse('portal:application-desk', args=[found.application_id])}?{request.GET.urlencode()}"
    if request.method != "POST":
        return redirect(back)
    form = AnswerForm(request.POST)
    try:
        require_valid(form)
        said = {"answer": form.cleaned_data["answer"], "upheld": form.cleaned_data["upheld"] == "yes"}
        service(**said, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
        typed = Typed(found.pk, said=request.POST, error=str(error.detail))
        return applications.shown(request, found.application_id, typed)
    messages.success(request, _("Noted."))
    return redirect(back)
