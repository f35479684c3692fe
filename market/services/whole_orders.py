"""Keep the promise of all or none in the call auction, where an order that is split asks for its shares one by one.

Where such an order would get some of its shares only, it is withdrawn and the others are cleared again without it: the
half of those orders that is worth least per card first, so that two which stand in each other's way do not both lose.
An order that is withdrawn stays open. What decides is in the arrays, so that whoever replays them gets the same.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from market.models import Order

HALVING = 3
"""In so many clearings the better half of the orders that lack a share is given another chance, then none of them."""
LAST = 6
"""If orders still lack shares in this clearing, nobody's all or none is kept but by withdrawing all of them."""

Array = npt.NDArray[Any]


def marks(orders: Sequence[Order], count: Array) -> dict[str, Array]:
    """Return arrays that say which requests belong to one order of all or none, and what these ask for.

    There are none where no order is one. ``req_whole`` numbers the orders from 1, ``whole_count`` are the rows of
    ``req_count`` that have a number, as they were before any order was withdrawn.
    """
    number = {order.pk: 0 for order in orders if order.is_split and order.all_or_none}
    if not number:
        return {}
    number = {key: place for place, key in enumerate(number, 1)}
    whole = np.array([number.get(order.pk, 0) for order in orders], np.int32)
    return {"req_whole": whole, "whole_count": count[whole > 0]}


def restored(arrays: Mapping[str, Array]) -> dict[str, Array]:
    """Return arrays in which nothing is withdrawn yet."""
    if "req_whole" not in arrays:
        return dict(arrays)
    count = arrays["req_count"].copy()
    count[arrays["req_whole"] > 0] = arrays["whole_count"]
    return {**arrays, "req_count": count}


def lacking(arrays: Mapping[str, Array], offer: Array) -> dict[int, int]:
    """Return the orders of all or none that got only some of their shares, with the card-hours of these."""
    whole = arrays.get("req_whole")
    if whole is None:
        return {}
    shares, got = np.bincount(whole), np.bincount(whole, weights=offer >= 0).astype(np.int64)
    some = np.flatnonzero((got > 0) & (got < shares))
    return {mark: _card_hours(arrays, offer, mark) for mark in some.tolist() if mark}


def _card_hours(arrays: Mapping[str, Array], offer: Array, mark: int) -> int:
    rows = np.flatnonzero((arrays["req_whole"] == mark) & (offer >= 0))
    cards = arrays["req_count"][rows, arrays["offer_class"][offer[rows]]].astype(np.int64)
    return int((cards * arrays["req_hours"][rows]).sum())


def losers(arrays: Mapping[str, Array], short: Collection[int], *, clearing: int) -> list[int]:
    """Return the orders to withdraw after a clearing, the first being 1, in which some fell ``short``."""
    if clearing >= LAST:
        return sorted(set(arrays["req_whole"].tolist()) - {0})
    worst = sorted(short, key=lambda mark: (_per_card(arrays, mark), -mark))
    return worst[: -(-len(worst) // 2)] if clearing <= HALVING else worst


def _per_card(arrays: Mapping[str, Array], mark: int) -> int:
    row = int(np.flatnonzero(arrays["req_whole"] == mark)[0])
    return int(arrays["req_value"][row]) // max(int(arrays["req_count"][row].max()), 1)


def withdrawn(arrays: Mapping[str, Array], orders: Collection[int]) -> dict[str, Array]:
    """Return arrays in which some orders want nothing."""
    count = arrays["req_count"].copy()
    count[np.isin(arrays["req_whole"], list(orders))] = 0
    return {**arrays, "req_count": count}
