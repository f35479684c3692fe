"""What is known of card models."""

from django.db.models import Prefetch, QuerySet

from market.models import Accelerator, Figure


def with_figures(cards: QuerySet[Accelerator]) -> QuerySet[Accelerator]:
    """Fetch the figures by metric, measured before published and the latest first, and the unified measures."""
    figures = Figure.objects.order_by("metric", "density", "kind", "-dated_on", "pk")
    return cards.prefetch_related(Prefetch("figures", figures), "measures")
