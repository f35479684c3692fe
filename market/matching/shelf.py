"""The offerings of a book, cheapest first, with the cards that are still free while orders are served."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from market.matching import windows
from market.matching.book import Bid, Book, Cards, Key
from market.matching.stock import Choice, Stock
from market.matching.terms import Levels
from market.matching.windows import Indexes

FIRST_LOOK = 32
WIDER = 4

Keys = frozenset[Key] | None
Lot = tuple[int, ...] | None
Wanted = tuple[Keys, Keys, Keys, Keys, Keys, Keys, Levels, int, int, frozenset[tuple[Key, int]] | None, Lot]


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the shelf and the hour at which an order would start there."""

    row: int
    start: int


class Shelf:
    """Rows sorted by price, then by offering, so that a lower row is always the better one."""

    def __init__(self, book: Book) -> None:
        order = sorted(range(len(book.asks)), key=lambda row: (book.asks[row].price_micro, book.asks[row].offering_id))
        self.asks = [book.asks[row] for row in order]
        self.stock = Stock(self.asks, book.rings)
        self.hours = book.hours
        self.free: Cards = book.capacity[order]
        self.most: Cards = self.free.max(axis=1)
        offered = book.capacity if book.offered is None else book.offered
        self.closed = windows.shortfalls(offered[order], 1)
        self._choices: dict[Wanted, Choice] = {}

    def choice(self, bid: Bid) -> Choice:
        """Return the rows that the bid accepts, at any price."""
        wanted = _wanted(bid, lot=bid.lot if self.stock.limited else None)
        if wanted not in self._choices:
            self._choices[wanted] = self.stock.choice(bid)
        choice = self._choices[wanted]
        if bid.counts is not None:
            return choice
        return replace(choice, needs=np.full(len(choice.rows), bid.count, dtype=np.int64))

    def open(self, rows: Indexes, starts: range, hours: int) -> Indexes:
        """Return, for each row, the first of ``starts`` from which it is open for ``hours`` hours, or -1."""
        if not starts:
            return np.full(len(rows), -1)
        totals = self.closed[rows, starts.start : starts.stop + hours]
        first = windows.first_true(windows.fits(totals, hours))
        return np.where(first < 0, first, first + starts.start)

    def cheapest(self, choice: Choice, bid: Bid) -> Place | None:
        """Return the first place by (cost, start, offering) among some rows that has room for the bid."""
        starts = bid.starts(self.hours)
        if not starts:
            return None
        for some in _looks(choice.part(self.most[choice.rows] >= choice.needs)):
            place = self._first_fit(some, starts, bid)
            if place is not None:
                return place
        return None

    def _first_fit(self, choice: Choice, starts: range, bid: Bid) -> Place | None:
        span = slice(starts.start, starts.stop + bid.hours - 1)
        some = choice.part(windows.probe(self.free[choice.rows, span], bid.hours) >= choice.needs)
        short = windows.shortfalls(self.free[some.rows, span], some.needs)
        first = windows.first_true(windows.fits(short, bid.hours))
        hits = np.flatnonzero(first >= 0)
        if not hits.size:
            return None
        costs = some.costs[hits]
        equal = hits[costs == costs[0]]
        best = equal[first[equal].argmin()]
        return Place(int(some.rows[best]), starts.start + int(first[best]))

    def roomiest(self, rows: Indexes, bid: Bid) -> tuple[int, Place | None]:
        """Return the most cards that one of ``rows`` has free for all the hours of the bid, and where."""
        starts = bid.starts(self.hours)
        span = slice(starts.start, starts.stop + bid.hours - 1)
        bounds = windows.probe(self.free[rows, span], bid.hours)
        ranking = np.argsort(-bounds, kind="stable")
        cards, place = 0, None
        for begin in range(0, len(rows), FIRST_LOOK):
            some = ranking[begin : begin + FIRST_LOOK]
            if bounds[some[0]] <= cards:
                break
            lows = windows.lows(self.free[rows[some], span], bid.hours)
            row, start = np.unravel_index(lows.argmax(), lows.shape)
            if lows[row, start] > cards:
                cards = int(lows[row, start])
                place = Place(int(rows[some[row]]), starts.start + int(start))
        return cards, place

    def take(self, place: Place, bid: Bid) -> None:
        """Give the cards at a place to a bid."""
        self.take_cards(place, bid.cards(self.asks[place.row].accelerator), bid.hours)

    def take_cards(self, place: Place, cards: int, hours: int) -> None:
        """Give so many cards at a place away for so many hours."""
        self.free[place.row, place.start : place.start + hours] -= cards
        self.most[place.row] = self.free[place.row].max()


def _wanted(bid: Bid, *, lot: Lot) -> Wanted:
    """Return everything that decides which rows a bid accepts."""
    counts = None if bid.counts is None else frozenset(bid.counts.items())
    sets = (bid.accelerators, bid.providers, bid.categories, bid.refused, bid.agreed, bid.sites)
    return (*sets, bid.least, bid.home, bid.ring_max, counts, lot)


def _looks(choice: Choice) -> Iterator[Choice]:
    """Yield rows in growing portions that never split a cost, because equal costs compete by start."""
    begin, size = 0, FIRST_LOOK
    while begin < len(choice.rows):
        last = min(begin + size, len(choice.rows)) - 1
        end = choice.within(int(choice.costs[last]))
        yield choice.part(slice(begin, end))
        begin, size = end, size * WIDER
