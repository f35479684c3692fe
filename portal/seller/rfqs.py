"""Requests that a provider may bid on: ask, seal a bid, replace it, take it back; and what became of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from accounts.models import Organization
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.periods import hour_of
from core.prefetching import in_order
from market.models import Bid, Offering, OfferingStatus, Rfq, RfqStatus, UnreadableBid
from market.services import bids, rfqs
from market.services.bids import Terms
from portal import access, paging
from portal.access import PortalRequest, seller_required, seller_trader_required
from portal.buyer.rfqs import LATEST_FIRST, RfqFilter, TextForm
from portal.fields import HourField, PriceField
from portal.forms import ConsoleForm

MOST = 1_000_000
FIELD_OF = {"price_micro": "price"}
USUAL_VALIDITY = timedelta(days=3)


class BidForm(ConsoleForm):
    """Cards of one of the provider's offerings, at a price."""

    offering = forms.ModelChoiceField(
        Offering.objects.none(),
        label=gettext_lazy("Offering"),
        help_text=gettext_lazy("It need not be on sale: a draft will do."),
    )
    price = PriceField(label=gettext_lazy("Price (¥ per card-hour)"))
    count = forms.IntegerField(label=gettext_lazy("Cards"), min_value=1, max_value=MOST)
    starts_at = HourField(label=gettext_lazy("Start"), help_text=gettext_lazy("Shanghai time, full hours."))
    valid_until = HourField(label=gettext_lazy("Valid until"))
    note = forms.CharField(
        label=gettext_lazy("Description"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 3})
    )

    def __init__(self, *args: Any, rfq: Rfq, provider: Organization, **kwargs: Any) -> None:
        until = hour_of(rfq.bids_until + USUAL_VALIDITY)
        kwargs["initial"] = {"count": rfq.count, "starts_at": rfq.start_min, "valid_until": until}
        super().__init__(*args, **kwargs)
        fitting = Offering.objects.of_provider(provider).filter(category=rfq.category)
        self.fields["offering"].queryset = fitting.exclude(status=OfferingStatus.ARCHIVED).order_by("name")

    def terms(self) -> Terms:
        """Return the valid form as the terms of a bid."""
        given = dict(self.cleaned_data)
        return Terms(price_micro=given.pop("price"), **given)


def _seen(request: PortalRequest, rfq_id: UUID) -> Rfq:
    rows = Rfq.objects.for_provider(request.organization).select_related("buyer")
    return get_object_or_404(rows.prefetch_related(*in_order(Rfq, "accelerators")), pk=rfq_id)


@seller_required
def index(request: PortalRequest) -> HttpResponse:
    """List the requests that the provider may bid on, the latest first."""
    form = RfqFilter(request.GET)
    rows = Rfq.objects.for_provider(request.organization).filter(**form.chosen()).select_related("buyer")
    page = paging.page(request, rows, ordering=LATEST_FIRST)
    return render(request, "portal/seller/rfqs.html", {"form": form, "page": page})


@seller_required
def detail(request: PortalRequest, rfq_id: UUID) -> HttpResponse:
    """Show a request with what the provider has bid itself."""
    rfq = _seen(request, rfq_id)
    return _show(request, rfq, BidForm(rfq=rfq, provider=request.organization))


def _show(request: PortalRequest, rfq: Rfq, form: BidForm) -> HttpResponse:
    provider = request.organization
    own, key_changed = _own(rfq, provider)
    context = {
        "rfq": rfq,
        "form": form,
        "own": own,
        "key_changed": key_changed,
        "unreadable": UnreadableBid.objects.visible_to(provider).of(rfq).first(),
        "offering": Offering.objects.filter(pk=own["offering"]).first() if own else None,
        "receipt": bids.own_envelope(rfq, provider) if own else None,
        "result": Bid.objects.filter(rfq=rfq, provider=provider).select_related("award").first(),
        "questions": rfq.questions.order_by("asked_at", "pk"),
        "can_bid": rfq.status == RfqStatus.OPEN and clock.now() < rfq.bids_until,
    }
    return render(request, "portal/seller/rfq.html", context)


def _own(rfq: Rfq, provider: Organization) -> tuple[dict[str, Any] | None, bool]:
    """Return what a provider has bid itself, and whether it has bid what can no longer be read."""
    try:
        return bids.own(rfq, provider), False
    except bids.Unreadable:
        return None, True


@require_POST
@seller_trader_required
def bid(request: PortalRequest, rfq_id: UUID) -> HttpResponse:
    """Seal a bid, or another in its place."""
    rfq, provider = _seen(request, rfq_id), request.organization
    form = BidForm(request.POST, rfq=rfq, provider=provider)
    if not form.is_valid():
        return _show(request, rfq, form)
    try:
        bids.submit(rfq=rfq, provider=provider, terms=form.terms(), actor=access.actor(request), at=clock.now())
    except DomainError as error:
        show_refusal(form, error, FIELD_OF)
        return _show(request, rfq, form)
    messages.success(request, _("The bid is sealed."))
    return redirect("portal:rfq-seen", rfq.pk)


@require_POST
@seller_trader_required
def withdraw(request: PortalRequest, rfq_id: UUID) -> HttpResponse:
    """Take the bid back."""
    rfq = _seen(request, rfq_id)
    try:
        bids.withdraw(rfq=rfq, provider=request.organization, actor=access.actor(request), at=clock.now())
    except DomainError as error:
        messages.error(request, error.detail)
    return redirect("portal:rfq-seen", rfq.pk)


@require_POST
@seller_trader_required
def ask(request: PortalRequest, rfq_id: UUID) -> HttpResponse:
    """Ask the buyer something, for all bidders to read."""
    rfq, form = _seen(request, rfq_id), TextForm(request.POST)
    if form.is_valid():
        by = access.actor(request)
        try:
            rfqs.ask(rfq=rfq, asker=request.organization, actor=by, at=clock.now(), **form.cleaned_data)
        except DomainError as error:
            messages.error(request, error.detail)
    return redirect("portal:rfq-seen", rfq.pk)
