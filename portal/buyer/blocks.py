"""Buy a reserved block from a listing."""

from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext_lazy

from accounts.models import Organization
from billing.models import ApprovalRequest
from billing.services import asking
from billing.services.held_quotes import Chosen
from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from market.models import Offering, Order, OrderKind
from market.services import blocks
from portal import access
from portal.access import PortalRequest, buyer_trader_required
from portal.buyer import lines, waiting
from portal.buyer.grant_choice import grant_choice, offer_grants
from portal.buyer.order_form import MOST, named
from portal.fields import PriceField
from portal.forms import ConsoleForm

MONTHS = ngettext_lazy("%(months)d month", "%(months)d months", "months")
FIELD_OF = {"limit_micro": "limit"}


class BlockForm(ConsoleForm):
    """Cards of one listing for whole months."""

    name = forms.CharField(label=gettext_lazy("Name"), max_length=120, required=False)
    count = forms.IntegerField(label=gettext_lazy("Cards"), min_value=1, max_value=MOST)
    starts_on = forms.DateField(
        label=gettext_lazy("First day"),
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        help_text=gettext_lazy("Shanghai time, from midnight; up to 180 days ahead."),
    )
    months = forms.TypedChoiceField(
        label=gettext_lazy("Term"),
        coerce=int,
        choices=lambda: [(term, MONTHS % {"months": term}) for term in blocks.TERMS],  # in the reader's language
    )
    limit = PriceField(
        label=gettext_lazy("Limit (¥ per card-hour)"),
        required=False,
        help_text=gettext_lazy("Empty: the posted price. Discounts for the term come off by themselves."),
    )
    monthly = forms.BooleanField(
        label=gettext_lazy("Pay month by month"),
        required=False,
        help_text=gettext_lazy(
            "Only the first month is set aside now, each other a week before it begins. If that fails until three days "
            "before, or the listing's longer notice, the block ends where that month would begin, without a fee."
        ),
    )
    grant = grant_choice()

    def __init__(self, *args: Any, buyer: Organization, at: datetime, offering: Offering, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        lines.offer_lines(self, offering_id=offering.pk)
        offer_grants(self, buyer=buyer, at=at, first=True)


@buyer_trader_required
def new(request: PortalRequest) -> HttpResponse:
    """Buy a block from the listing that the address names."""
    at, offering = clock.now(), named(request)
    if offering is None:
        raise Http404
    sent = request.POST if request.method == "POST" else None
    form = BlockForm(sent, buyer=request.organization, at=at, offering=offering, initial={"count": offering.min_count})
    consents = []
    if sent is not None and form.is_valid():
        try:
            order = _buy(request, offering, form, at=at)
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
            consents = error.extra.get("offerings", [])
        else:
            if isinstance(order, ApprovalRequest):
                return waiting.shown(request, order)
            messages.success(request, _("Bought: the cards are reserved and the money is set aside."))
            return redirect("portal:order", order.pk)
    return render(request, "portal/buyer/block_new.html", {"form": form, "offering": offering, "consents": consents})


def _buy(request: PortalRequest, offering: Offering, form: BlockForm, *, at: datetime) -> Order | ApprovalRequest:
    given = form.cleaned_data
    demand = blocks.demand_of(
        offering,
        count=given["count"],
        starts_on=given["starts_on"],
        months=given["months"],
        limit_micro=given["limit"],
        name=given["name"],
        at=at,
    )
    return asking.buy(
        offering=offering,
        buyer=request.organization,
        demand=demand,
        chosen=Chosen(given["grant"], lines.taken(form), OrderKind.BLOCK, given["monthly"]),
        actor=access.actor(request),
        at=at,
    )
