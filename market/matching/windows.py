"""Questions about runs of hours, answered for many offerings at once."""

import numpy as np
import numpy.typing as npt

from market.matching.book import Cards

Bools = npt.NDArray[np.bool_]
Indexes = npt.NDArray[np.intp]
Needs = npt.NDArray[np.int64]


def shortfalls(cards: Cards, needs: Needs | int) -> Cards:
    """Return running totals ``[row, hour]`` of the hours before ``hour`` with fewer cards than a row needs."""
    totals = np.zeros((cards.shape[0], cards.shape[1] + 1), dtype=np.int32)
    np.cumsum(cards < np.reshape(needs, (-1, 1)), axis=1, out=totals[:, 1:])
    return totals


def fits(totals: Cards, hours: int) -> Bools:
    """Return ``[row, start]``: whether ``hours`` hours in a row are without a shortfall."""
    without: Bools = totals[:, hours:] == totals[:, :-hours]
    return without


def first_true(flags: Bools) -> Indexes:
    """Return the first true column of each row, or -1."""
    return np.where(flags.any(axis=1), flags.argmax(axis=1), -1)


def probe(cards: Cards, hours: int) -> Cards:
    """Return the most cards that each row can have free for ``hours`` hours in a row: a cheap upper bound.

    Every such run covers exactly one of the hours ``hours - 1``, ``2 * hours - 1``, …, so looking there is enough.
    """
    bound: Cards = cards[:, hours - 1 :: hours].max(axis=1)
    return bound


def lows(cards: Cards, hours: int) -> Cards:
    """Return ``[row, start]``: the fewest cards free in the ``hours`` hours from ``start`` on."""
    low, width = cards, 1
    while 2 * width <= hours:
        low = np.minimum(low[:, :-width], low[:, width:])
        width *= 2
    rest = hours - width
    return np.minimum(low[:, :-rest], low[:, rest:]) if rest else low
