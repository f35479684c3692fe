"""A few offerings side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from market import measure
from market.models import Figure, Metric, Offering
from market.selectors import measures

MOST = 4


@dataclass(frozen=True, slots=True)
class Line:
    """One metric of all cards compared; None where nothing is known."""

    label: str
    cells: list[Figure | None]


def chosen(texts: Sequence[str]) -> list[Offering]:
    """Return the listed offerings that the address names, in its order, at most ``MOST``; what is no id is left out."""
    ids = list(dict.fromkeys(one for text in texts[: 2 * MOST] if (one := _uuid(text)) is not None))[:MOST]
    rows = measures.with_measures(Offering.objects.listed().with_place()).prefetch_related("accelerator__figures")
    found = {offering.pk: offering for offering in rows.filter(pk__in=ids)}
    return [found[one] for one in ids if one in found]


def figures(offerings: Sequence[Offering], *, on: date) -> list[Line]:
    """Return a line for every metric of which something is known: the figure that counts on a day."""
    lines = [Line(str(metric.label), [_counting(offering, metric, on) for offering in offerings]) for metric in Metric]
    return [line for line in lines if any(line.cells)]


def _counting(offering: Offering, metric: Metric, on: date) -> Figure | None:
    rows = {figure.fact: figure for figure in offering.accelerator.figures.all() if figure.fact.is_good(on)}
    fact = measure.counting(list(rows), (measure.Metric(metric.value),))
    return rows[fact] if fact else None


def _uuid(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
