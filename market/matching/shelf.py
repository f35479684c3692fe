"""The offerings of a book, cheapest first, with the cards that are still free while orders are served."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from market.matching import windows
from market.matching.book import Bid, Book, Cards, Key
from market.matching.outcome import Reason
from market.matching.windows import Indexes

FIRST_LOOK = 32
WIDER = 4

Wanted = tuple[frozenset[Key], frozenset[Key] | None, frozenset[Key] | None, frozenset[Key], tuple[int, int] | None]


@dataclass(frozen=True, slots=True)
class Place:
    """A row of the shelf and the hour at which an order would start there."""

    row: int
    start: int


@dataclass(frozen=True, slots=True)
class Choice:
    """The rows that a bid accepts, cheapest first, or the condition that none of them meets."""

    rows: Indexes
    missing: Reason | None = None


class Shelf:
    """Rows sorted by price, then by offering, so that a lower row is always the better one."""

    def __init__(self, book: Book) -> None:
        order = sorted(range(len(book.asks)), key=lambda row: (book.asks[row].price_micro, book.asks[row].offering_id))
        self.asks = [book.asks[row] for row in order]
        self.prices = np.array([ask.price_micro for ask in self.asks], dtype=np.int64)
        self.hours = book.hours
        self.free: Cards = book.capacity[order]
        self.most: Cards = self.free.max(axis=1)
        offered = book.capacity if book.offered is None else book.offered
        self.closed = windows.shortfalls(offered[order], 1)
        self._choices: dict[Wanted, Choice] = {}
        self._limited = any(ask.counts is not None or ask.most_hours is not None for ask in self.asks)

    def choice(self, bid: Bid) -> Choice:
        """Return the rows whose model, provider, category, terms and lot suit the bid, at any price."""
        lot = (bid.count, bid.hours) if self._limited else None
        wanted = (bid.accelerators, bid.providers, bid.categories, bid.agreed, lot)
        if wanted not in self._choices:
            self._choices[wanted] = self._choose(bid)
        return self._choices[wanted]

    def _choose(self, bid: Bid) -> Choice:
        rows = range(len(self.asks))
        models = [row for row in rows if self.asks[row].accelerator in bid.accelerators]
        sold = [row for row in models if bid.providers is None or self.asks[row].provider in bid.providers]
        kinds = [row for row in sold if bid.categories is None or self.asks[row].category in bid.categories]
        agreed = [row for row in kinds if self.asks[row].may_serve(bid)]
        lots = [row for row in agreed if self.asks[row].sells(bid)]
        first = (Reason.NO_MODEL, models), (Reason.NO_PROVIDER, sold), (Reason.NO_CATEGORY, kinds)
        steps = (*first, (Reason.CONSENT, agreed), (Reason.LOT, lots))
        missing = next((reason for reason, left in steps if not left), None)
        return Choice(np.array(lots, dtype=np.intp), missing)

    def within(self, rows: Indexes, limit_micro: int) -> int:
        """Return how many of ``rows``, which are cheapest first, ask no more than the limit."""
        return int(np.searchsorted(self.prices[rows], limit_micro, side="right"))

    def open(self, rows: Indexes, starts: range, hours: int) -> Indexes:
        """Return, for each row, the first of ``starts`` from which it is open for ``hours`` hours, or -1."""
        if not starts:
            return np.full(len(rows), -1)
        totals = self.closed[rows, starts.start : starts.stop + hours]
        first = windows.first_true(windows.fits(totals, hours))
        return np.where(first < 0, first, first + starts.start)

    def cheapest(self, rows: Indexes, bid: Bid) -> Place | None:
        """Return the first place by (price, start, offering) among ``rows`` that has room for the bid."""
        starts = bid.starts(self.hours)
        if not starts:
            return None
        for some in self._looks(rows[self.most[rows] >= bid.count]):
            place = self._first_fit(some, starts, bid)
            if place is not None:
                return place
        return None

    def _looks(self, rows: Indexes) -> Iterator[Indexes]:
        """Yield rows in growing portions that never split a price, because equal prices compete by start."""
        prices = self.prices[rows]
        begin, size = 0, FIRST_LOOK
        while begin < len(rows):
            last = min(begin + size, len(rows)) - 1
            end = int(np.searchsorted(prices, prices[last], side="right"))
            yield rows[begin:end]
            begin, size = end, size * WIDER

    def _first_fit(self, rows: Indexes, starts: range, bid: Bid) -> Place | None:
        span = slice(starts.start, starts.stop + bid.hours - 1)
        rows = rows[windows.probe(self.free[rows, span], bid.hours) >= bid.count]
        first = windows.first_true(windows.fits(windows.shortfalls(self.free[rows, span], bid.count), bid.hours))
        hits = np.flatnonzero(first >= 0)
        if not hits.size:
            return None
        prices = self.prices[rows[hits]]
        equal = hits[prices == prices[0]]
        best = equal[first[equal].argmin()]
        return Place(int(rows[best]), starts.start + int(first[best]))

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
        self.free[place.row, place.start : place.start + bid.hours] -= bid.count
        self.most[place.row] = self.free[place.row].max()
