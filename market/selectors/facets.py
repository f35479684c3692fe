"""How many of the offerings found there are of each vendor, model, city, hub and category: one pass over them."""

from collections import defaultdict
from dataclasses import dataclass

from django.db import connection
from django.db.models import F

from market.models.offering import OfferingQuerySet

FIELDS = ("category", "vendor", "model", "city", "hub", "domestic")
COUNTED = """
SELECT category, vendor, model, model_name, city, hub, domestic, count(*) FROM (
"""
BY_FACET = """
) AS found
GROUP BY GROUPING SETS ((category), (vendor), (model, model_name), (city), (hub), (domestic))
"""


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a facet: how many offerings have it."""

    value: str
    label: str
    count: int


def count(rows: OfferingQuerySet) -> dict[str, list[Entry]]:
    """Return the entries of each facet, the most frequent first; a value that all lack is left out."""
    statement, parameters = _columns(rows).query.sql_with_params()
    facets: dict[str, list[Entry]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(COUNTED + statement + BY_FACET, parameters)
        for category, vendor, model, model_name, city, hub, domestic, number in cursor.fetchall():
            said = {"category": category, "vendor": vendor, "model": model, "city": city, "hub": hub}
            said["domestic"] = None if domestic is None else str(domestic).lower()
            for name, value in said.items():
                if value:
                    facets[name].append(Entry(value, model_name if name == "model" else value, number))
    return {name: sorted(facets[name], key=lambda one: (-one.count, one.label)) for name in FIELDS}


def _columns(rows: OfferingQuerySet) -> OfferingQuerySet:
    columns = {
        "vendor": F("accelerator__vendor"),
        "model": F("accelerator__code"),
        "model_name": F("accelerator__name"),
        "city": F("site__city"),
        "hub": F("site__hub_name"),
        "domestic": F("accelerator__domestic"),
    }
    return rows.order_by().values("category", **columns)  # type: ignore[return-value] # the stubs see a new row type
