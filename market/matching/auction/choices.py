"""What each request would choose at given prices if it were alone, and what that proves about every allocation.

The sum of the best utilities and of what the capacity costs is never less than the welfare of any allocation, whatever
the prices (weak duality of the linear program with one variable for every request, slot and start).
"""

from typing import NamedTuple

import numpy as np

from market.matching.auction.board import Board
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.slots import accepted, lowest
from market.matching.auction.tariffs import SLACK, Tariff, cheapest_run, is_mixed, level_of, payable, row_of

NOTHING = -(2**62)


class Choices(NamedTuple):
    """The choice of each request: a slot or -1, its start, its cards, and the utility in units."""

    slot: Int64s
    start: Int64s
    need: Int64s
    utility: Int64s


def nothing(requests: int) -> Choices:
    """Return choices before anybody has chosen."""
    slot, start, need, utility = (np.full(requests, first, dtype=np.int64) for first in (-1, 0, 0, 0))
    return Choices(slot, start, need, utility)


@compiled
def _open_run(cap: Int32s, due: Int32s, need: Whole, lo: Whole, hi: Whole, hours: Whole) -> tuple[Whole, Whole]:
    """Return the cheapest start from which enough cards are open all the time, or -1, and its cost per card."""
    best, start, ready = np.int64(0), np.int64(-1), lo
    for hour in range(lo, hi + hours):
        if cap[hour] < need:
            ready = hour + 1
        begin = hour - hours + 1
        if begin >= ready:
            cost = np.int64(due[hour + 1]) - np.int64(due[begin])
            if start < 0 or cost < best:
                best, start = cost, np.int64(begin)
    return start, best


@compiled
def _repeat(board: Board, tariff: Tariff, choices: Choices, request: Whole) -> Whole:
    """Return what the earlier choice of a request leaves it now; forget a choice that leaves nothing."""
    slot, start = choices.slot[request], choices.start[request]
    if slot < 0:
        return np.int64(0)
    end, need = start + board.hours[request], choices.need[request]
    level, whole, low = level_of(tariff, need), need, np.int64(0)
    if is_mixed(tariff, need):
        whole = tariff.whole[need]
        low = np.int64(tariff.due[slot, 0, end]) - np.int64(tariff.due[slot, 0, start])
    cost = np.int64(tariff.due[slot, level, end]) - np.int64(tariff.due[slot, level, start])
    utility = tariff.worth[request] - whole * cost - (need - whole) * low
    if utility <= 0:
        choices.slot[request] = -1
    return max(utility, np.int64(0))


@compiled
def choose(
    board: Board,
    tariff: Tariff,
    choices: Choices,
    request: Whole,
    listed: tuple[Int32s, Int32s, Int64s],
    found: Whole,
    scratch: Int32s,
) -> None:
    """Let a request choose among ``found`` slots and its earlier choice.

    A slot that promised too little when it was last looked at, even with what its hours have fallen since on average,
    is passed over. Where nothing has fallen since, that loses no better choice; while prices are learnt it may lose one
    for a pass.
    """
    slots, needs, promises = listed
    worth, hours, lo, hi = tariff.worth[request], board.hours[request], board.lo[request], board.hi[request]
    # Arrays are taken out of their tuple once: in the loop that would cost more than all the rest.
    due, fallen, levels, wholes = tariff.due, tariff.fallen, tariff.level, tariff.whole
    utility = _repeat(board, tariff, choices, request)
    for index in range(found):
        slot, need = np.int64(slots[index]), np.int64(needs[index])
        allowance = need * hours * fallen[slot]
        if promises[index] + allowance <= utility:
            continue
        paid = payable(levels, wholes, need)
        row = row_of(due, slot, paid, need, lo, hi + hours, scratch)
        most = worth + SLACK * need if paid[1] < need else worth
        left = most - need * cheapest_run(row, lo, hi, hours)
        if left > utility:
            start, cost = _open_run(board.cap[slot], row, need, lo, hi, hours)
            left = most - need * cost if start >= 0 else NOTHING
            if left > utility:
                utility = left
                choices.slot[request], choices.start[request], choices.need[request] = slot, start, need
        promises[index] = left - allowance
    choices.utility[request] = utility


def bound_micro(board: Board, tariff: Tariff, choices: Choices) -> int:
    """Return the bound on the welfare that these prices prove, in micro-yuan, exactly."""
    capacity = 0
    for level, block in enumerate(tariff.blocks.tolist()):
        price = np.where(board.cap > 0, tariff.price[:, level], 0).astype(np.int64)
        capacity += sum(int(row) for row in (price * (board.cap & -block)).sum(axis=1))
    return (int(choices.utility.sum()) + capacity) * tariff.micro


@compiled
def _least_cost(board: Board, request: Whole) -> Whole:
    """Return what a request would pay if every hour of the offers that it accepts cost as little as their cheapest."""
    least = np.int64(board.value[request])
    last = board.kind_at[request + 1] if board.hi[request] >= board.lo[request] else 0
    for kind in range(board.kind_at[request], last):
        for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
            bits = accepted(board, request, word)
            if bits:
                cost = board.needs[kind] * board.hours[request] * board.floor[lowest(bits, word)]
                least = min(least, np.int64(cost))
                break
    return least


@compiled
def at_most_micro(board: Board) -> Whole:
    """Return a bound that needs no prices: every request alone in the market, at its cheapest hour."""
    bound = np.int64(0)
    for request in range(len(board.hours)):
        bound += board.value[request] - _least_cost(board, request)
    return bound
