"""Which offerings an order accepts, whatever their hours, and which of its terms is in the way where there are none."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from market.matching.book import FARTHEST, LARGEST, Ask, Bid, Key, Rings
from market.matching.outcome import Reason
from market.matching.terms import UNKNOWN, Attribute
from market.matching.windows import Bools, Indexes, Needs

REASON_OF = {
    Attribute.DOMESTIC: Reason.NOT_DOMESTIC,
    Attribute.MEMORY: Reason.MEMORY,
    Attribute.INTERCONNECT: Reason.INTERCONNECT,
    Attribute.PUE: Reason.PUE,
    Attribute.GREEN: Reason.GREEN,
    Attribute.RELIABILITY: Reason.RELIABILITY,
}


@dataclass(frozen=True, slots=True, eq=False)
class Choice:
    """The rows that a bid accepts, cheapest first, with the cards that it needs and what counts against its limit.

    Where there are none, ``missing`` is the term in the way and ``detail`` what would do instead.
    """

    rows: Indexes
    needs: Needs
    costs: Needs
    missing: Reason | None = None
    detail: Mapping[str, int] = field(default_factory=dict)

    def part(self, which: Bools | slice) -> "Choice":
        """Return some of the rows."""
        return Choice(self.rows[which], self.needs[which], self.costs[which])

    def within(self, limit_micro: int) -> int:
        """Return how many of the rows cost no more than the limit."""
        return int(np.searchsorted(self.costs, limit_micro, side="right"))


class _Column:
    """One property of every row, numbered, so that each key is asked about once."""

    def __init__(self, keys: Iterable[Key]) -> None:
        named = list(keys)
        self.numbers = {key: number for number, key in enumerate(dict.fromkeys(named))}
        self.codes = np.array([self.numbers[key] for key in named], dtype=np.intp)

    def each(self, value: Callable[[Key], int]) -> Needs:
        """Return a value by row."""
        return np.array([value(key) for key in self.numbers], dtype=np.int64)[self.codes]

    def among(self, keys: frozenset[Key] | None) -> Bools:
        """Return whether each row has one of the keys; every row has where no condition is set."""
        return self.each(lambda key: keys is None or key in keys).astype(np.bool_)


class Stock:
    """What stands on a shelf, row by row."""

    def __init__(self, asks: Sequence[Ask], rings: Rings) -> None:
        self.asks = asks
        self.limited = any(ask.counts is not None or ask.most_hours is not None for ask in asks)
        self.consents = _Column(ask.consent or "" for ask in asks)
        self.models = _Column(ask.accelerator for ask in asks)
        self.providers = _Column(ask.provider for ask in asks)
        self.categories = _Column(ask.category for ask in asks)
        self.sites = _Column(ask.site for ask in asks)
        self.prices = np.array([ask.price_micro for ask in asks], dtype=np.int64)
        self.levels: npt.NDArray[np.int64] = np.array([ask.levels for ask in asks], dtype=np.int64).reshape(
            -1, len(Attribute)
        )
        self.regions = np.array([ask.region for ask in asks], dtype=np.intp)
        self.rings = np.array(rings, dtype=np.int64)
        by_id = sorted(range(len(asks)), key=lambda row: asks[row].offering_id)
        self.id_rank = np.argsort(np.array(by_id, dtype=np.intp))

    def choice(self, bid: Bid) -> Choice:
        """Return what a bid accepts at any price."""
        needs = self.models.each(bid.cards)
        terms, conditions = self._terms(bid, needs), self._conditions(bid)
        fitting = _all([*terms.values(), *conditions.values()])
        if not fitting.any():
            missing, detail = self._missing(bid, terms, conditions)
            nothing = np.zeros(0, dtype=np.int64)
            return Choice(nothing.astype(np.intp), nothing, nothing, missing, detail)
        rows = np.flatnonzero(fitting)
        if bid.counts is None:
            return Choice(rows, needs[rows], self.prices[rows])
        return self._by_cost(rows, needs[rows])

    def _by_cost(self, rows: Indexes, needs: Needs) -> Choice:
        """Return rows by what all the cards of an order cost there."""
        prices = self.prices[rows]
        costs = np.where(prices > LARGEST // needs, LARGEST, prices * needs)
        order = np.lexsort((self.id_rank[rows], costs))
        return Choice(rows[order], needs[order], costs[order])

    def _terms(self, bid: Bid, needs: Needs) -> dict[Reason, Bools]:
        return {
            Reason.NO_MODEL: self.models.among(bid.accelerators),
            Reason.TFLOPS: needs > 0,
            Reason.NO_PROVIDER: self.providers.among(bid.providers),
            Reason.NO_CATEGORY: self.categories.among(bid.categories),
            Reason.CONSENT: self.consents.among(bid.agreed | {""}),
            Reason.LOT: self._sold(bid),
        }

    def _sold(self, bid: Bid) -> Bools:
        """Return which rows sell so many cards for so long in one order."""
        if not self.limited:
            return np.ones(len(self.asks), dtype=np.bool_)
        return np.array([ask.sells(bid) for ask in self.asks], dtype=np.bool_)

    def _conditions(self, bid: Bid) -> dict[Reason, Bools]:
        """Return which rows meet each condition that a bid sets."""
        met = {
            REASON_OF[attribute]: self.levels[:, attribute] >= bid.least[attribute]
            for attribute in Attribute
            if bid.asks_for(attribute)
        }
        if bid.refused:
            met[Reason.REFUSED] = ~self.providers.among(bid.refused)
        if bid.sites is not None:
            met[Reason.SITE] = self.sites.among(bid.sites)
        if bid.ring_max < FARTHEST:
            met[Reason.RING] = self._distances(bid) <= bid.ring_max
        return met

    def _distances(self, bid: Bid) -> Needs:
        distances: Needs = self.rings[bid.home][self.regions]
        return distances

    def _missing(
        self, bid: Bid, terms: Mapping[Reason, Bools], conditions: Mapping[Reason, Bools]
    ) -> tuple[Reason, dict[str, int]]:
        """Return the term that nobody meets, or the condition without which there would be offerings, and how many."""
        for number, reason in enumerate(terms):
            if not _all(list(terms.values())[: number + 1]).any():
                return reason, {}
        for reason in conditions:
            others = [met for other, met in conditions.items() if other is not reason]
            but = _all([*terms.values(), *others])
            if but.any():
                return reason, {"without": int(but.sum())} | self._nearest(bid, reason, but)
        return next(iter(conditions)), {}

    def _nearest(self, bid: Bid, reason: Reason, but: Bools) -> dict[str, int]:
        """Return the best level that one of some rows has of what a condition is about, if it is known."""
        if reason is Reason.RING:
            nearest = int(self._distances(bid)[but].min())
            return {"nearest": nearest} if nearest < FARTHEST else {}
        attribute = next((one for one, name in REASON_OF.items() if name is reason), None)
        if attribute in (None, Attribute.DOMESTIC):
            return {}
        best = int(self.levels[but, attribute].max())
        return {"nearest": abs(best)} if best > UNKNOWN else {}


def _all(flags: Sequence[Bools]) -> Bools:
    met: Bools = np.logical_and.reduce(flags)
    return met
