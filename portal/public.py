"""Pages for everyone: home, the market, and choosing the organisation to act for."""

from typing import Any
from uuid import UUID

from django import forms
from django.contrib.auth import views as auth_views
from django.db.models import QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from core import clock
from market.models import Accelerator, Category, Offering, OfferingStatus, Site
from portal import access, calendars, menu, paging, plans
from portal.access import PortalRequest, public
from portal.fields import PriceField
from portal.forms import INPUT, FilterForm

ANY = ("", _("Any"))
CHEAPEST_FIRST = ("price_micro", "pk")
FILTERS = {
    "accelerator": "accelerator",
    "category": "category",
    "city": "site__city",
    "price": "price_micro__lte",
    "cards": "count__gte",
    "domestic": "accelerator__domestic",
}


class MarketFilter(FilterForm):
    """What a visitor may narrow the market down by."""

    accelerator = forms.ModelChoiceField(
        Accelerator.objects.none(), label=_("Model"), required=False, empty_label=ANY[1]
    )
    category = forms.ChoiceField(label=_("Category"), required=False, choices=[ANY, *Category.choices])
    city = forms.ChoiceField(label=_("City"), required=False)
    price = PriceField(label=_("Price up to (¥ per card-hour)"), required=False)
    cards = forms.IntegerField(label=_("Cards at least"), required=False, min_value=1, max_value=1_000_000)
    domestic = forms.BooleanField(label=_("Domestic only"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        on_sale = Accelerator.objects.filter(offerings__status=OfferingStatus.LISTED).distinct()
        cities = Site.objects.filter(offerings__status=OfferingStatus.LISTED).values_list("city", flat=True).distinct()
        self.fields["accelerator"].queryset = on_sale.order_by("vendor", "name")
        self.fields["city"].choices = [ANY, *((city, city) for city in cities.order_by("city"))]


def _market(request: PortalRequest) -> dict[str, Any]:
    form = MarketFilter(request.GET)
    chosen = {FILTERS[name]: value for name, value in form.chosen().items()}
    rows: QuerySet[Offering] = Offering.objects.listed().with_place().filter(**chosen)
    return {"form": form, "page": paging.page(request, rows, ordering=CHEAPEST_FIRST)}


@public
def home(request: PortalRequest) -> HttpResponse:
    """Bring members to their overview; show visitors what this is and what is on offer."""
    if request.membership:
        return redirect(menu.home_of(request.organization))
    return render(request, "portal/public/home.html", _market(request))


@public
def market(request: PortalRequest) -> HttpResponse:
    """List what is for sale, the cheapest first."""
    return render(request, "portal/public/market.html", _market(request))


@public
def offering(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Show one offering and its next seven days."""
    listed = get_object_or_404(Offering.objects.listed().with_place(), pk=offering_id)
    at = clock.now()
    context = {
        "offering": listed,
        "plans": plans.of_offering(listed, at),
        "week": calendars.week(listed, at=at),
        "hours": range(24),
    }
    return render(request, "portal/public/offering.html", context)


@require_POST
@public
def switch(request: PortalRequest) -> HttpResponse:
    """Act for another of the user's organisations."""
    wanted = request.POST.get("organization", "")
    chosen = next((one for one in request.memberships if str(one.organization_id) == wanted), None)
    if chosen is None:
        raise Http404
    access.switch(request, chosen.organization_id)
    return redirect(menu.home_of(chosen.organization))


class SignIn(auth_views.LoginView):
    """Sign in; ten failures lock the name and address for an hour (axes)."""

    template_name = "portal/public/login.html"
    redirect_authenticated_user = True

    def get_form(self, form_class: Any = None) -> Any:
        form = super().get_form(form_class)
        for field in form.fields.values():
            field.widget.attrs["class"] = INPUT
        return form
