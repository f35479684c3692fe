"""What is known of card models."""

from collections import defaultdict
from collections.abc import Collection
from datetime import date
from uuid import UUID

from django.db.models import Prefetch, QuerySet

from market import measure
from market.measure import Metric
from market.models import Accelerator, Figure


def with_figures(cards: QuerySet[Accelerator]) -> QuerySet[Accelerator]:
    """Fetch the figures by metric, measured before published and the latest first, and the unified measures."""
    figures = Figure.objects.order_by("metric", "density", "kind", "-dated_on", "pk")
    return cards.prefetch_related(Prefetch("figures", figures), "measures")


def counting(metrics: Collection[Metric], *, on: date) -> dict[tuple[UUID, Metric], int]:
    """Return the figure that counts on a day for each model and metric, where there is one.

    Measured figures come before published ones, and rates with sparsity never count.
    """
    known: dict[tuple[UUID, Metric], list[measure.Figure]] = defaultdict(list)
    for figure in Figure.objects.filter(metric__in=[metric.value for metric in metrics]) if metrics else ():
        if figure.fact.is_good(on):
            known[figure.accelerator_id, Metric(figure.metric)].append(figure.fact)
    found = {key: measure.counting(facts, (key[1],)) for key, facts in known.items()}
    return {key: figure.value for key, figure in found.items() if figure is not None}
