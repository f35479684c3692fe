"""Depth of the market: free card-hours by price, open demand by limit, and the price at which they would meet.

What is on sale is public hour by hour anyway. Demand is not: it is shown in steps that hold several orders of several
buyers, as of the last full hour, and no total is given from which the rest could be told.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import connection
from django.db.models import Sum
from django.db.models.functions import Coalesce
from django.utils.translation import gettext as _

from core.errors import DomainError
from core.periods import HOUR, Period, hour_of
from market.indexing import MIN_ORDERS, MIN_PARTIES, STEP_MICRO
from market.models import Accelerator, Order, OrderKind

LONGEST_HOURS = 24 * 31
USUAL_HOURS = 24 * 7

SUPPLY = """
SELECT offering.price_micro, sum(offering.count::bigint * open.hours - coalesce(taken.cards, 0))::bigint
FROM market_offering AS offering JOIN market_site AS site ON site.id = offering.site_id
    CROSS JOIN LATERAL (
        SELECT greatest(date_bin('1 hour', offering.opens_at + interval '1 hour' - interval '1 microsecond',
                TIMESTAMPTZ '2000-01-01 00:00Z'), %(starts_at)s) AS starts_at,
            least(date_bin('1 hour', coalesce(offering.closes_at, %(ends_at)s), TIMESTAMPTZ '2000-01-01 00:00Z'),
                %(ends_at)s) AS ends_at
    ) AS span
    CROSS JOIN LATERAL (SELECT extract(epoch FROM span.ends_at - span.starts_at)::bigint / 3600 AS hours) AS open
    LEFT JOIN LATERAL (
        SELECT sum(offering.count - capacity + reserved)::bigint AS cards FROM market_calendarhour
        WHERE offering_id = offering.id AND hour >= span.starts_at AND hour < span.ends_at
    ) AS taken ON true
WHERE offering.status = 'listed' AND EXISTS (
        SELECT FROM accounts_onboarding WHERE organization_id = offering.provider_id AND status = 'verified'
    ) AND offering.accelerator_id = %(accelerator)s AND offering.category = %(category)s
    AND (%(hub)s::text IS NULL OR site.hub_name = %(hub)s) AND open.hours > 0
GROUP BY offering.price_micro ORDER BY offering.price_micro
"""


class BadPeriod(DomainError):
    """The window begins in the past, is empty, or longer than a month."""

    code = "bad-period"


@dataclass(frozen=True, slots=True)
class Step:
    """Card-hours at prices from ``from_micro`` up to, but without, ``below_micro``."""

    from_micro: int
    below_micro: int
    card_hours: int


@dataclass(frozen=True, slots=True)
class DemandStep(Step):
    """Card-hours of several orders, whose limits lie in the step."""

    orders: int


@dataclass(frozen=True, slots=True)
class Indication:
    """Where supply and open demand of a class would meet now, whatever the hours: no promise, and nobody pays it."""

    price_micro: int | None
    status: str


@dataclass(frozen=True, slots=True)
class Depth:
    """The depth of a class over some hours."""

    period: Period
    supply: list[Step]
    demand: list[DemandStep]
    demand_as_of: datetime
    best_ask_micro: int | None
    indication: Indication


Supply = Sequence[tuple[int, int]]
Demand = Sequence[tuple[int, int, UUID]]


def period(*, at: datetime, starts_at: datetime | None = None, hours: int | None = None) -> Period:
    """Return the window of full hours that a reader asks for: by default the next seven days.

    :raises BadPeriod: if it is past or too long.
    """
    soon = hour_of(at) if hour_of(at) == at else hour_of(at) + HOUR
    first, length = hour_of(starts_at or soon), hours or USUAL_HOURS
    if first < soon or not 1 <= length <= LONGEST_HOURS:
        raise BadPeriod(_("Ask for 1 to %(most)d hours that are to come.") % {"most": LONGEST_HOURS})
    return Period(first, first + length * HOUR)


def of_class(*, accelerator: Accelerator, category: str, hub_name: str | None, period: Period, at: datetime) -> Depth:
    """Return the depth of a class at a hub, or everywhere. Demand names no hub: it is that of the whole class."""
    here = _supply(accelerator, category, hub_name, period)
    everywhere = here if hub_name is None else _supply(accelerator, category, None, period)
    demand = _demand(accelerator, category, period, at)
    return Depth(
        period=period,
        supply=_steps(here),
        demand=demand_steps(demand),
        demand_as_of=hour_of(at),
        best_ask_micro=min((price for price, hours in here if hours > 0), default=None),
        indication=indication(everywhere, demand),
    )


def _supply(accelerator: Accelerator, category: str, hub_name: str | None, period: Period) -> Supply:
    terms: dict[str, Any] = {
        "accelerator": accelerator.pk,
        "category": category,
        "hub": hub_name,
        "starts_at": period.starts_at,
        "ends_at": period.ends_at,
    }
    with connection.cursor() as cursor:
        cursor.execute(SUPPLY, terms)
        rows: list[tuple[int, int]] = cursor.fetchall()
    return rows


def _demand(accelerator: Accelerator, category: str, period: Period, at: datetime) -> Demand:
    # An order by performance has one limit for all its cards, however many of this model that takes.
    waiting = (
        Order.objects.open()
        .exclude(kind=OrderKind.INTERRUPTIBLE)
        .filter(
            accelerators=accelerator,
            category=category,
            tflops=None,
            placed_at__lt=hour_of(at),
            start_min__lt=period.ends_at,
            start_max__gte=period.starts_at,
        )
    )
    # One that is served in parts wants what it has not got yet.
    rows = waiting.annotate(served=Coalesce(Sum("matches__card_hours"), 0)).order_by("-limit_micro", "pk")
    found = rows.values_list("limit_micro", "count", "hours", "served", "buyer_id")
    return [(limit, count * hours - served, buyer) for limit, count, hours, served, buyer in found]


def _steps(supply: Supply) -> list[Step]:
    steps: dict[int, int] = {}
    for price, card_hours in supply:
        if card_hours > 0:
            steps[price // STEP_MICRO] = steps.get(price // STEP_MICRO, 0) + card_hours
    return [Step(step * STEP_MICRO, (step + 1) * STEP_MICRO, hours) for step, hours in sorted(steps.items())]


def demand_steps(demand: Demand) -> list[DemandStep]:
    """Return demand from the highest limit down, steps joined until each has enough orders; the rest is not told."""
    shown: list[DemandStep] = []
    waiting: list[tuple[int, int, UUID]] = []
    rows = sorted(demand, key=lambda row: -row[0])
    for number, row in enumerate(rows):
        waiting.append(row)
        ends_step = number + 1 == len(rows) or rows[number + 1][0] // STEP_MICRO != row[0] // STEP_MICRO
        if ends_step and _enough(waiting):
            shown.append(_joined(waiting))
            waiting = []
    return shown


def _joined(rows: Demand) -> DemandStep:
    highest, lowest = rows[0][0] // STEP_MICRO, rows[-1][0] // STEP_MICRO
    card_hours = sum(hours for _limit, hours, _buyer in rows)
    return DemandStep(lowest * STEP_MICRO, (highest + 1) * STEP_MICRO, card_hours, len(rows))


def _enough(rows: Demand) -> bool:
    return len(rows) >= MIN_ORDERS and len({buyer for _limit, _hours, buyer in rows}) >= MIN_PARTIES


def indication(supply: Supply, demand: Demand) -> Indication:
    """Serve the highest limits first from the cheapest cards, and return the dearest ask that still finds a buyer."""
    if not _enough(demand):
        return Indication(None, "few-orders")
    price, asks = None, [[ask, hours] for ask, hours in sorted(supply, reverse=True) if hours > 0]
    for limit, wanted, _buyer in sorted(demand, key=lambda row: -row[0]):
        missing = wanted
        while missing and asks and asks[-1][0] <= limit:
            price = asks[-1][0]
            taken = min(missing, asks[-1][1])
            missing -= taken
            asks[-1][1] -= taken
            if not asks[-1][1]:
                asks.pop()
    return Indication(price, "no-crossing" if price is None else "crossing")
