"""The allocation while it is made: who has which slot from when, and what is still free."""

from typing import NamedTuple

import numpy as np

from market.matching.auction.board import Board
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.tariffs import Tariff, level_of


class Plan(NamedTuple):
    """Arrays by request, -1 in ``slot`` where it has none, and the free cards by slot and hour.

    ``gain`` is the welfare of a request in micro-yuan, with the bonus of its age. The requests in a slot are linked:
    ``first[slot]``, then ``after[request]``.
    """

    free: Int32s
    slot: Int64s
    start: Int64s
    need: Int64s
    gain: Int64s
    first: Int64s
    after: Int64s
    before: Int64s


def empty(board: Board) -> Plan:
    """Return the plan in which nobody has anything."""
    # What belongs to one request stands side by side in memory: a search jumps from request to request.
    table = np.tile(np.array([-1, 0, 0, 0, -1, -1, 0, 0], dtype=np.int64), (len(board.hours), 1))
    slot, start, need, gain, after, before = (table[:, column] for column in range(6))
    return Plan(board.cap.copy(), slot, start, need, gain, np.full(len(board.offer), -1, dtype=np.int64), after, before)


def twin(board: Board, plan: Plan) -> Plan:
    """Return a plan that is like another, in memory of its own."""
    made = empty(board)
    for name in Plan._fields:
        getattr(made, name)[:] = getattr(plan, name)
    return made


@compiled
def fewest(cards: Int32s, start: Whole, end: Whole) -> Whole:
    """Return the fewest cards of some hours."""
    some = cards[start:end]
    least = some[0]
    for hour in range(len(some)):
        least = min(least, some[hour])
    return np.int64(least)


@compiled
def surplus(board: Board, request: Whole, slot: Whole, start: Whole, need: Whole) -> Whole:
    """Return what is left of a request's value after the asks of a place are paid, in micro-yuan."""
    end = start + board.hours[request]
    return board.value[request] - need * (board.spent[slot, end] - board.spent[slot, start])


@compiled
def take(board: Board, plan: Plan, request: Whole, slot: Whole, start: Whole, need: Whole) -> None:
    """Give a place to a request that has none."""
    for hour in range(start, start + board.hours[request]):
        plan.free[slot, hour] -= np.int32(need)
    plan.slot[request], plan.start[request], plan.need[request] = slot, start, need
    plan.gain[request] = surplus(board, request, slot, start, need) + board.bonus[request]
    second = plan.first[slot]
    plan.first[slot], plan.after[request], plan.before[request] = request, second, -1
    if second >= 0:
        plan.before[second] = request


@compiled
def leave(board: Board, plan: Plan, request: Whole) -> None:
    """Take its place from a request."""
    slot, start = plan.slot[request], plan.start[request]
    for hour in range(start, start + board.hours[request]):
        plan.free[slot, hour] += np.int32(plan.need[request])
    before, after = plan.before[request], plan.after[request]
    if before >= 0:
        plan.after[before] = after
    else:
        plan.first[slot] = after
    if after >= 0:
        plan.before[after] = before
    plan.slot[request], plan.gain[request] = -1, 0


@compiled
def _blocked(free: Int32s, need: Whole, begin: Whole, end: Whole) -> Whole:
    """Return the hour after the last one in which too few cards are free, or ``begin``."""
    for hour in range(end - 1, begin - 1, -1):
        if free[hour] < need:
            return np.int64(hour + 1)
    return np.int64(begin)


@compiled
def fit(
    free: Int32s, due: Int32s | Int64s, need: Whole, lo: Whole, hi: Whole, hours: Whole, ideal: Whole, limit: Whole
) -> tuple[Whole, Whole]:
    """Return the cheapest start, then the earliest, with enough free cards at a cost of at most ``limit``, or -1.

    No start costs less than ``ideal``, so that one which costs no more ends the search.
    """
    start, best, begin, checked = np.int64(-1), np.int64(limit) + 1, lo, lo
    while begin <= hi and best > ideal:
        ready = _blocked(free, need, checked, begin + hours)
        if ready > checked:
            begin, checked = ready, ready
            continue
        cost = np.int64(due[begin + hours]) - np.int64(due[begin])
        if cost < best:
            start, best = np.int64(begin), cost
        begin, checked = begin + 1, begin + hours
    return start, best


@compiled
def place(board: Board, plan: Plan, tariff: Tariff, request: Whole, short: tuple[Int32s, Int32s, Int64s]) -> None:
    """Give a request the place of its shortlist that leaves it the most at the prices, if one has room."""
    slots, needs, utilities = short
    hours, lo, hi = board.hours[request], board.lo[request], board.hi[request]
    best, slot, start, need = -tariff.worth[request], np.int64(-1), np.int64(0), np.int64(0)
    for index in range(len(slots)):
        if slots[index] < 0 or utilities[index] <= best:
            break
        other, cards = np.int64(slots[index]), np.int64(needs[index])
        limit = (tariff.worth[request] - best - 1) // cards
        level = level_of(tariff, cards)
        due, least = tariff.due[other, level], tariff.least[other, level]
        begin, cost = fit(plan.free[other], due, cards, lo, hi, hours, hours * least, limit)
        if begin >= 0 and surplus(board, request, other, begin, cards) >= 0:
            best, slot, start, need = tariff.worth[request] - cards * cost, other, begin, cards
    if slot >= 0:
        take(board, plan, request, slot, start, need)
