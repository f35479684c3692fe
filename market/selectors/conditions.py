"""Conditions of the query language as conditions of the database."""

import re
from collections.abc import Callable, Iterable
from datetime import date, timedelta

from django.db.models import Max, Min, Q

from core.periods import midnight
from market.models import Accelerator, CertificateKind, SiteCertificate
from market.query import FIELDS, Condition, Kind, Operator, Value

COLUMNS = {
    "num_gpus": "count",
    "gpu_ram": "accelerator__memory_gib",
    "price": "price_micro",
    "sch_price": "sch_micro",
    "start": "opens_at",
    "reliability": "reliability_bp",
    "domestic": "accelerator__domestic",
    "category": "category",
    "vendor": "accelerator__vendor__iexact",
    "hub": "site__hub_name__iexact",
    "site": "site__name__iexact",
    "provider": "provider__name__iexact",
}
LOOKUPS = {
    Operator.LESS: "__lt",
    Operator.AT_MOST: "__lte",
    Operator.MORE: "__gt",
    Operator.AT_LEAST: "__gte",
}
CERTIFIED: dict[str, tuple[CertificateKind, type[Max] | type[Min]]] = {
    "pue": (CertificateKind.PUE, Max),
    "green": (CertificateKind.GREEN, Min),
}
PLACES = {"city": ("", "市"), "province": ("", "省", "市", "自治区")}
"""What people leave out when they name a place."""


def condition(wanted: Condition, *, on: date | None = None) -> Q:
    """Return a condition as the database understands it; certificates count if they are good on a day."""
    if wanted.field in CERTIFIED:
        return _certified(wanted, on)
    if FIELDS[wanted.field] is Kind.DAY:
        return _of_days(wanted)
    if wanted.operator in LOOKUPS:
        return Q(**{COLUMNS[wanted.field] + LOOKUPS[wanted.operator]: wanted.values[0]})
    alike = _any(_alike(wanted.field, value) for value in wanted.values)
    return ~alike if wanted.operator is Operator.UNEQUAL else alike


def model_named(name: str) -> Q:
    """Return the condition that a card model is named so: A100 is a word of "A100 80GB PCIe", 910 none of "910B".

    As on other markets, an underscore stands for a space.
    """
    pattern = r"[ _-]+".join(re.escape(word) for word in re.split(r"[ _-]+", name) if word)
    if re.match(r"[a-z0-9]", name, re.IGNORECASE):
        pattern = rf"(^|[^a-z0-9]){pattern}"
    if re.search(r"[a-z0-9]$", name, re.IGNORECASE):
        pattern = rf"{pattern}($|[^a-z0-9])"
    return Q(name__iregex=pattern) | Q(code__iregex=pattern)


def _alike(field: str, value: Value) -> Q:
    if field == "gpu_name":
        return Q(accelerator__in=Accelerator.objects.filter(model_named(str(value))))
    if field in PLACES:
        return _any(Q(**{f"site__{field}__iexact": f"{value}{ending}"}) for ending in PLACES[field])
    return Q(**{COLUMNS[field]: value})


def _certified(wanted: Condition, on: date | None) -> Q:
    """Compare the worst of the figures that a site has good certificates of; without one it is unknown."""
    kind, worst = CERTIFIED[wanted.field]
    good = SiteCertificate.objects.good(on).filter(kind=kind) if on else SiteCertificate.objects.none()
    known = good.order_by().values("site").annotate(worst=worst("value"))
    if wanted.operator in LOOKUPS:
        alike = Q(**{"worst" + LOOKUPS[wanted.operator]: wanted.values[0]})
    else:
        alike = Q(worst__in=wanted.values)
    found = Q(site__in=known.filter(alike).values("site"))
    return ~found if wanted.operator is Operator.UNEQUAL else found


def _of_days(wanted: Condition) -> Q:
    """Compare an instant with whole Shanghai days."""
    column = COLUMNS[wanted.field]
    days = [(midnight(day), midnight(day + timedelta(days=1))) for day in wanted.values if isinstance(day, date)]
    first, after = days[0]
    bounds: dict[Operator, Callable[[], Q]] = {
        Operator.LESS: lambda: Q(**{f"{column}__lt": first}),
        Operator.AT_MOST: lambda: Q(**{f"{column}__lt": after}),
        Operator.MORE: lambda: Q(**{f"{column}__gte": after}),
        Operator.AT_LEAST: lambda: Q(**{f"{column}__gte": first}),
    }
    if wanted.operator in bounds:
        return bounds[wanted.operator]()
    within = _any(Q(**{f"{column}__gte": start, f"{column}__lt": end}) for start, end in days)
    return ~within if wanted.operator is Operator.UNEQUAL else within


def _any(conditions: Iterable[Q]) -> Q:
    found = Q(pk__in=[])
    for one in conditions:
        found |= one
    return found
