"""The form of an order, and how it begins when a buyer comes from an offering."""

from dataclasses import fields
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django import forms
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.periods import HOUR, hour_of
from market.models import PRECISIONS, Accelerator, Category, Offering, OrderKind, Reservation, Ring, TimeInForce
from market.models.order import PLACED_KINDS
from market.models.order_terms import MOST_PARTS
from market.reference.places import PROVINCES
from market.selectors import measures
from market.services.conditions import Conditions
from market.services.orders import Demand
from market.services.splits import Split
from portal.buyer.grant_choice import grant_choice, offer_grants
from portal.fields import HourField, PercentField, PriceField, PueField
from portal.forms import ConsoleForm

MOST = 1_000_000
MOST_TFLOPS = 10**9
CONDITIONS = [field.name for field in fields(Conditions)]
DEFAULT_HOURS = 24


class ReservationChoice(forms.ModelChoiceField):
    """A reservation by its site, its offering and its order."""

    def label_from_instance(self, obj: Any) -> str:
        return f"{obj.offering.site.name} · {obj.offering.name} · {obj.order}"


class OrderForm(ConsoleForm):
    """What a buyer wants: cards × hours inside a start window, at a limit price, with or without a voucher."""

    name = forms.CharField(label=_("Name"), max_length=120, required=False, help_text=_("For your own overview."))
    category = forms.ChoiceField(label=_("Category"), choices=Category.choices)
    accelerators = forms.ModelMultipleChoiceField(
        Accelerator.objects.none(),
        label=_("Acceptable models"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    providers = forms.ModelMultipleChoiceField(
        Organization.objects.none(),
        label=_("Providers"),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("Choose none to accept every provider."),
    )
    count = forms.IntegerField(label=_("Cards"), min_value=1, max_value=MOST, required=False)
    hours = forms.IntegerField(label=_("Hours in a row"), min_value=1, max_value=MOST)
    start_min = HourField(label=_("Earliest start"), help_text=_("Shanghai time, full hours."))
    start_max = HourField(label=_("Latest start"))
    limit = PriceField(
        label=_("Limit (¥ per card-hour)"),
        help_text=_("You pay the provider's posted price, never more than this."),
    )
    kind = forms.ChoiceField(
        label=_("Way of buying"),
        choices=PLACED_KINDS,
        initial=OrderKind.INSTANT,
        required=False,
        widget=forms.RadioSelect,
        help_text=_("The auction is held every few minutes and serves first what is worth most per card-hour."),
    )
    time_in_force = forms.ChoiceField(
        label=_("Give up"), choices=TimeInForce.choices, initial=TimeInForce.WINDOW, required=False
    )
    good_till = HourField(
        label=_("Good till"), required=False, help_text=_("Only for an order with a time of its own.")
    )
    parts_max = forms.IntegerField(
        label=_("Parts, at most"),
        min_value=1,
        max_value=MOST_PARTS,
        required=False,
        help_text=_("More than 1 lets several offerings or times serve the order; what is missing stays open."),
    )
    part_cards = forms.IntegerField(label=_("Cards of a part, at least"), min_value=1, max_value=MOST, required=False)
    part_hours = forms.IntegerField(
        label=_("Hours of a part, at least"),
        min_value=1,
        max_value=MOST,
        required=False,
        help_text=_("In the auction each part runs for all hours."),
    )
    all_or_none = forms.BooleanField(label=_("All parts or none"), required=False)
    tflops = forms.IntegerField(
        label=_("TFLOPS instead of cards"),
        min_value=1,
        max_value=MOST_TFLOPS,
        required=False,
        help_text=_("The number of cards then follows from the model; the limit is per hour for all cards together."),
    )
    precision = forms.ChoiceField(label=_("Precision"), choices=[("", "–"), *PRECISIONS], required=False)
    domestic = forms.BooleanField(label=_("Domestic cards only"), required=False)
    memory_gib = forms.IntegerField(
        label=_("Memory per card, at least (GiB)"), min_value=1, max_value=MOST, required=False
    )
    interconnect_gb_s = forms.IntegerField(
        label=_("Bandwidth between cards, at least (GB/s)"), min_value=1, max_value=MOST, required=False
    )
    pue_max_milli = PueField(label=_("PUE, at most"), required=False, help_text=_("By a certificate that is good."))
    green_min_bp = PercentField(
        label=_("Green power, at least (%)"), required=False, help_text=_("By a certificate that is good.")
    )
    reliability_min_bp = PercentField(
        label=_("Reliability, at least (%)"), required=False, help_text=_("Delivered of what was promised.")
    )
    ring_max = forms.TypedChoiceField(
        label=_("How near"), choices=[("", _("anywhere")), *Ring.choices], coerce=int, empty_value=None, required=False
    )
    home_province = forms.ChoiceField(
        label=_("Home province"), choices=[("", "–"), *((one, one) for one in PROVINCES)], required=False
    )
    home_city = forms.CharField(label=_("Home city"), max_length=40, required=False)
    refused = forms.ModelMultipleChoiceField(
        Organization.objects.none(), label=_("Refused providers"), required=False, widget=forms.CheckboxSelectMultiple
    )
    beside = ReservationChoice(
        Reservation.objects.none(),
        label=_("At the site of"),
        required=False,
        empty_label=_("any site"),
        help_text=_("A reservation of yours that is not over."),
    )
    grant = grant_choice()

    def __init__(self, *args: Any, buyer: Organization, at: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        on_sale = Accelerator.objects.filter(offerings__in=Offering.objects.listed()).distinct()
        selling = Organization.objects.filter(offerings__in=Offering.objects.listed()).distinct()
        self.fields["accelerators"].queryset = on_sale.order_by("vendor", "name")
        self.fields["providers"].queryset = self.fields["refused"].queryset = selling.order_by("name")
        mine = Reservation.objects.live().of_buyer(buyer).select_related("order", "offering__site")
        self.fields["beside"].queryset = mine.order_by("starts_at", "pk")
        offer_grants(self, buyer=buyer, at=at, first=True)

    def demand(self) -> Demand:
        """Return the valid form as a demand."""
        given = self.cleaned_data
        return Demand(
            category=given["category"],
            accelerators=tuple(given["accelerators"]),
            providers=tuple(given["providers"]),
            refused=tuple(given["refused"]),
            count=given["count"] or 0,
            tflops=given["tflops"],
            precision=given["precision"],
            conditions=Conditions(**{name: given[name] for name in CONDITIONS}),
            hours=given["hours"],
            start_min=given["start_min"],
            start_max=given["start_max"],
            limit_micro=given["limit"],
            name=given["name"],
            kind=given["kind"] or OrderKind.INSTANT,
            time_in_force=given["time_in_force"] or TimeInForce.WINDOW,
            good_till=given["good_till"],
            split=self._split(),
            beside=given["beside"],
        )

    def _split(self) -> Split | None:
        """Return how the order may be split, if it may be served in more than one part."""
        given = self.cleaned_data
        if (given["parts_max"] or 1) < 2:
            return None
        return Split(
            parts=given["parts_max"],
            cards=given["part_cards"] or 1,
            hours=given["part_hours"] or 1,
            all_or_none=given["all_or_none"],
        )


def initial(offering: Offering | None, *, at: datetime) -> dict[str, Any]:
    """Begin with the next full hour, and with the offering that the buyer comes from."""
    soon = hour_of(at) + HOUR
    values: dict[str, Any] = {
        "hours": DEFAULT_HOURS,
        "start_min": soon,
        "start_max": soon + timedelta(days=1),
    }
    if offering is None:
        return values
    return values | {
        "category": offering.category,
        "accelerators": [offering.accelerator_id],
        "providers": [offering.provider_id],
        "count": offering.min_count,
        "limit": offering.price_micro,
    }


def named(request: HttpRequest) -> Offering | None:
    """Return the listed offering that the address names, if there is one, with what its facts need."""
    try:
        rows = measures.with_measures(Offering.objects.listed().with_place())
        return rows.filter(pk=UUID(request.GET.get("offering", ""))).first()
    except ValueError:
        return None
