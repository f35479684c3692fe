"""The frozen input of a matching run: what is on offer, hour by hour, and what is wanted."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
import numpy.typing as npt

from market.matching.terms import NOTHING, UNKNOWN, Attribute, Levels, Split

Key = UUID | str | int
Cards = npt.NDArray[np.int32]

Rings = tuple[tuple[int, ...], ...]

LARGEST = 2**63 - 1
FARTHEST = 2**31 - 1
ONE_PLACE: Rings = ((0,),)


@dataclass(frozen=True, slots=True)
class Ask:
    """One offering at its posted price; its cards are the row of the same position in the book.

    ``counts`` and ``most_hours`` are what one order may take of it, and ``consent`` names the terms of service that a
    buyer must have agreed to: None sets no condition. ``levels`` are what its cards and its site are known to reach,
    ``region`` is where it stands in the book's rings.
    """

    offering_id: UUID
    accelerator: Key
    provider: Key
    price_micro: int
    category: Key = ""
    counts: range | None = None
    most_hours: int | None = None
    consent: Key | None = None
    levels: Levels = NOTHING
    region: int = 0
    site: Key = ""

    def __post_init__(self) -> None:
        if not 0 <= self.price_micro <= LARGEST:
            raise ValueError(f"offering {self.offering_id} asks {self.price_micro} micro-yuan: not a price")
        _check_levels(f"offering {self.offering_id}", self.levels)

    def sells(self, bid: "Bid") -> bool:
        """Tell whether an order, or a part of it, may take that many cards for that long, whatever is free."""
        least_cards, least_hours = bid.least_part(self.accelerator)
        return self.lot(bid.cards(self.accelerator)) >= least_cards and (
            self.most_hours is None or least_hours <= self.most_hours
        )

    def lot(self, most: int) -> int:
        """Return the largest number of cards up to ``most`` that one order may take, 0 where there is none."""
        if self.counts is None:
            return most
        below = range(self.counts.start, min(self.counts.stop, most + 1), self.counts.step)
        return below[-1] if below else 0

    def may_serve(self, bid: "Bid") -> bool:
        """Tell whether the buyer has agreed to the terms of the offering, and whether it stands at a site it wants."""
        return (self.consent is None or self.consent in bid.agreed) and (bid.sites is None or self.site in bid.sites)


@dataclass(frozen=True, slots=True)
class Bid:
    """One order: ``count`` cards for ``hours`` hours in a row, starting at an hour index of the book.

    ``start_max`` is inclusive. A set that is None sets no condition; an empty one allows nothing. ``agreed`` holds the
    terms of service to which the buyer has agreed.

    An order by performance has ``counts``, the cards that it needs of each model, 0 where the model cannot do it; its
    limit is for all its cards together, any other limit for one card. ``least`` are the levels that it asks for; it
    stays within ``ring_max`` of its ``home`` region.
    """

    order_id: UUID
    sequence: int
    count: int
    hours: int
    start_min: int
    start_max: int
    limit_micro: int
    accelerators: frozenset[Key]
    providers: frozenset[Key] | None = None
    categories: frozenset[Key] | None = None
    agreed: frozenset[Key] = frozenset()
    refused: frozenset[Key] = frozenset()
    counts: Mapping[Key, int] | None = None
    least: Levels = NOTHING
    home: int = 0
    ring_max: int = FARTHEST
    split: Split | None = None
    sites: frozenset[Key] | None = None

    def __post_init__(self) -> None:
        if self.count < 1 or self.hours < 1:
            raise ValueError(f"order {self.order_id} wants {self.count} cards for {self.hours} hours: both start at 1")
        if self.start_min > self.start_max:
            raise ValueError(f"order {self.order_id} has a reversed window: {self.start_min} to {self.start_max}")
        if not 0 <= self.limit_micro <= LARGEST:
            raise ValueError(f"order {self.order_id} has a limit of {self.limit_micro} micro-yuan: not a price")
        if not self.accelerators:
            raise ValueError(f"order {self.order_id} accepts no model at all")
        if self.counts is not None and any(cards < 0 for cards in self.counts.values()):
            raise ValueError(f"order {self.order_id} wants a negative number of cards")
        _check_levels(f"order {self.order_id}", self.least)

    @property
    def value_micro(self) -> int:
        """Return the most that all cards of the order may cost in an hour."""
        return self.limit_micro if self.counts is not None else self.limit_micro * self.count

    @property
    def lot(self) -> tuple[int, ...]:
        """Return all that decides which lots the order takes, unless it is one by performance."""
        return self.count, self.hours, *self.least_part(None)

    def least_part(self, accelerator: Key | None) -> tuple[int, int]:
        """Return the fewest cards and hours that the order takes of an offering."""
        if self.split is not None:
            return self.split.cards, self.split.hours
        return self.count if accelerator is None else self.cards(accelerator), self.hours

    def cards(self, accelerator: Key) -> int:
        """Return how many cards of a model the order needs, 0 where the model cannot serve it."""
        return self.count if self.counts is None else self.counts.get(accelerator, 0)

    def accepts(self, *, accelerator: Key, category: Key, provider: Key) -> bool:
        """Tell whether the order takes what is sold under a model, a category and a provider."""
        return (
            accelerator in self.accelerators
            and self.cards(accelerator) > 0
            and (self.categories is None or category in self.categories)
            and (self.providers is None or provider in self.providers)
            and provider not in self.refused
        )

    def asks_for(self, attribute: Attribute) -> bool:
        """Tell whether the order asks for a level of an attribute."""
        return self.least[attribute] > UNKNOWN

    def starts(self, horizon: int) -> range:
        """Return the hours at which the order may start so that it also ends within ``horizon`` hours."""
        return range(max(self.start_min, 0), min(self.start_max, horizon - self.hours) + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Book:
    """Offerings and their free cards, ``capacity[offering, hour]``, from ``hour0`` on.

    ``offered`` holds the cards that the calendars list before any reservation; it tells a closed hour from a
    sold-out one. Without it the free cards stand for both. ``rings[home][region]`` is how far two regions are apart.
    """

    hour0: datetime
    hours: int
    asks: tuple[Ask, ...]
    capacity: Cards
    offered: Cards | None = None
    rings: Rings = ONE_PLACE

    def __post_init__(self) -> None:
        if self.hour0.tzinfo is None or self.hour0 != self.hour0.replace(minute=0, second=0, microsecond=0):
            raise ValueError("a book begins at a full hour with a time zone")
        if self.hours < 1:
            raise ValueError("a book covers at least one hour")
        _check_distinct("offering", (ask.offering_id for ask in self.asks))
        _check_rings(self.rings, self.asks)
        _check_cards("capacity", self.capacity, (len(self.asks), self.hours))
        if self.offered is not None:
            _check_cards("offered", self.offered, (len(self.asks), self.hours))
            if (self.capacity > self.offered).any():
                raise ValueError("more cards are free than the calendar offers")

    def hour(self, index: int) -> datetime:
        """Return the instant at which the hour of an index begins."""
        return self.hour0 + timedelta(hours=index)


def in_sequence(bids: Iterable[Bid]) -> list[Bid]:
    """Return the bids in the order in which they were submitted.

    :raises ValueError: if two share an order or a sequence number.
    """
    ordered = sorted(bids, key=lambda bid: bid.sequence)
    _check_distinct("order", (bid.order_id for bid in ordered))
    _check_distinct("sequence number", (bid.sequence for bid in ordered))
    return ordered


def _check_distinct(what: str, keys: Iterable[Key]) -> None:
    seen: set[Key] = set()
    for key in keys:
        if key in seen:
            raise ValueError(f"{what} {key} comes twice")
        seen.add(key)


def _check_levels(what: str, levels: Levels) -> None:
    if len(levels) != len(Attribute) or any(not UNKNOWN <= level < -UNKNOWN for level in levels):
        raise ValueError(f"{what} has the levels {levels}: {len(Attribute)} of 32 bits were expected")


def _check_rings(rings: Rings, asks: Iterable[Ask]) -> None:
    if any(len(row) != len(rings) for row in rings):
        raise ValueError("rings are a square")
    if any(not 0 <= ask.region < len(rings) for ask in asks):
        raise ValueError("an offering stands in a region that has no rings")


def _check_cards(what: str, cards: Cards, shape: tuple[int, int]) -> None:
    if cards.dtype != np.int32 or cards.shape != shape:
        raise ValueError(f"{what} is {cards.dtype} {cards.shape}: int32 {shape} was expected")
    if cards.size and cards.min() < 0:
        raise ValueError(f"{what} holds a negative number of cards")
