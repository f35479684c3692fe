"""How many cards of a model reach a required rate: its measured or else published dense figure at that precision.

A model without such a figure is infeasible, never slow.
"""

from collections.abc import Mapping
from uuid import UUID

from market.measure import Metric

GIGA_PER_TERA = 1_000
MOST_CARDS = 100_000
"""A model of which an order would need more is no model for it."""

Rates = Mapping[tuple[UUID, Metric], int]


def cards(rates: Rates, *, accelerator: UUID, precision: str, tflops: int) -> int:
    """Return how many cards of a model reach so many TFLOPS, 0 where the model cannot."""
    rate_gflops = rates.get((accelerator, Metric(precision)))
    if rate_gflops is None:
        return 0
    needed = -(-tflops * GIGA_PER_TERA // rate_gflops)
    return needed if needed <= MOST_CARDS else 0
