"""Serve requests one after the other, each at the cheapest place that still has room."""

import numpy as np

from market.matching.auction import openings
from market.matching.auction.board import WORD, Board, Words
from market.matching.auction.instance import Int64s, Whole
from market.matching.auction.loops import built_in, compiled
from market.matching.auction.openings import Openings, level_below, running, shut
from market.matching.auction.plan import Plan, fit, place, surplus, take
from market.matching.auction.shortlists import Shortlist
from market.matching.auction.slots import accepted, lowest
from market.matching.auction.tariffs import Tariff

Place = tuple[Whole, Whole, Whole, Whole]


@compiled
def serve_by_prices(board: Board, plan: Plan, tariff: Tariff, short: Shortlist, order: Int64s) -> None:
    """Serve requests in an order. Each takes the place of its shortlist that leaves it the most at the prices."""
    for request in order:
        mine = short.slot[request], short.need[request], short.utility[request]
        place(board, plan, tariff, request, mine)


def serve(board: Board, plan: Plan, cost: Int64s, floor: Int64s, worth: Int64s, unit: int, order: Int64s) -> None:
    """Serve requests in an order. Each takes the place that costs least, then starts first, then the lower slot.

    ``cost[slot, h]`` is what a card costs before hour ``h``, ``floor[slot]`` the least of an hour: the asks alone, or
    asks and prices, in units of so many micro-yuan. Nobody pays more than it is ``worth`` to him, nor than his value.
    """
    opened = openings.build(board, plan.free)
    _serve(board, plan, opened, cost, floor, worth, unit, order, openings.scratch(board))


@compiled
def _serve(
    board: Board, plan: Plan, opened: Openings, cost: Int64s, floor: Int64s, worth: Int64s, unit: Whole,
    order: Int64s, rows: Words,
) -> None:  # fmt: skip
    for request in order:
        if plan.slot[request] >= 0 or board.hi[request] < board.lo[request]:
            continue
        best = np.int64(worth[request]), np.int64(-1), board.hi[request] + 1, np.int64(0)
        for kind in range(board.kind_at[request], board.kind_at[request + 1]):
            best = _cheaper(board, plan, opened, cost, floor, request, kind, unit, best, rows)
        _due, slot, start, need = best
        if slot >= 0 and surplus(board, request, slot, start, need) >= 0:
            take(board, plan, request, slot, start, need)
            shut(opened, plan.free[slot], slot, start, start + board.hours[request])


@built_in
def _cheaper(
    board: Board, plan: Plan, opened: Openings, cost: Int64s, floor: Int64s, request: Whole, kind: Whole, unit: Whole,
    best: Place, rows: Words,
) -> Place:  # fmt: skip
    """Return the cheapest place in a class, or the best that was known.

    Slots are sorted by their asks: where these alone are too much, nothing that follows needs to be looked at.
    """
    cards, hours = board.needs[kind], board.hours[request]
    dearest, lo, hi = board.value[request] // (cards * hours), board.lo[request], board.hi[request]
    level = level_below(opened, cards)
    for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
        least = board.floor[word * WORD]
        if least > dearest or cards * hours * (least // unit) > best[0]:
            break
        bits = accepted(board, request, word)
        if bits:
            bits = running(opened.words[word, level], lo, hi, hours, bits, rows)
        while bits:
            slot = lowest(bits, word)
            bits &= bits - 1
            if board.floor[slot] > dearest:
                break
            best = _try(board, plan, cost, floor, request, slot, cards, best)
    return best


@built_in
def _try(
    board: Board, plan: Plan, cost: Int64s, floor: Int64s, request: Whole, slot: Whole, cards: Whole, best: Place
) -> Place:  # fmt: skip
    hours = board.hours[request]
    ideal = hours * floor[slot]
    if cards * ideal > best[0]:
        return best
    lo, hi, limit = board.lo[request], board.hi[request], best[0] // cards
    begin, due = fit(plan.free[slot], cost[slot], cards, lo, hi, hours, ideal, limit)
    if begin >= 0 and (cards * due < best[0] or begin < best[2]):
        return cards * due, slot, begin, cards
    return best
