"""Serve an order in parts: offerings by price, and of each the largest blocks of cards × hours that it has left.

A part begins within the order's window and is over when the whole order would be, had it begun last. This is a rule,
not a search: an order that takes all or none may miss a division that a search would find.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from market.matching.book import Ask, Bid, Cards
from market.matching.outcome import Fill
from market.matching.shelf import Place, Shelf
from market.matching.stock import Choice
from market.matching.terms import Split
from market.matching.windows import Bools

LEVELS = 64
"""Of so many numbers of free cards, the largest, one offering is looked at."""
ROOMIEST = 256
"""Among so many offerings, the cheapest, the largest blocks are looked for where those by price do not add up."""


@dataclass(frozen=True, slots=True)
class Part:
    """A block of cards × hours of a row."""

    row: int
    start: int
    hours: int
    cards: int

    @property
    def card_hours(self) -> int:
        """Return its size."""
        return self.hours * self.cards


@dataclass(slots=True)
class Served:
    """The parts that an order gets, and whether it wants more that later runs may find."""

    parts: list[Part] = field(default_factory=list)
    found: int = 0
    wants_more: bool = False


class _Need:
    """What an order still wants while parts are found for it."""

    def __init__(self, bid: Bid, split: Split, horizon: int) -> None:
        self.split = split
        self.start, self.stop = max(bid.start_min, 0), min(bid.start_max + bid.hours, horizon)
        self.starts = min(bid.start_max + 1, self.stop) - self.start
        self.card_hours, self.parts = split.card_hours, split.parts
        self.room: Cards = np.full(max(self.stop - self.start, 0), bid.count, dtype=np.int32)
        for begin, end, cards in split.taken:
            self._occupy(begin, end, cards)

    @property
    def is_over(self) -> bool:
        return self.parts < 1 or self.card_hours < self.split.least or self.starts < 1

    def take(self, part: Part) -> None:
        self.card_hours -= part.card_hours
        self.parts -= 1
        self._occupy(part.start, part.start + part.hours, part.cards)

    def _occupy(self, begin: int, end: int, cards: int) -> None:
        self.room[max(begin - self.start, 0) : max(end - self.start, 0)] -= cards

    def best(self, free: Cards, row: int, ask: Ask) -> Part | None:
        """Return the largest block of a row that leaves nothing too small behind; the earlier, then the wider one."""
        blocks = list(self._blocks(np.minimum(free[self.start : self.stop], self.room), row, ask))
        if self.split.all_or_none:
            blocks = [one for one in blocks if self._leaves_enough(one)]
        even = [one for one in blocks if self._leaves_enough(one) and self._leaves_room(one)]
        return max(even or blocks, key=lambda one: (one.card_hours, -one.start, one.cards), default=None)

    def _leaves_enough(self, part: Part) -> bool:
        """Tell whether what is left after a part is nothing, or enough for another one."""
        rest = self.card_hours - part.card_hours
        return rest == 0 or (rest >= self.split.least and not (self.split.all_or_none and self.parts == 1))

    def _leaves_room(self, part: Part) -> bool:
        """Tell whether the cards that are still wanted beside a part are none, or enough for another one."""
        begin = part.start - self.start
        beside = int(self.room[begin : begin + part.hours].min()) - part.cards
        return beside == 0 or beside >= self.split.cards or part.card_hours == self.card_hours

    def _blocks(self, free: Cards, row: int, ask: Ask) -> Iterator[Part]:
        for cards in self._widths(free, ask):
            for start, hours in _runs(free >= cards, self.starts):
                longest = min(hours, ask.most_hours or hours, self.card_hours // cards)
                fewer = (self.card_hours - self.split.least) // cards
                for taken in {longest, min(longest, fewer)}:
                    if taken >= self.split.hours:
                        yield Part(row, self.start + start, taken, cards)

    def _widths(self, free: Cards, ask: Ask) -> Iterable[int]:
        """Return the numbers of cards worth looking at: those that some hours have, and one that leaves no rest."""
        levels = np.unique(free[free >= self.split.cards])[: -LEVELS - 1 : -1]
        most = self.card_hours // self.split.hours
        widths = {ask.lot(min(int(level), most)) for level in levels}
        beside = int(self.room.max(initial=0)) - self.split.cards
        widths.add(ask.lot(min(beside, max(widths, default=0))))
        widest = max(widths, default=0)
        whole = [one for one in range(widest, max(widest - LEVELS, 0), -1) if self.card_hours % one == 0]
        widths.update(one for one in whole[:1] if ask.lot(one) == one)
        return sorted(width for width in widths if width >= self.split.cards)


def serve(shelf: Shelf, bid: Bid, split: Split) -> Served:
    """Take the parts of an order from a shelf: by price, or by size where all of it is wanted and price fails."""
    choice = shelf.choice(bid)
    rows = choice.part(slice(choice.within(bid.limit_micro))).rows
    rows = rows[shelf.most[rows] >= split.cards]
    served = _by_price(shelf, _Need(bid, split, shelf.hours), [int(row) for row in rows])
    if split.all_or_none and served.found < split.card_hours:
        larger = _by_size(shelf, _Need(bid, split, shelf.hours), [int(row) for row in rows[:ROOMIEST]])
        served = max(served, larger, key=lambda one: one.found)
        if served.found < split.card_hours:
            return Served([], served.found, wants_more=True)
    for part in served.parts:
        shelf.take_cards(Place(part.row, part.start), part.cards, part.hours)
    return served


def _by_price(shelf: Shelf, need: _Need, rows: list[int]) -> Served:
    served = Served()
    for row in rows:
        free = shelf.free[row].copy()
        while not need.is_over and (part := need.best(free, row, shelf.asks[row])):
            free[part.start : part.start + part.hours] -= part.cards
            _add(served, need, part)
    served.wants_more = not need.is_over
    return served


def _by_size(shelf: Shelf, need: _Need, rows: list[int]) -> Served:
    served, free = Served(), {row: shelf.free[row].copy() for row in rows}
    while not need.is_over:
        found = [part for row in rows if (part := need.best(free[row], row, shelf.asks[row]))]
        part = max(found, key=lambda one: one.card_hours, default=None)
        if part is None:
            break
        free[part.row][part.start : part.start + part.hours] -= part.cards
        _add(served, need, part)
    return served


def _add(served: Served, need: _Need, part: Part) -> None:
    need.take(part)
    served.parts.append(part)
    served.found += part.card_hours


def fills(shelf: Shelf, bid: Bid, choice: Choice, served: Served) -> list[Fill]:
    """Return the parts as fills."""
    affordable = choice.part(slice(choice.within(bid.limit_micro)))
    return [
        Fill(
            order_id=bid.order_id,
            offering_id=shelf.asks[part.row].offering_id,
            start_hour=part.start,
            hours=part.hours,
            count=part.cards,
            price_micro=shelf.asks[part.row].price_micro,
            rank=int((affordable.rows == part.row).argmax()) + 1,
            considered=len(affordable.rows),
        )
        for part in served.parts
    ]


def smallest(bid: Bid, split: Split) -> Bid:
    """Return a bid for one part of the smallest size."""
    return replace(bid, count=split.cards, hours=split.hours, split=None)


def needs(shelf: Shelf, choice: Choice, split: Split) -> Choice:
    """Return a choice with the cards of the smallest part that each of its rows sells."""
    cards = [_least_lot(shelf.asks[row], split.cards) for row in choice.rows]
    return replace(choice, needs=np.array(cards, dtype=np.int64))


def _least_lot(ask: Ask, cards: int) -> int:
    if ask.counts is None:
        return cards
    first, step = ask.counts.start, ask.counts.step
    return max(first, first + -(-(cards - first) // step) * step)


def _runs(open_hours: Bools, starts: int) -> Iterator[tuple[int, int]]:
    """Yield the first and the length of the runs of open hours that begin early enough, the longest of them only."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], open_hours.astype(np.int8), [0]))))
    begins, lengths = edges[::2], edges[1::2] - edges[::2]
    early = begins < starts
    if early.any():
        longest = int(np.where(early, lengths, 0).argmax())
        yield int(begins[longest]), int(lengths[longest])
