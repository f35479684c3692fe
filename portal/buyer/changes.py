"""Extend or shorten a reservation: what it would cost is shown before it is done."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import Organization
from billing.models import ApprovalRequest
from billing.services import asking, early_ends, extending
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from market.models import Reservation
from portal import access, explanations
from portal.access import PortalRequest, buyer_trader_required
from portal.buyer import waiting
from portal.buyer.grant_choice import grant_choice, offer_grants
from portal.fields import PriceField
from portal.forms import ConsoleForm

FIELD_OF = {"most_micro": "limit"}
MOST = 10_000


class ExtendForm(ConsoleForm):
    """How many hours to add, and how they are paid."""

    hours = forms.IntegerField(label=gettext_lazy("Hours to add"), min_value=1, max_value=MOST)
    limit = PriceField(
        label=gettext_lazy("At most, per card-hour"),
        required=False,
        help_text=gettext_lazy("Left empty, no more than the price that you were shown."),
    )
    seen = forms.IntegerField(required=False, min_value=1, widget=forms.HiddenInput)
    grant = grant_choice()

    def __init__(self, *args: Any, buyer: Organization, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offer_grants(self, buyer=buyer, at=at)


class ShortenForm(ConsoleForm):
    """How many of the last hours to give back."""

    hours = forms.IntegerField(label=gettext_lazy("Hours to give back"), min_value=1, max_value=MOST)


class FewerForm(ConsoleForm):
    """How many cards to give back."""

    cards = forms.IntegerField(label=gettext_lazy("Cards to give back"), min_value=1, max_value=MOST)


def mine(request: PortalRequest, reservation_id: UUID) -> Reservation:
    """Return a reservation of the organisation in front of the page."""
    rows = Reservation.objects.of_buyer(request.organization)
    return get_object_or_404(
        rows.select_related("order__buyer", "provider", "offering__accelerator"), pk=reservation_id
    )


@buyer_trader_required
def extend(request: PortalRequest, reservation_id: UUID) -> HttpResponse:
    """Tell what more hours cost, or take them."""
    reservation, at = mine(request, reservation_id), clock.now()
    sent = request.POST if request.method == "POST" else None
    form = ExtendForm(sent, buyer=request.organization, at=at)
    quote = None
    if sent is not None and form.is_valid():
        try:
            if "quote" not in sent:
                return _extend(request, reservation, form, at=at)
            hours, grant = form.cleaned_data["hours"], form.cleaned_data["grant"]
            quote = extending.quote(reservation=reservation, hours=hours, grant=grant, at=at)
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
    context = {"reservation": reservation, "form": form, **_explained(quote)}
    return render(request, "portal/buyer/reservation_extend.html", context)


def _extend(request: PortalRequest, reservation: Reservation, form: ExtendForm, *, at: datetime) -> HttpResponse:
    done = asking.extend(
        reservation=reservation,
        hours=form.cleaned_data["hours"],
        grant=form.cleaned_data["grant"],
        most_micro=form.cleaned_data["limit"] or form.cleaned_data["seen"],
        actor=access.actor(request),
        at=at,
    )
    if isinstance(done, ApprovalRequest):
        return waiting.shown(request, done)
    messages.success(request, _("Extended: the cards are reserved and the money is set aside."))
    return redirect("portal:my-reservation", reservation.pk)


def _explained(quote: extending.ExtensionQuote | None) -> dict[str, Any]:
    if quote is None:
        return {"quote": None}
    voucher = quote.voucher_quote
    steps = explanations.voucher_steps(voucher.explanation()) if voucher else []
    short_fen = max(quote.wallet_fen + quote.lines_fen - quote.wallet_available_fen, 0)
    return {"quote": quote, "steps": steps, "short_fen": short_fen, "dearest_micro": max(quote.hourly_micro)}


@buyer_trader_required
def fewer(request: PortalRequest, reservation_id: UUID) -> HttpResponse:
    """Tell what giving cards back costs, or give them back."""
    reservation, at = mine(request, reservation_id), clock.now()
    sent = request.POST if request.method == "POST" else None
    form, told = FewerForm(sent), None
    if sent is not None and form.is_valid():
        cards = form.cleaned_data["cards"]
        try:
            if "quote" not in sent:
                early_ends.return_cards(reservation=reservation, cards=cards, actor=access.actor(request), at=at)
                messages.success(request, _("Given back: what the cards had set aside is free again."))
                return redirect("portal:my-reservation", reservation.pk)
            told = early_ends.returning(reservation=reservation, cards=cards, at=at)
        except DomainError as error:
            show_refusal(form, error, {})
    context = {"reservation": reservation, "form": form, "told": told}
    return render(request, "portal/buyer/reservation_fewer.html", context)


@buyer_trader_required
def shorten(request: PortalRequest, reservation_id: UUID) -> HttpResponse:
    """Tell what giving hours back costs, or give them back."""
    reservation, at = mine(request, reservation_id), clock.now()
    sent = request.POST if request.method == "POST" else None
    form, told = ShortenForm(sent), None
    if sent is not None and form.is_valid():
        hours = form.cleaned_data["hours"]
        try:
            if "quote" not in sent:
                actor = access.actor(request)
                early_ends.shorten(reservation=reservation, hours=hours, actor=actor, at=at)
                messages.success(request, _("Shortened: what the hours had set aside is free again."))
                return redirect("portal:my-reservation", reservation.pk)
            told = early_ends.shortening(reservation=reservation, hours=hours, at=at)
        except DomainError as error:
            show_refusal(form, error, {})
    return render(
        request, "portal/buyer/reservation_shorten.html", {"reservation": reservation, "form": form, "told": told}
    )
