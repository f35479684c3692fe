"""Let prices follow demand: requests choose in small blocks, and what they choose gets dearer at once.

This is an incremental subgradient method. The size of a block depends on the number of requests alone, and prices are
integers that change between blocks only, so that neither threads nor the order of floating-point sums can change the
outcome. Requests look at a shortlist of slots that is renewed from time to time; the certificate looks at all slots.
"""

from functools import partial
from typing import NamedTuple

import numpy as np
from numba import njit

from market.matching.auction.board import Board
from market.matching.auction.choices import Choices, choose
from market.matching.auction.hands import Hands, share
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.slots import affordable
from market.matching.auction.tariffs import Tariff, add_up, cheapest_run

BLOCK = 32
BLOCKS = 25
WORTH_SHARING = 256
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
def _swap(slot: Int32s, need: Int32s, utility: Int64s, one: Whole, other: Whole) -> None:
    slot[one], slot[other] = slot[other], slot[one]
    need[one], need[other] = need[other], need[one]
    utility[one], utility[other] = utility[other], utility[one]


@njit(cache=True)
def _sink(slot: Int32s, need: Int32s, utility: Int64s, size: Whole) -> None:
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
def _list(
    board: Board, tariff: Tariff, request: Whole, slots: Int32s, needs: Int32s, found: Whole, short: Shortlist
) -> None:
    slot, need, utility = short.slot[request], short.need[request], short.utility[request]
    worth, hours, lo, hi = tariff.worth[request], board.hours[request], board.lo[request], board.hi[request]
    for index in range(len(slot)):
        slot[index], utility[index] = -1, -(worth // 4)
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


@njit(cache=True, nogil=True)
def _shortlist(board: Board, tariff: Tariff, short: Shortlist, first: Whole, last: Whole) -> None:
    slots = np.empty(len(board.offer), dtype=np.int32)
    needs = np.empty(len(board.offer), dtype=np.int32)
    for request in range(first, last):
        found = affordable(board, request, slots, needs)
        _list(board, tariff, request, slots, needs, found, short)


def shortlist(board: Board, tariff: Tariff, short: Shortlist, hands: Hands) -> None:
    """Renew the shortlist of every request."""
    hands.each(lambda part: _shortlist(board, tariff, short, *share(part, len(board.hours))))


@njit(cache=True)
def _raise(board: Board, tariff: Tariff, choices: Choices, request: Whole, step: float) -> None:
    """Make the hours dearer that a request has chosen, by the share of their cards that it would take."""
    slot, start, added = choices.slot[request], choices.start[request], np.int64(0)
    end = start + board.hours[request]
    push = step * tariff.pace[slot] * choices.need[request]
    for hour in range(start, end):
        price = np.int64(tariff.price[slot, hour])
        room = np.int64(tariff.top[slot] - price)
        more: Whole = min(np.int64(push / board.cap[slot, hour]), room)
        tariff.price[slot, hour] = price + more
        added += more
        tariff.due[slot, hour + 1] += added
    for hour in range(end + 1, tariff.due.shape[1]):
        tariff.due[slot, hour] += added


@njit(cache=True, nogil=True)
def _choose_some(board: Board, tariff: Tariff, choices: Choices, short: Shortlist, some: Int64s) -> None:
    for request in some:
        choose(board, tariff, choices, request, short.slot[request], short.need[request], LENGTH)


def _choose_share(
    board: Board, tariff: Tariff, choices: Choices, short: Shortlist, shares: list[Int64s], part: int
) -> None:
    _choose_some(board, tariff, choices, short, shares[part])


@njit(cache=True)
def _raise_some(board: Board, tariff: Tariff, choices: Choices, some: Int64s, step: float) -> None:
    for request in some:
        if choices.slot[request] >= 0:
            _raise(board, tariff, choices, request, step)


def learn(
    board: Board, tariff: Tariff, choices: Choices, short: Shortlist, requests: Int64s, step: float, hands: Hands
) -> None:
    """Let some requests choose from their shortlists, block by block, and raise the prices of what they choose."""
    size = max(len(requests) // BLOCKS, BLOCK)
    parts = hands.threads if size >= WORTH_SHARING else 1
    for first in range(0, len(requests), size):
        some = requests[first : first + size]
        shares = [some[part::parts].copy() for part in range(parts)]
        hands.each(partial(_choose_share, board, tariff, choices, short, shares), parts)
        _raise_some(board, tariff, choices, some, step)


@njit(cache=True)
def _fall(board: Board, tariff: Tariff, slot: Whole, step: float) -> None:
    fall = np.int64(step * tariff.pace[slot])
    for hour in range(board.cap.shape[1]):
        if board.cap[slot, hour] > 0:
            tariff.price[slot, hour] = max(np.int64(tariff.price[slot, hour]) - fall, np.int64(0))
    add_up(tariff, slot)


@njit(cache=True, nogil=True)
def _relax(board: Board, tariff: Tariff, step: float, first: Whole, last: Whole) -> None:
    for slot in range(first, last):
        _fall(board, tariff, slot, step)


def relax(board: Board, tariff: Tariff, step: float, hands: Hands) -> None:
    """Make every open hour cheaper: where nothing was chosen, prices fall back to the ask."""
    hands.each(lambda part: _relax(board, tariff, step, *share(part, len(board.offer))))
