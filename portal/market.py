"""The market for everyone: search with facets, one offering, several side by side."""

from typing import Any
from uuid import UUID

from django import forms
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils.translation import gettext_lazy as _

from core import clock
from core.errors import DomainError
from core.periods import date_of
from market import notice, sla
from market.models import Accelerator, Category, Offering, Site
from market.models.reputation import ENOUGH, WINDOW_DAYS
from market.query import MOST_CHARACTERS
from market.selectors import facets, measures, search, standing
from market.selectors.search import SORTS, Wish
from portal import calendars, chips, comparison, paging, plans
from portal.access import PortalRequest, public
from portal.fields import PriceField
from portal.forms import FilterForm

ANY = ("", _("Any"))
EXAMPLE = "gpu_name=A100 num_gpus>=4 price<12.5 city in [北京,上海]"
ORDERS = [
    ("price", _("Price")),
    ("sch", _("Price per standard card-hour")),
    ("start", _("Earliest opening")),
    ("reliability", _("Reliability")),
]
MOST_EDITS = 20


class MarketFilter(FilterForm):
    """What a visitor may narrow the market down by."""

    text = forms.CharField(label=_("Words in names"), required=False, max_length=100)
    accelerator = forms.ModelChoiceField(
        Accelerator.objects.none(), label=_("Model"), required=False, empty_label=ANY[1], to_field_name="code"
    )
    category = forms.ChoiceField(label=_("Category"), required=False, choices=[ANY, *Category.choices])
    city = forms.ChoiceField(label=_("City"), required=False)
    price = PriceField(label=_("Price up to (¥ per card-hour)"), required=False)
    cards = forms.IntegerField(label=_("Cards at least"), required=False, min_value=1, max_value=1_000_000)
    q = forms.CharField(
        label=_("Query"),
        required=False,
        max_length=MOST_CHARACTERS,
        widget=forms.TextInput(attrs={"placeholder": EXAMPLE, "spellcheck": "false", "autocapitalize": "none"}),
    )
    sort = forms.ChoiceField(label=_("Sort by"), required=False, choices=ORDERS)
    domestic = forms.BooleanField(label=_("Domestic only"), required=False)
    vendor = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)
    hub = forms.CharField(required=False, max_length=40, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        on_sale = Accelerator.objects.filter(offerings__in=Offering.objects.listed()).distinct()
        cities = Site.objects.filter(offerings__in=Offering.objects.listed()).values_list("city", flat=True).distinct()
        self.fields["accelerator"].queryset = on_sale.order_by("vendor", "name")
        self.fields["city"].choices = [ANY, *((city, city) for city in cities.order_by("city"))]

    def clean_q(self) -> str:
        """Read the query, so that what is wrong with it stands beside it."""
        text = str(self.cleaned_data["q"])
        try:
            search.read(text)
        except DomainError as error:
            raise forms.ValidationError(str(error)) from error
        return text

    def wish(self) -> Wish:
        """Return what the valid filters ask for."""
        given = self.chosen()
        accelerator = given.get("accelerator")
        return Wish(
            query=given.get("q", ""),
            text=given.get("text", ""),
            vendor=given.get("vendor", ""),
            model=accelerator.code if accelerator else "",
            city=given.get("city", ""),
            hub=given.get("hub", ""),
            category=given.get("category", ""),
            domestic=given.get("domestic"),
            max_price_micro=given.get("price"),
            min_cards=given.get("cards"),
            on=date_of(clock.now()),
        )

    def order(self) -> str:
        """Return the chosen order, or the cheapest first."""
        return str(self.chosen().get("sort", "price"))


def results(request: HttpRequest) -> dict[str, Any]:
    """Return the filters, the page of offerings that fit and the facets of all that do."""
    form = MarketFilter(request.GET)
    wish, sort = form.wish(), form.order()
    rows = search.found(Offering.objects.listed().with_place(), wish)
    counted = facets.count(search.counted(Offering.objects.listed(), wish))
    return {
        "form": form,
        "page": paging.page(request, rows, ordering=SORTS[sort]),
        "chips": chips.of(request, counted),
        "most": comparison.MOST,
    }


@public
def market(request: PortalRequest) -> HttpResponse:
    """List what is for sale, the cheapest first unless asked otherwise."""
    return render(request, "portal/public/market.html", results(request))


@public
def offering(request: PortalRequest, offering_id: UUID) -> HttpResponse:
    """Show one offering, what is known of its cards, and its next seven days."""
    at = clock.now()
    listed = get_object_or_404(measures.with_measures(Offering.objects.listed().with_place()), pk=offering_id)
    context = {
        "offering": listed,
        "figures": listed.accelerator.figures.order_by("metric", "density", "kind", "-dated_on", "pk"),
        "on": date_of(at),
        "plans": plans.of_offering(listed, at),
        "reputation": standing.of_offering(listed),
        "enough": ENOUGH,
        "opinion": standing.opinion(listed),
        "page": paging.page(request, standing.reviews(listed), ordering=("-written_at", "-pk")),
        "week": calendars.week(listed, at=at),
        "lines": listed.extra_lines.order_by("pk"),
        "edits": listed.calendar_edits.not_over(at)[:MOST_EDITS],
        "hours": range(24),
    }
    return render(request, "portal/public/offering.html", context)


@public
def service(request: PortalRequest) -> HttpResponse:
    """Publish the limits in which cards are handed over, and what comes back when they cannot be used."""
    context = {"terms": settings, "table": sla.CURRENT, "steps": sla.TABLES[sla.CURRENT], "enough": ENOUGH}
    context |= {"days": WINDOW_DAYS, "notice": notice.CURRENT}
    return render(request, "portal/public/service.html", context)


@public
def compare(request: PortalRequest) -> HttpResponse:
    """Show a few offerings side by side."""
    chosen = comparison.chosen(request.GET.getlist("offering"))
    on = date_of(clock.now())
    context = {"offerings": chosen, "figures": comparison.figures(chosen, on=on), "most": comparison.MOST}
    return render(request, "portal/public/compare.html", context)
