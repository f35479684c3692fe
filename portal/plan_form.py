"""The form of a price plan: bands and steps as lines that people type."""

import re
from collections.abc import Callable
from typing import Any
from unicodedata import normalize

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from core.money import parse_scaled
from market.models import Tariff
from market.pricing import MOST_MICRO, Band, Electricity, Plan, Step
from portal.fields import HourField, PriceField, ScaledField
from portal.forms import ConsoleForm

BAND = re.compile(r"(?P<first>\d{1,2})\s*[-–~至]\s*(?P<last>\d{1,2})\s+(?P<price>[\d.,]+)")
STEP = re.compile(r"(?P<least>\d{1,6})\s+(?P<percent>[\d.]+)\s*%?")
ELECTRIC = ("share", "watts", "pue", "reference", "lowest", "highest")


def band(found: re.Match[str]) -> Band:
    """Read ``23-7 1.80``."""
    price_micro = parse_scaled(found["price"], decimals=6)
    return Band(from_hour=int(found["first"]), to_hour=int(found["last"]), price_micro=min(price_micro, MOST_MICRO + 1))


def step(found: re.Match[str]) -> Step:
    """Read ``168 5``: from 168 on, 5 per cent off."""
    return Step(at_least=int(found["least"]), discount_bp=min(parse_scaled(found["percent"], decimals=2), 10**6))


class LinesField(forms.CharField):
    """Lines of one pattern, cleaned as a tuple of what ``read`` makes of each."""

    def __init__(self, *, pattern: re.Pattern[str], read: Callable[[re.Match[str]], Any], **kwargs: Any) -> None:
        super().__init__(required=False, max_length=1_000, widget=forms.Textarea(attrs={"rows": 3}), **kwargs)
        self.pattern, self.read = pattern, read

    def clean(self, value: Any) -> Any:
        lines = [line.strip() for line in normalize("NFKC", super().clean(value)).splitlines()]
        return tuple(self._line(number, line) for number, line in enumerate(lines, start=1) if line)

    def _line(self, number: int, line: str) -> Any:
        found = self.pattern.fullmatch(line)
        try:
            if found:
                return self.read(found)
        except ValueError:
            pass
        raise ValidationError(_("Line %(number)d cannot be read."), params={"number": number}, code="line")


class PercentField(ScaledField):
    """Per cent as typed, basis points as cleaned."""

    decimals = 2
    most = 10_000


class PueField(ScaledField):
    """A PUE as typed, its ten-thousandths as cleaned."""

    decimals = 4
    most = 50_000


class PlanForm(ConsoleForm):
    """A price plan and the hour from which it counts."""

    starts_at = HourField(label=_("Counts from"), help_text=_("A full hour to come, Shanghai time."))
    base = PriceField(label=_("Price (¥ per card-hour)"))
    bands = LinesField(
        label=_("Prices by the clock"),
        pattern=BAND,
        read=band,
        help_text=_("One band a line: hours of the day and price, as in “23-7 1.80”."),
    )
    terms = LinesField(
        label=_("Discounts for long orders"),
        pattern=STEP,
        read=step,
        help_text=_("One step a line: hours and per cent, as in “168 5”."),
    )
    volumes = LinesField(
        label=_("Discounts for many cards"),
        pattern=STEP,
        read=step,
        help_text=_("One step a line: cards and per cent, as in “16 3”."),
    )
    tariff = forms.ChoiceField(label=_("Electricity tariff"), required=False)
    share = PercentField(label=_("Share passed on (%)"), required=False)
    watts = forms.IntegerField(label=_("Power of a card (W)"), required=False, min_value=1, max_value=100_000)
    pue = PueField(label="PUE", required=False)
    reference = PriceField(label=_("Tariff at which the price stands (¥ per kWh)"), required=False)
    lowest = PriceField(label=_("Lowest price (¥ per card-hour)"), required=False)
    highest = PriceField(label=_("Highest price (¥ per card-hour)"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        codes = Tariff.objects.order_by("code").values_list("code", flat=True).distinct()
        self.fields["tariff"].choices = [("", _("None")), *((code, code) for code in codes)]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("tariff"):
            for name in ELECTRIC:
                if given.get(name) is None and name not in self.errors:
                    self.add_error(name, _("A plan with a tariff needs this."))
        return given

    def plan(self) -> Plan:
        """Return the terms as the pricing rule reads them."""
        given = self.cleaned_data
        terms = {name: given[name] for name in ("bands", "terms", "volumes")}
        return Plan(base_micro=given["base"], electricity=self._electricity() if given["tariff"] else None, **terms)

    def _electricity(self) -> Electricity:
        given = self.cleaned_data
        return Electricity(
            tariff=given["tariff"],
            share_bp=given["share"],
            watts=given["watts"],
            pue_bp=given["pue"],
            reference_micro=given["reference"],
            lowest_micro=given["lowest"],
            highest_micro=given["highest"],
        )
