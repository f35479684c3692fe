"""List cards for sale: draft, list, pause, archive, close hours."""

from collections.abc import Callable
from functools import partial
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import Organization
from core import clock
from core.errors import DomainError
from core.periods import HOUR, Period, hour_of
from market.models import Accelerator, Category, Handover, Offering, OfferingStatus, Site
from market.services import offerings
from portal import access, calendars, paging, plans
from portal.access import PortalRequest, seller_required, seller_trader_required
from portal.fields import HourField, PriceField
from portal.forms import ConsoleForm, FilterForm, show_refusal

MOST = 1_000_000
FIELD_OF = {"price_micro": "price"}
MOVES: dict[str, Callable[..., Any]] = {
    "list": offerings.list_for_sale,
    "pause": offerings.pause,
    "archive": offerings.archive,
    "handover-reported": partial(offerings.set_handover, handover=Handover.REPORTED),
    "handover-clock": partial(offerings.set_handover, handover=Handover.CLOCK),
}


class OfferingFilter(FilterForm):
    """Which of the offerings to show."""

    status = forms.ChoiceField(
        label=gettext_lazy("State"), required=False, choices=[("", gettext_lazy("Any")), *OfferingStatus.choices]
    )


class OfferingForm(ConsoleForm):
    """A pool of identical cards at one of the provider's sites, at a flat price."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120)
    site = forms.ModelChoiceField(Site.objects.none(), label=gettext_lazy("Site"))
    accelerator = forms.ModelChoiceField(Accelerator.objects.none(), label=gettext_lazy("Model"))
    category = forms.ChoiceField(label=gettext_lazy("Category"), choices=Category.choices)
    count = forms.IntegerField(label=gettext_lazy("Cards"), min_value=1, max_value=MOST)
    price = PriceField(label=gettext_lazy("Price (¥ per card-hour)"))
    opens_at = HourField(label=gettext_lazy("Opens"), help_text=gettext_lazy("Shanghai time, full hours."))
    closes_at = HourField(
        label=gettext_lazy("Closes"), required=False, help_text=gettext_lazy("Leave empty to stay open.")
    )

    def __init__(self, *args: Any, provider: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = Site.objects.filter(provider=provider).order_by("name")
        self.fields["accelerator"].queryset = Accelerator.objects.order_by("vendor", "name")


class ClosureForm(ConsoleForm):
    """Which hours to close, and how many cards stay."""

    starts_at = HourField(label=gettext_lazy("From"))
    ends_at = HourField(label=gettext_lazy("Until"))
    capacity = forms.IntegerField(
        label=gettext_lazy("Cards that stay on sale"), min_value=0, max_value=MOST, help_text=gettext_lazy("0 closes.")
    )

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("starts_at") and given.get("ends_at") and given["starts_at"] >= given["ends_at"]:
            self.add_error("ends_at", gettext_lazy("Not after the beginning."))
        return given


def _mine(request: PortalRequest, offering_id: UUID) -> Offering:
    return get_object_or_404(Offering.objects.of_provider(request.organization).with_place(), pk=offering_id)


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """List the provider's offerings, the newest first."""
    form = OfferingFilter(request.GET)
    rows = Offering.objects.of_provider(request.organization).with_place().filter(**form.chosen())
    return render(request, "portal/seller/offerings.html", {"form": form, "page": paging.page(request, rows)})


@seller_trader_required
def new(request: PortalRequest) -> HttpResponse:
    """Draft an offering."""
    at = clock.now()
    sent = request.POST if request.method == "POST" else None
    form = OfferingForm(sent, provider=request.organization, initial={"opens_at": hour_of(at) + HOUR})
    if sent is not None and form.is_valid():
        try:
            drafted = _draft(request, form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
        else:
            messages.success(request, _("The offering is drafted. List it to put it on sale."))
            return redirect("portal:offering-mine", drafted.pk)
    return render(request, "portal/seller/offering_new.html", {"form": form})


def _draft(request: PortalRequest, terms: dict[str, Any]) -> Offering:
    price_micro = terms.pop("price")
    return offerings.draft(
        provider=request.organization,
        price_micro=price_micro,
        actor=access.actor(request),
        at=clock.now(),
        **terms,
    )


@seller_required
def detail(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Show an offering with its week."""
    return _show(request, _mine(request, offering_id), ClosureForm(initial={"capacity": 0}))


def _show(request: PortalRequest, offering: Offering, form: ClosureForm) -> HttpResponse:
    context = {
        "offering": offering,
        "week": calendars.week(offering, at=clock.now()),
        "hours": range(24),
        "plans": plans.of_offering(offering, clock.now()),
        "form": form,
        "moves": Offering.MOVES[OfferingStatus(offering.status)],
    }
    return render(request, "portal/seller/offering.html", context)


@require_POST
@seller_trader_required
def move(request: PortalRequest, offering_id: UUID, verb: str) -> HttpResponse:
    """List, pause or archive an offering."""
    if verb not in MOVES:
        raise Http404
    offering = _mine(request, offering_id)
    try:
        MOVES[verb](offering=offering, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("portal:offering-mine", offering.pk)


@require_POST
@seller_trader_required
def close_hours(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Take hours off the calendar, or give them back."""
    offering = _mine(request, offering_id)
    form = ClosureForm(request.POST)
    if not form.is_valid():
        return _show(request, offering, form)
    period = Period(form.cleaned_data["starts_at"], form.cleaned_data["ends_at"])
    capacity = form.cleaned_data["capacity"]
    try:
        offerings.close_hours(
            offering=offering, period=period, capacity=capacity, actor=access.actor(request), at=clock.now()
        )
    except DomainError as error:
        show_refusal(form, error)
        return _show(request, offering, form)
    messages.success(request, _("The calendar has been changed."))
    return redirect("portal:offering-mine", offering.pk)
