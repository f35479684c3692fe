"""Quotes that hold their cards: look at one, accept it, give it back."""

from datetime import datetime
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from accounts.models import Organization
from billing.models import ApprovalRequest
from billing.services import asking, held_quotes
from billing.services.held_quotes import Chosen
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from market.models import Quote
from market.services import quotes
from portal import access
from portal.access import PortalRequest, buyer_required, buyer_trader_required
from portal.buyer import lines, waiting
from portal.buyer.grant_choice import grant_choice, offer_grants
from portal.forms import ConsoleForm


class AcceptForm(ConsoleForm):
    """With which voucher a quote is accepted."""

    grant = grant_choice()

    def __init__(self, *args: Any, buyer: Organization, at: datetime, quote: Quote, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines.offer_lines(self, offering_id=quote.offering_id)
        offer_grants(self, buyer=buyer, at=at)


def _mine(request: PortalRequest, quote_id: UUID) -> Quote:
    rows = Quote.objects.of_buyer(request.organization)
    return get_object_or_404(
        rows.select_related("offering__accelerator", "offering__provider", "offering__site", "match"), pk=quote_id
    )


@buyer_required
def detail(request: PortalRequest, quote_id: UUID) -> HttpResponse:
    """Show what is held, at what price and until when."""
    quote, at = _mine(request, quote_id), clock.now()
    return _show(request, quote, AcceptForm(buyer=request.organization, at=at, quote=quote), at=at)


def _show(request: PortalRequest, quote: Quote, form: AcceptForm, *, at: datetime) -> HttpResponse:
    context = {
        "quote": quote,
        "form": form,
        "stands": quote.stands(at),
        "total_fen": held_quotes.total_fen(quote),
        "order_id": quote.match.order_id if hasattr(quote, "match") else None,
    }
    return render(request, "portal/buyer/quote.html", context)


@require_POST
@buyer_trader_required
def accept(request: PortalRequest, quote_id: UUID) -> HttpResponse:
    """Turn a quote into an order."""
    quote, buyer, at = _mine(request, quote_id), request.organization, clock.now()
    form = AcceptForm(request.POST, buyer=buyer, at=at, quote=quote)
    if not form.is_valid():
        return _show(request, quote, form, at=at)
    chosen, actor = Chosen(form.cleaned_data["grant"], lines.taken(form)), access.actor(request)
    try:
        order = asking.accept(quote_id=quote.pk, buyer=buyer, chosen=chosen, actor=actor, at=at)
    except DomainError as error:
        show_refusal(form, error)
        return _show(request, quote, form, at=at)
    if isinstance(order, ApprovalRequest):
        return waiting.shown(request, order)
    messages.success(request, _("Accepted: the cards are reserved and the money is set aside."))
    return redirect("portal:order", order.pk)


@require_POST
@buyer_trader_required
def withdraw(request: PortalRequest, quote_id: UUID) -> HttpResponse:
    """Give the cards back before the quote expires."""
    quote, actor = _mine(request, quote_id), access.actor(request)
    try:
        quotes.withdraw(quote_id=quote.pk, buyer=request.organization, actor=actor, at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    else:
        messages.success(request, _("The cards are given back."))
    return redirect("portal:quote", quote.pk)
