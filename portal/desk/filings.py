"""Prices that providers filed: entered on the page of their listing by one person, decided on by another."""

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.duties import Duty
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access
from portal.access import PortalRequest, duty_required
from portal.desk import registry
from portal.desk.registry_forms import FilingForm
from vouchers.models import PriceFiling
from vouchers.services import price_filings

VERBS: dict[str, Callable[..., Any]] = {"approve": price_filings.approve, "reject": price_filings.reject}


@duty_required(Duty.PROPOSE, Duty.LIST_PROVIDERS)
def file(request: PortalRequest, listing_id: UUID) -> HttpResponse:
    """Enter the price that a provider filed for what it is listed for."""
    listing = get_object_or_404(registry.visible(request), pk=listing_id)
    if request.method != "POST":
        return redirect("portal:registry-listing", listing.pk)
    form = FilingForm(request.POST)
    if form.is_valid():
        said = {"price_micro": form.cleaned_data["price"], "first_on": form.cleaned_data["first_on"]}
        try:
            price_filings.file(listing=listing, actor=access.actor(request), at=clock.now(), **said)
        except DomainError as error:
            show_refusal(form, error, {"price_micro": "price"})
        else:
            messages.success(request, _("Entered. Another person has to approve it."))
            return redirect("portal:registry-listing", listing.pk)
    return registry.shown(request, listing, form)


@require_POST
@duty_required(Duty.LIST_PROVIDERS)
def act(request: PortalRequest, filing_id: int, verb: str) -> HttpResponse:
    """Approve a filed price, or turn it down."""
    filing = get_object_or_404(PriceFiling.objects.filter(listing__in=registry.visible(request)), pk=filing_id)
    if verb not in VERBS:
        raise Http404
    try:
        VERBS[verb](filing=filing, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, str(error.detail))
    else:
        messages.success(request, _("Noted."))
    return redirect("portal:registry-listing", filing.listing_id)
