"""Read waiting orders as the engine's bids."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

from django.db.models import Model

from core.periods import HOUR, hour_of
from market.matching import Bid
from market.matching.terms import Split
from market.measure import Metric
from market.models import Order, OrderConditions
from market.selectors import figures
from market.services import conditions, performance, splits
from market.services.conditions import Regions
from market.services.orders import hour_from
from market.services.performance import Rates

Chosen = Mapping[UUID, frozenset[UUID]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Locked orders with what they ask for, the models that are on sale, and the terms agreed to by buyer."""

    orders: Mapping[UUID, Order]
    asked: Mapping[UUID, OrderConditions]
    regions: Regions
    models: frozenset[UUID]
    agreed: Mapping[UUID, frozenset[int]]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Choices:
    """What the orders have chosen, and how fast card models are."""

    models: Chosen
    providers: Chosen
    refused: Chosen
    rates: Rates
    splits: Mapping[UUID, Split]
    sites: Chosen


def read(waiting: Waiting, *, hour0: datetime, on: date) -> Iterator[Bid]:
    """Yield a bid for every order that can still start; indexes are hours from ``hour0`` on."""
    choices = _choices(waiting, hour0, on)
    for order in waiting.orders.values():
        first, last = max(hour_from(order.start_min), hour0), hour_of(order.start_max)
        models = choices.models.get(order.pk, frozenset() if order.tflops is None else waiting.models)
        if first <= last and models:
            yield Bid(
                order_id=order.pk,
                sequence=order.sequence,
                count=order.count,
                hours=order.hours,
                start_min=(first - hour0) // HOUR,
                start_max=(last - hour0) // HOUR,
                limit_micro=order.limit_micro,
                accelerators=models,
                providers=choices.providers.get(order.pk),
                categories=frozenset([order.category]),
                refused=choices.refused.get(order.pk, frozenset()),
                agreed=waiting.agreed.get(order.buyer_id, frozenset()),
                counts=_counts(order, models, choices.rates),
                split=choices.splits.get(order.pk),
                sites=choices.sites.get(order.pk),
                **_conditions(waiting, order),
            )


def _conditions(waiting: Waiting, order: Order) -> dict[str, Any]:
    asked = waiting.asked.get(order.pk)
    return {
        "least": conditions.least(asked),
        "home": waiting.regions.home(asked),
        "ring_max": conditions.ring_max(asked),
    }


def _choices(waiting: Waiting, hour0: datetime, on: date) -> _Choices:
    precisions = {Metric(order.precision) for order in waiting.orders.values() if order.tflops is not None}
    return _Choices(
        models=_chosen(Order.accelerators.through, "accelerator_id", waiting),
        providers=_chosen(Order.providers.through, "organization_id", waiting),
        refused=_chosen(Order.refused.through, "organization_id", waiting),
        rates=figures.counting(precisions, on=on),
        splits=splits.remaining(waiting.orders.values(), hour0=hour0),
        sites=_sites(waiting),
    )


def _sites(waiting: Waiting) -> Chosen:
    """Return the site of each order that wants to be beside a reservation."""
    beside = Order.objects.filter(pk__in=[one.pk for one in waiting.orders.values() if one.beside_id])
    return {pk: frozenset([site]) for pk, site in beside.values_list("pk", "beside__offering__site")}


def _counts(order: Order, models: frozenset[UUID], rates: Rates) -> dict[UUID | str | int, int] | None:
    """Return the cards of each model for an order by performance."""
    if order.tflops is None:
        return None
    cards = partial(performance.cards, rates, precision=order.precision, tflops=order.tflops)
    return {model: cards(accelerator=model) for model in models}


def _chosen(through: type[Model], column: str, waiting: Waiting) -> Chosen:
    """Return what each order has chosen; orders without a choice are left out."""
    chosen: dict[UUID, set[UUID]] = defaultdict(set)
    rows = through._default_manager.filter(order__in=list(waiting.orders))
    for order_id, key in rows.values_list("order_id", column):
        chosen[order_id].add(key)
    return {order_id: frozenset(keys) for order_id, keys in chosen.items()}
