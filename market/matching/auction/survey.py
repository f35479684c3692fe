"""Look at all slots that a request can afford, side by side: what a card costs at its cheapest start in each.

Costs are taken from the prices as they were last shown, hour by hour for all slots of a class at once, which vector
units do many times faster than slot by slot.
"""

import numpy as np

from market.matching.auction.board import WORD, Board
from market.matching.auction.hands import Hands
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import built_in, compiled
from market.matching.auction.slots import Room, accept, unpack
from market.matching.auction.tariffs import MOST_UNITS, SHARE_BITS, Tariff, cheapest_run, payable

# Looking at one slot costs about as much as looking at so many more of its starts.
ONE_BY_ONE = 100


def alike(board: Board, order: Int64s) -> Int64s:
    """Bring requests together that want the same class at the same time, otherwise in an order: caches like that."""
    wants = np.zeros(len(order), dtype=np.int64)
    picky = np.diff(board.kind_at) > 0
    wants[picky] = board.kinds[board.kind_at[:-1][picky]]
    return order[np.lexsort((board.lo[order] // 24, wants[order]))].astype(np.int64)


def show(tariff: Tariff, hands: Hands) -> None:
    """Lay all sums out by hour, as they are now."""
    hands.share(lambda *part: _show(tariff, *part), len(tariff.least))


@compiled
def _show(tariff: Tariff, first: Whole, last: Whole) -> None:
    for level in range(len(tariff.blocks)):
        for begin in range(first, last, WORD):
            end = min(begin + WORD, last)
            for hour in range(tariff.due.shape[2]):
                shown = tariff.shown[level, hour, begin:end]
                for index in range(len(shown)):
                    shown[index] = tariff.due[begin + index, level, hour]


@compiled
def survey(board: Board, tariff: Tariff, request: Whole, room: Room, starts: Whole) -> Whole:
    """List the slots that a request accepts at a price within its value; return how many there are.

    No run in a slot costs less a card than ``room.costs`` says, even where too few cards are open; but where more than
    so many starts are possible, and many slots, only about so many are looked at, evenly spread.
    """
    found = 0
    last = board.kind_at[request + 1] if board.hi[request] >= board.lo[request] else 0
    for kind in range(board.kind_at[request], last):
        need = board.needs[kind]
        dearest = board.value[request] // (need * board.hours[request])
        first, end = board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]
        while end > first and board.floor[(end - 1) * WORD] > dearest:
            end -= 1
        if end > first:
            accept(board, request, first, room.bits[: end - first])
            listed = _list(board, need, dearest, (first, end), room, found)
            _cost(board, tariff, request, need, starts, (first, end), room, (found, listed))
            found = listed
    return found


@compiled
def _list(
    board: Board, need: Whole, dearest: Whole, words: tuple[Whole, Whole], room: Room, found: Whole
) -> Whole:  # fmt: skip
    """Append the slots of some words, with cards; return how many there are then."""
    # Arrays are taken out of their tuples once: in the loop that would cost more than all the rest.
    slots, needs, bits, floor, most = room.slots, room.needs, room.bits, board.floor, board.most
    for word in range(words[0], words[1]):
        listed = unpack(np.int64(bits[word - words[0]]), word, slots, found)
        for index in range(found, listed):
            slot = np.int64(slots[index])
            slots[found], needs[found] = slot, need
            found += floor[slot] <= dearest and most[slot] >= need
    return found


@compiled
def _cost(
    board: Board, tariff: Tariff, request: Whole, need: Whole, starts: Whole, words: tuple[Whole, Whole], room: Room,
    listed: tuple[Whole, Whole],
) -> None:  # fmt: skip
    """Write down what a card costs in each of the listed slots: one by one where they are few."""
    possible, all_slots = board.hi[request] - board.lo[request] + 1, (words[1] - words[0]) * WORD
    if (listed[1] - listed[0]) * (ONE_BY_ONE + possible) < all_slots * min(possible, starts):
        for index in range(listed[0], listed[1]):
            room.costs[index] = _cheapest(board, tariff, request, need, room.slots[index])
        return
    base = words[0] * WORD
    _cost_all(board, tariff, request, need, starts, room.all[:all_slots], base)
    for index in range(listed[0], listed[1]):
        room.costs[index] = room.all[room.slots[index] - base]


@compiled
def _cost_all(
    board: Board, tariff: Tariff, request: Whole, need: Whole, starts: Whole, costs: Int32s, base: Whole
) -> None:  # fmt: skip
    """Write down what a card costs at least for a run of hours in each of the slots from ``base`` on."""
    hours, lo, hi = board.hours[request], board.lo[request], board.hi[request]
    level, whole = payable(tariff.level, tariff.whole, need)
    shown, first, last = tariff.shown, base, base + len(costs)
    share = np.int32((whole << SHARE_BITS) // need)
    costs[:] = MOST_UNITS
    for start in range(lo, hi + 1, max((hi - lo) // starts, 1)):
        begin, end = shown[level, start, first:last], shown[level, start + hours, first:last]
        if whole == need:
            _lower(costs, begin, end)
        else:
            _lower_mixed(costs, begin, end, shown[0, start, first:last], shown[0, start + hours, first:last], share)


@compiled
def _cheapest(board: Board, tariff: Tariff, request: Whole, need: Whole, slot: Whole) -> Whole:
    """Return what a card costs at least for a run of hours in a slot."""
    hours, lo, hi = board.hours[request], board.lo[request], board.hi[request]
    level, whole = payable(tariff.level, tariff.whole, need)
    due = tariff.due[slot, level]
    if whole == need:
        return cheapest_run(due, lo, hi, hours)
    low, share = tariff.due[slot, 0], np.int32((whole << SHARE_BITS) // need)
    begin, end, low_begin, low_end = due[lo:], due[lo + hours :], low[lo:], low[lo + hours :]
    least = np.int32(MOST_UNITS)
    for start in range(hi - lo + 1):
        least = min(least, _mixed(begin[start], end[start], low_begin[start], low_end[start], share))
    return np.int64(least)


@built_in
def _mixed(begin: Whole, end: Whole, low_begin: Whole, low_end: Whole, share: Whole) -> Whole:
    """Return the average of all cards where some pay another level, rounded down as vector units can."""
    low = np.int32(low_end - low_begin)
    above = np.int32(np.int32(np.int32(end - begin) - low) >> np.int32(SHARE_BITS))
    return np.int32(low + np.int32(above * share))


@compiled
def _lower(costs: Int32s, begin: Int32s, end: Int32s) -> None:
    for index in range(len(costs)):
        costs[index] = min(costs[index], np.int32(end[index] - begin[index]))


@compiled
def _lower_mixed(
    costs: Int32s, begin: Int32s, end: Int32s, low_begin: Int32s, low_end: Int32s, share: Whole
) -> None:  # fmt: skip
    """Do the same where some cards pay another level."""
    for index in range(len(costs)):
        costs[index] = min(costs[index], _mixed(begin[index], end[index], low_begin[index], low_end[index], share))
