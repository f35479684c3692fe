"""Offerings that wait for review, and what an operator decides about them."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from market.models import Offering, OfferingStatus
from market.selectors import measures
from market.services import vetting
from portal import access, paging, plans
from portal.access import PortalRequest, operator_required, operator_reviewer_required
from portal.forms import ConsoleForm, FilterForm

VERBS = {"approve": vetting.approve, "reject": vetting.reject}
LOOKED_AT = ("approve",)
"""What is done to an offering as it was shown, and to no other."""


class ListingFilter(FilterForm):
    """Which of the offerings to show; those in review unless asked otherwise."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("In review")), *OfferingStatus.choices]
    )
    name = forms.CharField(label=gettext_lazy("Name"), required=False, max_length=120)


class NoteForm(ConsoleForm):
    """What the operator says to the provider."""

    note = forms.CharField(
        label=gettext_lazy("Note to the provider"),
        required=False,
        max_length=500,
        help_text=gettext_lazy("A rejection has to say why."),
    )


@operator_required
def index(request: PortalRequest) -> HttpResponse:
    """List the offerings in review, the latest first."""
    form = ListingFilter(request.GET)
    chosen = form.chosen()
    rows = (
        Offering.objects.with_place()
        .select_related("submitted_by")
        .filter(status=chosen.get("status", OfferingStatus.REVIEW))
    )
    if "name" in chosen:
        rows = rows.filter(name__icontains=chosen["name"])
    return render(request, "portal/desk/listings.html", {"form": form, "page": paging.page(request, rows)})


@operator_required
def detail(request: PortalRequest, offering_id: UUID) -> HttpResponseBase:
    """Show an offering as a buyer would see it, and take the decision."""
    rows = measures.with_measures(Offering.objects.with_place()).select_related("submitted_by", "reviewed_by")
    offering = get_object_or_404(rows, pk=offering_id)
    if request.method == "POST":
        return _decide(request, offering)
    return _show(request, offering, NoteForm())


def _show(request: PortalRequest, offering: Offering, form: NoteForm) -> HttpResponse:
    context = {
        "offering": offering,
        "form": form,
        "lines": offering.extra_lines.order_by("pk"),
        "plans": plans.of_offering(offering, clock.now()),
        "seen": vetting.standing(offering),
        "in_review": offering.status == OfferingStatus.REVIEW,
    }
    return render(request, "portal/desk/listing.html", context)


@operator_reviewer_required
def _decide(request: PortalRequest, offering: Offering) -> HttpResponse:
    form = NoteForm(request.POST)
    verb = request.POST.get("verb", "")
    if verb not in VERBS:
        raise Http404
    if not form.is_valid():
        return _show(request, offering, form)
    who: dict[str, Any] = {"offering": offering, "actor": access.actor(request), "at": clock.now()}
    if verb in LOOKED_AT:
        who["seen"] = request.POST.get("seen", "")
    try:
        VERBS[verb](note=form.cleaned_data["note"], **who)
    except DomainError as error:
        show_refusal(form, error)
        return _show(request, offering, form)
    messages.success(request, _("Noted."))
    return redirect("portal:listings")
