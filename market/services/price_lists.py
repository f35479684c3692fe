"""What the hours of an order cost at an offering, from the plans and tariffs that are published for them."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar
from uuid import UUID

import msgspec

from core.periods import HOUR, SHANGHAI
from market import pricing
from market.models import Offering, PricePlan, Tariff
from market.pricing import Plan

Key = TypeVar("Key")
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Dated(Generic[Value]):
    """Values by the instant from which each counts, until the next."""

    starts: list[datetime]
    values: list[Value]

    def at(self, instant: datetime) -> Value | None:
        """Return what counts at an instant; nothing before the first."""
        place = bisect_right(self.starts, instant)
        return self.values[place - 1] if place else None

    def during(self, first: datetime, end: datetime) -> list[Value | None]:
        """Return what counts at ``first``, and what begins to count before ``end``."""
        return [self.at(first), *self.values[bisect_right(self.starts, first) : bisect_right(self.starts, end)]]


@dataclass(frozen=True, slots=True)
class PriceLists:
    """The published plans of some offerings, and the tariffs that they name."""

    plans: dict[UUID, Dated[Plan]]
    tariffs: dict[str, Dated[list[int]]]
    flat: str = "price_micro"
    """The column with the price of an offering that no plan prices."""

    def hourly(self, offering: Offering, *, starts_at: datetime, hours: int, count: int) -> tuple[int, ...]:
        """Return the price of a card in each hour of an order, in micro-yuan."""
        return self._each(offering, starts_at, hours, term=hours, count=count)

    def posted(self, offering: Offering, *, starts_at: datetime, hours: int) -> tuple[int, ...]:
        """Return the price of each hour for one card in one hour: no order pays more."""
        return self._each(offering, starts_at, hours, term=1, count=1)

    def _each(self, offering: Offering, starts_at: datetime, hours: int, *, term: int, count: int) -> tuple[int, ...]:
        """Return the price of so many hours for an order of ``count`` cards over ``term`` hours."""
        if offering.pk not in self.plans:
            return (self._flat(offering),) * hours
        instants = (starts_at + number * HOUR for number in range(hours))
        return tuple(self._price(offering, instant, hours=term, count=count) for instant in instants)

    def ask_micro(self, offering: Offering, *, starts_at: datetime, ends_at: datetime) -> int:
        """Return the most that an hour of a period can cost: who bids that much never pays beyond the limit."""
        if offering.pk not in self.plans:
            return self._flat(offering)
        counting = self.plans[offering.pk].during(starts_at, ends_at)
        return max(pricing.dearest_micro(plan) if plan else self._flat(offering) for plan in counting)

    def floor_micro(self, offering: Offering, *, starts_at: datetime, ends_at: datetime) -> int:
        """Return the least that an hour of a period can cost."""
        if offering.pk not in self.plans:
            return self._flat(offering)
        counting = self.plans[offering.pk].during(starts_at, ends_at)
        return min(pricing.cheapest_micro(plan) if plan else self._flat(offering) for plan in counting)

    def _flat(self, offering: Offering) -> int:
        return int(getattr(offering, self.flat))

    def _price(self, offering: Offering, instant: datetime, *, hours: int, count: int) -> int:
        plan = self.plans[offering.pk].at(instant)
        if plan is None:
            return self._flat(offering)
        hour_of_day = instant.astimezone(SHANGHAI).hour
        tariff = self.tariffs.get(plan.electricity.tariff) if plan.electricity else None
        by_hour = tariff.at(instant) if tariff else None
        return pricing.price_micro(
            plan,
            hour_of_day=hour_of_day,
            hours=hours,
            count=count,
            tariff_micro=by_hour[hour_of_day] if by_hour else None,
        )


def of_floors() -> PriceLists:
    """Return the floors of interruptible offerings, which no plan moves."""
    return PriceLists({}, {}, flat="floor_micro")


def load(offerings: Collection[Offering]) -> PriceLists:
    """Read the plans of some offerings, and their tariffs, in two queries."""
    published = PricePlan.objects.filter(offering__in=offerings).order_by("offering", "starts_at")
    rows = [(one.offering_id, one.starts_at, plan_of(one)) for one in published]
    codes = {plan.electricity.tariff for _offering, _start, plan in rows if plan.electricity}
    tariffs = Tariff.objects.filter(code__in=codes).order_by("code", "starts_at") if codes else []
    return PriceLists(
        _dated(rows),
        _dated([(tariff.code, tariff.starts_at, tariff.hourly_micro) for tariff in tariffs]),
    )


def plan_of(published: PricePlan) -> Plan:
    """Return the terms of a published plan as the pricing rule reads them."""
    return msgspec.convert(published.terms, Plan)


def _dated(rows: list[tuple[Key, datetime, Value]]) -> dict[Key, Dated[Value]]:
    grouped: dict[Key, Dated[Value]] = defaultdict(lambda: Dated([], []))
    for key, start, value in rows:
        grouped[key].starts.append(start)
        grouped[key].values.append(value)
    return dict(grouped)
