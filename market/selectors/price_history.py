"""Read the tape, the price history and the index of a class."""

from datetime import date, datetime
from uuid import UUID

from django.db.models import Q, QuerySet

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


def on_day(of: ComputeClass, *, hub_name: str, on: date) -> dict[tuple[UUID | None, str | None], IndexValue]:
    """Return the index of a class on a day, at a hub and everywhere, and that of all cards, each by card and hub."""
    here_or_everywhere = Q(accelerator=of.accelerator) & (Q(hub_name=hub_name) | Q(hub_name=None))
    rows = IndexValue.objects.filter(here_or_everywhere | Q(accelerator=None, hub_name=None), category=of.category)
    latest = rows.filter(on=on).order_by("accelerator_id", "hub_name", "-version")
    return {(row.accelerator_id, row.hub_name): row for row in latest.distinct("accelerator_id", "hub_name")}


def trades(of: ComputeClass | None = None, *, hub_name: str | None = None) -> QuerySet[Trade]:
    """Return the tape: of a class, at a hub, or all of it."""
    rows = Trade.objects.select_related("accelerator", "exclusion")
    if of:
        rows = rows.filter(accelerator=of.accelerator, category=of.category)
    return rows if hub_name is None else rows.filter(hub_name=hub_name)
