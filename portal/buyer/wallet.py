"""The wallet: what is in it, what moved, and how money comes in."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _

from billing import selectors
from billing.gateways import bank_transfer
from billing.gateways.ports import Intent
from billing.models import TopUp, TopUpMethod, TopUpStatus
from billing.services import stripe_payments, top_ups
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from portal import access, paging
from portal.access import PortalRequest, buyer_finance_required, buyer_required
from portal.fields import YuanField
from portal.forms import ConsoleForm

RECENT = 5
FIELD_OF = {"amount_fen": "amount"}


class TopUpForm(ConsoleForm):
    """How much, and by which way; payment apps are offered where Stripe is set up."""

    amount = YuanField(label=_("Amount (¥)"))
    method = forms.ChoiceField(label=_("Pay by"), widget=forms.RadioSelect)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = list(TopUpMethod) if settings.STRIPE_SECRET_KEY else [TopUpMethod.BANK_TRANSFER]
        self.fields["method"].choices = [(one.value, one.label) for one in offered]


@buyer_required
def index(request: PortalRequest) -> HttpResponse:
    """Show the wallet's balance, its latest top-ups and its statement."""
    organization = request.organization
    context = {
        "wallet": selectors.wallet(organization),
        "top_ups": TopUp.objects.of_organization(organization).order_by("-pk")[:RECENT],
        "page": paging.page(request, selectors.wallet_statement(organization), ordering=("-transfer_id",)),
    }
    return render(request, "portal/buyer/wallet.html", context)


@buyer_finance_required
def top_up_new(request: PortalRequest) -> HttpResponse:
    """Start a top-up."""
    sent = request.POST if request.method == "POST" else None
    wished = {"amount": request.GET.get("amount", "")[:20], "method": TopUpMethod.BANK_TRANSFER}
    form = TopUpForm(sent, initial=wished)
    if sent is not None and form.is_valid():
        try:
            top_up = _start(request, form.cleaned_data)
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
        else:
            return redirect("portal:top-up", top_up.pk)
    return render(request, "portal/buyer/top_up_new.html", {"form": form})


def _start(request: PortalRequest, wanted: dict[str, Any]) -> TopUp:
    terms: dict[str, Any] = {
        "organization": request.organization,
        "method": wanted["method"],
        "amount_fen": wanted["amount"],
        "actor": access.actor(request),
        "at": clock.now(),
    }
    if wanted["method"] == TopUpMethod.BANK_TRANSFER:
        return top_ups.create(**terms)
    return stripe_payments.start(gateway=stripe_payments.gateway_in_use(), **terms)


@buyer_required
def top_up(request: PortalRequest, top_up_id: UUID) -> HttpResponse:
    """Show a top-up and how to pay it."""
    found = get_object_or_404(TopUp.objects.of_organization(request.organization), pk=top_up_id)
    context = {
        "top_up": found,
        "waiting": found.status in (TopUpStatus.CREATED, TopUpStatus.PENDING),
        "reference": bank_transfer.grouped(found.bank_reference) if found.bank_reference else "",
        "intent": None if request.htmx else _intent(request, found),
    }
    return render(request, "portal/buyer/top_up.html", context)


def _intent(request: PortalRequest, found: TopUp) -> Intent | None:
    """Ask the gateway where to pay; when it cannot be reached the page still shows the top-up."""
    if not found.stripe_intent or found.status != TopUpStatus.PENDING:
        return None
    try:
        return stripe_payments.gateway_in_use().fetch(found.stripe_intent)
    except DomainError as error:
        messages.error(request, error.detail)
        return None
