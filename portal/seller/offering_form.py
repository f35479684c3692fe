"""The forms of an offering: what it is, how it is sold, which hours are closed, what stands beside the price."""

from dataclasses import fields
from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from market.models import Accelerator, Category, LineKind, LineUnit, Offering, Site
from market.models.offering import MOST_NOTICE_HOURS, MOST_PROVISIONING_MINUTES, MOST_RECLAIM_MINUTES
from market.services.offerings import Lot
from portal.fields import HourField, PriceField
from portal.forms import ConsoleForm

MOST = 1_000_000
FIELD_OF = {"price_micro": "price"}


class OfferingForm(ConsoleForm):
    """A pool of identical cards at one of the provider's sites, at a flat price, and how it is sold."""

    name = forms.CharField(label=_("Name"), max_length=120)
    site = forms.ModelChoiceField(Site.objects.none(), label=_("Site"))
    accelerator = forms.ModelChoiceField(Accelerator.objects.none(), label=_("Model"))
    category = forms.ChoiceField(label=_("Category"), choices=Category.choices)
    count = forms.IntegerField(label=_("Cards"), min_value=1, max_value=MOST)
    price = PriceField(label=_("Price (¥ per card-hour)"))
    opens_at = HourField(label=_("Opens"), help_text=_("Shanghai time, full hours."))
    closes_at = HourField(label=_("Closes"), required=False, help_text=_("Leave empty to stay open."))
    min_count = forms.IntegerField(label=_("Fewest cards of an order"), min_value=1, max_value=MOST, initial=1)
    step_count = forms.IntegerField(label=_("Cards by which orders grow"), min_value=1, max_value=MOST, initial=1)
    max_count = forms.IntegerField(
        label=_("Most cards of an order"), min_value=1, max_value=MOST, required=False, help_text=_("Empty: all.")
    )
    max_hours = forms.IntegerField(
        label=_("Longest order (hours)"), min_value=1, max_value=MOST, required=False, help_text=_("Empty: any.")
    )
    notice_hours = forms.IntegerField(
        label=_("Notice before the start (hours)"), min_value=0, max_value=MOST_NOTICE_HOURS, initial=0
    )
    provisioning_minutes = forms.IntegerField(
        label=_("Time to provision (minutes)"),
        min_value=0,
        max_value=MOST_PROVISIONING_MINUTES,
        initial=0,
        help_text=_("An order starts after the notice and this time at the earliest."),
    )

    def __init__(self, *args: Any, provider: Organization, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["site"].queryset = Site.objects.filter(provider=provider).order_by("name")
        self.fields["accelerator"].queryset = Accelerator.objects.order_by("vendor", "name")

    def terms(self) -> dict[str, Any]:
        """Return the valid form as terms of an offering."""
        given = dict(self.cleaned_data)
        return {"price_micro": given.pop("price"), **given}


def split(terms: dict[str, Any]) -> dict[str, Any]:
    """Return terms with those of one order together, as a draft wants them."""
    lot = {field.name for field in fields(Lot)}
    rest = {name: value for name, value in terms.items() if name not in lot}
    return rest | {"lot": Lot(**{name: terms[name] for name in lot})}


def filled(offering: Offering) -> dict[str, Any]:
    """Return the form's beginning for an offering that is there."""
    names = [name for name in OfferingForm.base_fields if name not in ("price", "site", "accelerator")]
    place = {"site": offering.site_id, "accelerator": offering.accelerator_id, "price": offering.price_micro}
    return {name: getattr(offering, name) for name in names} | place


class ClosureForm(ConsoleForm):
    """Which hours to close, how many cards stay, and why."""

    starts_at = HourField(label=_("From"))
    ends_at = HourField(label=_("Until"))
    capacity = forms.IntegerField(
        label=_("Cards that stay on sale"), min_value=0, max_value=MOST, help_text=_("0 closes.")
    )
    reason = forms.CharField(label=_("Reason"), max_length=200, help_text=_("Buyers read it."))

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("starts_at") and given.get("ends_at") and given["starts_at"] >= given["ends_at"]:
            self.add_error("ends_at", _("Not after the beginning."))
        return given


class FloorForm(ConsoleForm):
    """What is sold below firm orders; without a floor nothing is."""

    floor = PriceField(label=_("Floor (¥ per card-hour)"), required=False, help_text=_("Empty: not sold so."))
    reclaim_minutes = forms.IntegerField(
        label=_("Notice of a reclaim (minutes)"), min_value=0, max_value=MOST_RECLAIM_MINUTES, initial=60
    )


class LineForm(ConsoleForm):
    """What is charged beside the card-hour."""

    kind = forms.ChoiceField(label=_("Kind"), choices=LineKind.choices)
    name = forms.CharField(label=_("Name"), max_length=80)
    unit = forms.ChoiceField(label=_("Unit"), choices=LineUnit.choices)
    price = PriceField(label=_("Price (¥ per unit)"))
