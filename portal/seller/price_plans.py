"""How an offering is priced: its plans, and a new one."""

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from core import clock
from core.errors import DomainError
from core.forms import show_refusal
from core.periods import HOUR, hour_of
from market.models import Offering
from market.services import prices
from portal import access, plans
from portal.access import PortalRequest, seller_trader_required
from portal.plan_form import PlanForm

FIELD_OF = {"base_micro": "base", "electricity": "tariff"}


@seller_trader_required
def index(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Show the plans of an offering and publish another."""
    offering = get_object_or_404(Offering.objects.of_provider(request.organization), pk=offering_id)
    at = clock.now()
    sent = request.POST if request.method == "POST" else None
    form = PlanForm(sent, initial={"starts_at": hour_of(at) + 24 * HOUR, "base": offering.price_micro})
    if sent is not None and form.is_valid():
        terms = {"plan": form.plan(), "starts_at": form.cleaned_data["starts_at"]}
        try:
            published = prices.publish(offering=offering, actor=access.actor(request), at=at, **terms)
        except DomainError as error:
            show_refusal(form, error, FIELD_OF)
        else:
            messages.success(request, _("The price plan is published."))
            if offering.status != published.offering.status:
                messages.warning(
                    request, _("It is far from the reviewed price: the operator reviews the offering again.")
                )
            return redirect("portal:price-plans", offering.pk)
    context = {"offering": offering, "plans": plans.of_offering(offering, at), "form": form}
    return render(request, "portal/seller/price_plans.html", context)
