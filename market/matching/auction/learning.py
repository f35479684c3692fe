"""Let prices follow demand: requests choose in small blocks, and what they choose gets dearer at once.

This is an incremental subgradient method. The size of a block depends on the number of requests alone, and prices are
integers that change between blocks only, so that neither threads nor the order of floating-point sums can change the
outcome. Requests look at a shortlist of slots that is renewed from time to time; the certificate looks at all slots.
"""

from typing import NamedTuple

import numpy as np
from numba import njit, prange

from market.matching.auction.board import Board
from market.matching.auction.choices import PARTS, Choices, choose
from market.matching.auction.instance import Int32s, Int64s
from market.matching.auction.slots import affordable
from market.matching.auction.tariffs import Tariff, add_up, cheapest_run

BLOCK = 32
BLOCKS = 100
LENGTH = 32


class Shortlist(NamedTuple):
    """The slots that promise a request the most, best first, -1 where there are fewer: cards needed and utility."""

    slot: Int32s
    need: Int32s
    utility: Int64s


def empty(requests: int) -> Shortlist:
    """Return shortlists before anybody has looked."""
    shape = (requests, LENGTH)
    return Shortlist(
        np.full(shape, -1, dtype=np.int32), np.zeros(shape, dtype=np.int32), np.zeros(shape, dtype=np.int64)
    )


@njit(cache=True)
def _swap(slot: Int32s, need: Int32s, utility: Int64s, one: int, other: int) -> None:
    slot[one], slot[other] = slot[other], slot[one]
    need[one], need[other] = need[other], need[one]
    utility[one], utility[other] = utility[other], utility[one]


@njit(cache=True)
def _sink(slot: Int32s, need: Int32s, utility: Int64s, size: int) -> None:
    """Restore a heap with the least utility on top after its top was replaced."""
    at = 0
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and utility[child + 1] < utility[child]:
            child += 1
        if utility[at] <= utility[child]:
            return
        _swap(slot, need, utility, at, child)
        at = child


@njit(cache=True)
def _list(board: Board, tariff: Tariff, request: int, slots: Int32s, needs: Int32s, found: int, short: Shortlist) -> None:
    slot, need, utility = short.slot[request], short.need[request], short.utility[request]
    worth, hours, lo, hi = tariff.worth[request], board.hours[request], board.lo[request], board.hi[request]
    slot[:] = -1
    utility[:] = -(worth // 4)
    for index in range(found):
        other, cards = np.int64(slots[index]), np.int64(needs[index])
        if worth - cards * hours * tariff.least[other] <= utility[0] or board.most[other] < cards:
            continue
        left = worth - cards * cheapest_run(tariff.due[other], lo, hi, hours)
        if left > utility[0]:
            slot[0], need[0], utility[0] = other, cards, left
            _sink(slot, need, utility, len(slot))
    for last in range(len(slot) - 1, 0, -1):
        _swap(slot, need, utility, 0, last)
        _sink(slot, need, utility, last)


@njit(cache=True, parallel=True)
def shortlist(board: Board, tariff: Tariff, short: Shortlist) -> None:
    """Renew the shortlist of every request."""
    requests = len(board.hours)
    slots = np.empty((PARTS, len(board.offer)), dtype=np.int32)
    needs = np.empty((PARTS, len(board.offer)), dtype=np.int32)
    for part in prange(PARTS):
        for request in range(part * requests // PARTS, (part + 1) * requests // PARTS):
            found = affordable(board, request, slots[part], needs[part])
            _list(board, tariff, request, slots[part], needs[part], found, short)


@njit(cache=True)
def _raise(board: Board, tariff: Tariff, choices: Choices, request: int, step: float) -> None:
    """Make the hours dearer that a request has chosen, by the share of their cards that it would take."""
    slot, start, added = choices.slot[request], choices.start[request], np.int64(0)
    end = start + board.hours[request]
    push = step * tariff.pace[slot] * choices.need[request]
    for hour in range(start, end):
        price = np.int64(tariff.price[slot, hour])
        more = min(np.int64(push / board.cap[slot, hour]), tariff.top[slot] - price)
        tariff.price[slot, hour] = price + more
        added += more
        tariff.due[slot, hour + 1] += added
    for hour in range(end + 1, tariff.due.shape[1]):
        tariff.due[slot, hour] += added


@njit(cache=True, parallel=True)
def learn(board: Board, tariff: Tariff, choices: Choices, short: Shortlist, requests: Int64s, step: float) -> None:
    """Let some requests choose from their shortlists, block by block, and raise the prices of what they choose."""
    size = max(len(requests) // BLOCKS, BLOCK)
    for block in range((len(requests) + size - 1) // size):
        some = requests[block * size : (block + 1) * size]
        for index in prange(len(some)):
            request = some[index]
            choose(board, tariff, choices, request, short.slot[request], short.need[request], LENGTH)
        for request in some:
            if choices.slot[request] >= 0:
                _raise(board, tariff, choices, request, step)


@njit(cache=True)
def _fall(board: Board, tariff: Tariff, slot: int, step: float) -> None:
    fall = np.int64(step * tariff.pace[slot])
    for hour in range(board.cap.shape[1]):
        if board.cap[slot, hour] > 0:
            tariff.price[slot, hour] = max(np.int64(tariff.price[slot, hour]) - fall, np.int64(0))
    add_up(tariff, slot)


@njit(cache=True, parallel=True)
def relax(board: Board, tariff: Tariff, step: float) -> None:
    """Make every open hour cheaper: where nothing was chosen, prices fall back to the ask."""
    for slot in prange(len(board.offer)):
        _fall(board, tariff, slot, step)
