"""Read the tape, the price history and the index of a class."""

from datetime import date, datetime

from django.db.models import QuerySet

from market.models import Candle, IndexValue, Trade
from market.selectors.classes import ComputeClass

MOST_ROWS = 1_000


def candles(of: ComputeClass, *, hub_name: str, span: str, since: datetime, until: datetime) -> list[Candle]:
    """Return the history of a class at a hub, the latest first, at most ``MOST_ROWS``."""
    rows = Candle.objects.filter(accelerator=of.accelerator, category=of.category, hub_name=hub_name, span=span)
    return list(rows.filter(starts_at__gte=since, starts_at__lt=until).latest_versions()[:MOST_ROWS])


def index(
    of: ComputeClass | None, *, category: str, hub_name: str | None, since: date, until: date
) -> list[IndexValue]:
    """Return the index of a class, or of all cards in a kind of work, at a hub or everywhere, the latest first."""
    rows = IndexValue.objects.filter(accelerator=of.accelerator if of else None, category=category)
    rows = rows.filter(hub_name=hub_name, on__gte=since, on__lte=until)
    return list(rows.latest_versions()[:MOST_ROWS])


def trades(of: ComputeClass | None = None, *, hub_name: str | None = None) -> QuerySet[Trade]:
    """Return the tape: of a class, at a hub, or all of it."""
    rows = Trade.objects.select_related("accelerator", "exclusion")
    if of:
        rows = rows.filter(accelerator=of.accelerator, category=of.category)
    return rows if hub_name is None else rows.filter(hub_name=hub_name)
