"""What a rehearsal plays: pools of cards, the orders of a month, and how long each really runs."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from core.periods import HOUR, date_of, midnight, month_start, next_month


@dataclass(frozen=True, slots=True)
class Month:
    """A civil month of Shanghai, addressed by hours since its beginning."""

    starts_on: date

    @property
    def starts_at(self) -> datetime:
        """Return the first instant."""
        return midnight(self.starts_on)

    @property
    def ends_at(self) -> datetime:
        """Return the first instant after the month."""
        return midnight(next_month(self.starts_on))

    @property
    def hours(self) -> int:
        """Return how many hours the month has."""
        return (self.ends_at - self.starts_at) // HOUR

    @property
    def days(self) -> int:
        """Return how many days the month has."""
        return self.hours // 24

    def hour(self, index: int) -> datetime:
        """Return the start of the hour of that index."""
        return self.starts_at + index * HOUR


@dataclass(frozen=True, slots=True)
class Model:
    """A card model that the scenario needs."""

    code: str
    vendor: str
    name: str


@dataclass(frozen=True, slots=True)
class Pool:
    """Cards of one model at one site, at a flat price in micro-yuan per card-hour."""

    provider: str
    site: str
    province: str
    city: str
    hub: str
    capacity_pflops: Decimal | None
    accelerator: str
    name: str
    category: str
    cards: int
    price_micro: int


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """An order that a buyer will place at the start of ``day``, and what will become of it.

    Hours are indexes in the month, both window ends included. ``run_ms`` is how long the cards are really used and
    ``idle_ms`` how long after the reservation's start; a run of nothing is a job that never came.
    """

    key: str
    buyer: int
    day: int
    category: str
    accelerators: tuple[str, ...]
    count: int
    hours: int
    first_hour: int
    last_hour: int
    limit_micro: int
    kind: str
    with_voucher: bool
    run_ms: int
    idle_ms: int = 0
    cancelled: bool = False
    failed: bool = False


@dataclass(frozen=True, slots=True)
class Scenario:
    """Everything that a rehearsal needs; the same name and seed give the same scenario."""

    name: str
    seed: int
    month: Month
    models: tuple[Model, ...]
    pools: tuple[Pool, ...]
    buyers: int
    orders: tuple[PlannedOrder, ...]
    skipped: dict[str, int]


def last_month(at: datetime) -> Month:
    """Return the last month that has ended."""
    return Month(month_start(month_start(date_of(at)) - timedelta(days=1)))
