"""Prices of slot-hours in whole units, on top of the asks: what a run of hours costs at them.

A unit is so many micro-yuan that 32 bits hold the price of the whole horizon. Asks are rounded down to units and
values up, so that utilities in units bound the exact ones from above.
"""

from typing import NamedTuple

import numpy as np
from numba import njit

from market.matching.auction.board import WORD, Board
from market.matching.auction.instance import Int32s, Int64s, Whole

MOST_UNITS = 2**30


class Tariff(NamedTuple):
    """``due[slot, h]``: ask and price of a card before hour ``h``; ``least[slot]``: those of its cheapest hour.

    ``worth[request]`` is the value of a request, ``top[slot]`` more than any request could pay for a card-hour and
    the price of every closed hour, ``pace[slot]`` by how much prices move; ``micro`` the size of the unit.
    """

    ask: Int32s
    price: Int32s
    due: Int32s
    least: Int64s
    worth: Int64s
    top: Int64s
    pace: Int64s
    micro: int


def build(board: Board) -> Tariff:
    """Return a tariff at which nothing costs more than its ask."""
    per_hour = -(-np.repeat(board.value // board.hours + 1, np.diff(board.kind_at)) // board.needs)
    dearest = np.zeros(len(board.first_word), dtype=np.int64)
    np.maximum.at(dearest, board.kinds, per_hour)
    top = np.repeat(dearest, (board.end_word - board.first_word) * WORD)
    horizon = board.cap.shape[1]
    largest = max(int(board.spent[:, -1].max(initial=0)) + horizon * int(top.max(initial=0)), 1)
    micro = -(-largest // MOST_UNITS)
    ask = (np.diff(board.spent, axis=1) // micro).astype(np.int32)
    top = top // micro + 1
    tariff = Tariff(
        ask=ask,
        price=np.where(board.cap > 0, 0, top[:, None]).astype(np.int32),
        due=np.zeros(board.spent.shape, dtype=np.int32),
        least=np.zeros(len(top), dtype=np.int64),
        worth=-(-board.value // micro),
        top=top,
        pace=np.maximum(ask.mean(axis=1).astype(np.int64), top // 8),
        micro=micro,
    )
    add_up_all(tariff)
    return tariff


@njit(cache=True)
def add_up(tariff: Tariff, slot: Whole) -> None:
    """Bring the sums of a slot up to date with its prices."""
    least = np.int64(MOST_UNITS)
    running = np.int64(0)
    for hour in range(tariff.price.shape[1]):
        cost = np.int64(tariff.ask[slot, hour]) + np.int64(tariff.price[slot, hour])
        least = min(least, cost)
        running += cost
        tariff.due[slot, hour + 1] = running
    tariff.least[slot] = least


@njit(cache=True)
def add_up_all(tariff: Tariff) -> None:
    """Bring all sums up to date."""
    for slot in range(len(tariff.least)):
        add_up(tariff, slot)


@njit(cache=True)
def cheapest_run(due: Int32s, lo: Whole, hi: Whole, hours: Whole) -> Whole:
    """Return the least that one card costs for a run of hours, even where too few cards are open."""
    begin = due[lo : hi + 1]
    end = due[lo + hours : hi + hours + 1]
    least = np.int32(end[0] - begin[0])
    for index in range(len(begin)):
        least = min(least, np.int32(end[index] - begin[index]))
    return np.int64(least)
