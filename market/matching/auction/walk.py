"""Serve requests one after the other, each at the cheapest place that still has room."""

import numpy as np

from market.matching.auction.board import Board
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.plan import Plan, fit, surplus, take
from market.matching.auction.slots import Room, affordable


@compiled
def serve(board: Board, plan: Plan, cost: Int64s, floor: Int64s, worth: Int64s, order: Int64s, room: Room) -> None:
    """Serve requests in an order. Each takes the place that costs least, then starts first, then the lower slot.

    ``cost[slot, h]`` is what a card costs before hour ``h``: the asks alone, or asks and prices in units, and
    ``floor[slot]`` the least of an hour. Nobody pays more than it is ``worth`` to him, nor more than his value.
    """
    slots, needs = room.slots, room.needs
    for request in order:
        found = affordable(board, request, slots, needs) if plan.slot[request] < 0 else 0
        slot, start, need = _cheapest(board, plan, cost, floor, worth[request], request, slots[:found], needs)
        if slot >= 0 and surplus(board, request, slot, start, need) >= 0:
            take(board, plan, request, slot, start, need)


@compiled
def _cheapest(
    board: Board,
    plan: Plan,
    cost: Int64s,
    floor: Int64s,
    worth: Whole,
    request: Whole,
    slots: Int32s,
    needs: Int32s,
) -> tuple[Whole, Whole, Whole]:
    hours, lo, hi = board.hours[request], board.lo[request], board.hi[request]
    best, slot, start, need = np.int64(worth), np.int64(-1), np.int64(hi + 1), np.int64(0)
    for index in range(len(slots)):
        other, cards = np.int64(slots[index]), np.int64(needs[index])
        if cards * hours * floor[other] > best:
            continue
        ideal = hours * floor[other]
        begin, due = fit(plan.free[other], cost[other], cards, lo, hi, hours, ideal, best // cards)
        if begin >= 0 and (cards * due < best or begin < start):
            best, slot, start, need = cards * due, other, begin, cards
    return slot, start, need
