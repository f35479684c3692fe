"""Facets as links: each adds its value to the address, or takes it out again, and begins at the first page."""

from dataclasses import dataclass

from django.http import HttpRequest, QueryDict
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from market.models import Category
from market.selectors.facets import Entry
from portal.paging import PARAMETER

MOST = 12
TITLES = {
    "category": _("Category"),
    "vendor": _("Vendor"),
    "model": _("Model"),
    "city": _("City"),
    "hub": _("Hub"),
    "domestic": _("Origin"),
}
PARAMETERS = {"model": "accelerator"}


@dataclass(frozen=True, slots=True)
class Chip:
    """One value of a facet with its count, and the address that chooses it or lets go of it."""

    label: str
    count: int
    query: str
    chosen: bool


@dataclass(frozen=True, slots=True)
class Row:
    """The chips of one facet."""

    title: str
    chips: list[Chip]


def of(request: HttpRequest, counted: dict[str, list[Entry]]) -> list[Row]:
    """Return the facets that have values, each with its most frequent ones."""
    rows = [Row(str(TITLES[name]), _chips(request.GET, name, entries)) for name, entries in counted.items()]
    return [row for row in rows if row.chips]


def _chips(address: QueryDict, name: str, entries: list[Entry]) -> list[Chip]:
    # The filter knows "domestic only", so there is no link for the others.
    shown = [entry for entry in entries if (name, entry.value) != ("domestic", "false")]
    return [_chip(address, name, entry) for entry in shown[:MOST]]


def _chip(address: QueryDict, name: str, entry: Entry) -> Chip:
    parameter = PARAMETERS.get(name, name)
    value = "on" if name == "domestic" else entry.value
    chosen = address.get(parameter) == value
    query = address.copy()
    for one in (parameter, PARAMETER):
        query.pop(one, None)
    if not chosen:
        query[parameter] = value
    return Chip(_label(name, entry), entry.count, f"?{query.urlencode()}", chosen)


def _label(name: str, entry: Entry) -> str:
    if name == "category":
        return str(Category(entry.value).label)
    return gettext("Domestic") if name == "domestic" else entry.label
