"""List the slots that promise a request the most at the prices."""

from typing import NamedTuple

import numpy as np

from market.matching.auction.board import Board
from market.matching.auction.choices import Choices, choose
from market.matching.auction.hands import Hands
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.slots import Room, room
from market.matching.auction.survey import alike, show, survey
from market.matching.auction.tariffs import Tariff, cheapest_run, payable

NEVER = 2**62


class Shortlist(NamedTuple):
    """By request and place on its list: slot, cards, utility and cheapest start; -1 in ``slot`` after the last.

    Only the first ``size[request]`` count. No slot that was left out promised more than ``floor[request]``. While
    prices are learnt, ``utility`` leaves out what the hours of a slot have fallen, so that no fall has to change it.
    """

    slot: Int32s
    need: Int32s
    utility: Int64s
    start: Int32s
    size: Int64s
    floor: Int64s


def empty(requests: int, length: int) -> Shortlist:
    """Return lists before anybody has looked."""
    shape = (requests, length)
    return Shortlist(
        np.full(shape, -1, dtype=np.int32),
        np.zeros(shape, dtype=np.int32),
        np.zeros(shape, dtype=np.int64),
        np.zeros(shape, dtype=np.int32),
        np.zeros(requests, dtype=np.int64),
        np.full(requests, NEVER, dtype=np.int64),
    )


@compiled
def _swap(slot: Int32s, need: Int32s, utility: Int64s, one: Whole, other: Whole) -> None:
    slot[one], slot[other] = slot[other], slot[one]
    need[one], need[other] = need[other], need[one]
    utility[one], utility[other] = utility[other], utility[one]


@compiled
def _sink(slot: Int32s, need: Int32s, utility: Int64s, at: Whole, size: Whole) -> None:
    """Restore a heap with the least utility on top after one of its places was filled anew."""
    while 2 * at + 1 < size:
        child = 2 * at + 1
        if child + 1 < size and utility[child + 1] < utility[child]:
            child += 1
        if utility[at] <= utility[child]:
            return
        _swap(slot, need, utility, at, child)
        at = child


@compiled
def _heap(slot: Int32s, need: Int32s, utility: Int64s, size: Whole) -> None:
    for at in range(size // 2 - 1, -1, -1):
        _sink(slot, need, utility, at, size)


@compiled
def gather(board: Board, tariff: Tariff, request: Whole, room: Room, found: Whole, short: Shortlist) -> None:
    """List those of ``found`` slots that leave a request the most, in no order, even if that is a bit below nothing.

    Falls of prices so far are left out of what they promise.
    """
    slot, need, utility = short.slot[request], short.need[request], short.utility[request]
    slots, needs, costs, worth = room.slots, room.needs, room.costs, tariff.worth[request]
    size: Whole = 0
    least = np.int64(-(worth // 4))
    for index in range(found):
        left = worth - np.int64(needs[index]) * np.int64(costs[index])
        if left <= least:
            continue
        at = size if size < len(slot) else 0
        slot[at], need[at], utility[at] = slots[index], needs[index], left
        size += at == size
        if at == len(slot) - 1:
            _heap(slot, need, utility, size)
        elif size == len(slot):
            _sink(slot, need, utility, 0, size)
        least = utility[0] if size == len(slot) else least
    slot[size:] = -1
    short.size[request], short.floor[request] = size, least
    _fall_back(board, tariff, request, short, -1)


@compiled
def _fall_back(board: Board, tariff: Tariff, request: Whole, short: Shortlist, by: Whole) -> None:
    """Count the falls of prices so far into what the slots of a list promise, or leave them out with -1."""
    for index in range(short.size[request]):
        fallen = tariff.fallen[short.slot[request, index]]
        short.utility[request, index] += by * short.need[request, index] * board.hours[request] * fallen


@compiled
def _promising(board: Board, tariff: Tariff, request: Whole, room: Room, found: Whole, utility: Whole) -> Whole:
    """Keep those of ``found`` slots that promise a request more than a utility; return how many they are."""
    kept = 0
    for index in range(found):
        slot, need = room.slots[index], np.int64(room.needs[index])
        left = tariff.worth[request] - need * np.int64(room.costs[index])
        if left > utility:
            room.slots[kept], room.needs[kept] = slot, need
            room.promises[kept] = left - need * board.hours[request] * tariff.fallen[slot]
            kept += 1
    return kept


@compiled
def _sort(slot: Int32s, need: Int32s, utility: Int64s, size: Whole) -> None:
    """Put the best first."""
    _heap(slot, need, utility, size)
    for last in range(size - 1, 0, -1):
        _swap(slot, need, utility, 0, last)
        _sink(slot, need, utility, 0, last)


@compiled
def _first_cheapest(due: Int32s, lo: Whole, hi: Whole, hours: Whole) -> Whole:
    """Return the first start from which one card costs the least for a run of hours."""
    least = cheapest_run(due, lo, hi, hours)
    start: Whole = lo
    while np.int64(due[start + hours]) - np.int64(due[start]) > least:
        start += 1
    return start


@compiled
def _respond(board: Board, tariff: Tariff, choices: Choices, short: Shortlist, room: Room, some: Int64s) -> None:
    for request in some:
        found = survey(board, tariff, request, room, board.cap.shape[1])
        gather(board, tariff, request, room, found, short)
        slot, need, utility = short.slot[request], short.need[request], short.utility[request]
        size = short.size[request]
        choose(board, tariff, choices, request, (slot, need, utility), size, room.row)
        if choices.utility[request] < short.floor[request]:
            # A slot that is not on the list promises more.
            found = _promising(board, tariff, request, room, found, choices.utility[request])
            choose(board, tariff, choices, request, (room.slots, room.needs, room.promises), found, room.row)
        _fall_back(board, tariff, request, short, 1)
        _sort(slot, need, utility, size)
        for index in range(size):
            paid = payable(tariff.level, tariff.whole, np.int64(short.need[request, index]))
            due = tariff.due[short.slot[request, index], paid[0]]
            lo, hi, hours = board.lo[request], board.hi[request], board.hours[request]
            short.start[request, index] = _first_cheapest(due, lo, hi, hours)


def respond(board: Board, tariff: Tariff, choices: Choices, length: int, hands: Hands) -> Shortlist:
    """Let every request choose among all slots, and return the list of each, best first."""
    short, order = empty(len(board.hours), length), alike(board, np.arange(len(board.hours)))
    show(tariff, hands)
    hands.share(lambda first, last: _respond(board, tariff, choices, short, room(board), order[first:last]), len(order))
    return short
