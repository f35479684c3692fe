"""What a standard card-hour is, and how to write a query: the rules of the market, published."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from market import query
from market.measure import STANDARD, UNITS, Component, Recipe
from market.models import Scenario
from market.selectors import fairness
from market.selectors.search import NEEDED
from portal.access import PortalRequest, public
from portal.market import EXAMPLE

MEANINGS = {
    "gpu_name": _("card model, or a word of its name; _ stands for a space"),
    "vendor": _("vendor of the card"),
    "city": _("city of the site, with or without 市"),
    "province": _("province of the site, with or without 省"),
    "hub": _("national hub of the site"),
    "site": _("name of the site"),
    "provider": _("name of the provider"),
    "category": _("what the hours are for"),
    "domestic": _("whether the card is domestic"),
    "num_gpus": _("cards of the offering"),
    "gpu_ram": _("memory of a card in GiB"),
    "price": _("yuan per card-hour"),
    "sch_price": _("yuan per standard card-hour"),
    "start": _("day on which the offering opens, in Shanghai"),
    "reliability": _("per cent delivered of what was promised"),
    "pue": _("PUE of the site by a good certificate"),
    "green": _("per cent of green power at the site by a good certificate"),
}


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the query language as the page explains it."""

    name: str
    meaning: str
    operators: str
    needed: str


@public
def measure(request: PortalRequest) -> HttpResponse:
    """Publish the weights in use and the query language."""
    context = {
        "standard": STANDARD,
        "components": [component.value for component in Component],
        "recipes": [(Scenario(scenario.value).label, list(_cells(of))) for scenario, of in STANDARD.recipes.items()],
        "fields": [_field(name, kind) for name, kind in query.FIELDS.items()],
        "example": EXAMPLE,
        "auction_rules": fairness.published(),
    }
    return render(request, "portal/public/measure.html", context)


def _cells(recipe: Recipe) -> Iterator[tuple[str, Any, str]]:
    """Yield each component with its weight and the figure of the reference card."""
    for component in Component:
        unit = UNITS[recipe.metrics(component)[0]]
        yield component.value, recipe.weights[component], f"{recipe.reference[component]:,} {unit}"


def _field(name: str, kind: query.Kind) -> Field:
    return Field(name, str(MEANINGS[name]), " ".join(query.OPERATORS[kind]), str(NEEDED[kind]))
