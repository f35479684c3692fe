"""The standing instruction of a reservation: give it, see what it did and why it stopped, end it."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from billing.models import AutoExtension, AutoExtensionStatus
from billing.models.auto_extension import MOST_LEAD_HOURS, MOST_STEP_HOURS
from billing.services import auto_extensions
from billing.services.auto_extensions import Instruction
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from market.models import Reservation
from portal import access
from portal.access import PortalRequest, buyer_trader_required
from portal.buyer.changes import mine
from portal.buyer.grant_choice import grant_choice, offer_grants
from portal.fields import HourField, PriceField, YuanField
from portal.forms import ConsoleForm

FIELD_OF = {"budget_fen": "budget", "limit_micro": "limit"}


class InstructForm(ConsoleForm):
    """At most for how much, at which price and until when; how much at a time, and how early."""

    budget = YuanField(label=gettext_lazy("Budget in all (yuan)"))
    limit = PriceField(label=gettext_lazy("At most, per card-hour"))
    until = HourField(label=gettext_lazy("At most until"))
    step_hours = forms.IntegerField(
        label=gettext_lazy("Hours at a time"), min_value=1, max_value=MOST_STEP_HOURS, initial=24
    )
    lead_hours = forms.IntegerField(
        label=gettext_lazy("Hours before the end"), min_value=1, max_value=MOST_LEAD_HOURS, initial=2
    )
    grant = grant_choice()

    def __init__(self, *args: Any, buyer: Organization, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_grants(self, buyer=buyer, at=at)

    def instruction(self) -> Instruction:
        """Return what the service takes."""
        given = self.cleaned_data
        return Instruction(
            budget_fen=given["budget"],
            limit_micro=given["limit"],
            until=given["until"],
            step_hours=given["step_hours"],
            lead_hours=given["lead_hours"],
            grant=given["grant"],
        )


@buyer_trader_required
def show(request: PortalRequest, reservation_id: UUID) -> HttpResponse:
    """Show the instruction of a reservation, or take one."""
    reservation, at = mine(request, reservation_id), clock.now()
    sent = request.POST if request.method == "POST" else None
    form = InstructForm(sent, buyer=request.organization, at=at)
    if sent is not None:
        try:
            if "revoke" in sent:
                return _revoke(request, reservation, at=at)
            if form.is_valid():
                return _instruct(request, reservation, form.instruction(), at=at)
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
    latest = AutoExtension.objects.filter(reservation=reservation).order_by("-pk").first()
    context = {
        "reservation": reservation,
        "instruction": latest,
        "steps": latest.steps.select_related("supplement").order_by("-number")[:50] if latest else [],
        "active": latest is not None and latest.status == AutoExtensionStatus.ACTIVE,
        "form": form,
    }
    return render(request, "portal/buyer/auto_extension.html", context)


def _instruct(
    request: PortalRequest, reservation: Reservation, instruction: Instruction, *, at: datetime
) -> HttpResponse:
    auto_extensions.instruct(reservation=reservation, instruction=instruction, actor=access.actor(request), at=at)
    messages.success(request, _("It is extended automatically from now on."))
    return redirect("portal:auto-extension", reservation.pk)


def _revoke(request: PortalRequest, reservation: Reservation, *, at: datetime) -> HttpResponse:
    auto_extensions.revoke(reservation=reservation, actor=access.actor(request), at=at)
    messages.success(request, _("It is no longer extended automatically."))
    return redirect("portal:auto-extension", reservation.pk)
