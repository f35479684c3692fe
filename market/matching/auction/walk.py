"""Serve requests one after the other, each at the cheapest place that still has room."""

import numpy as np

from market.matching.auction.board import WORD, Board
from market.matching.auction.instance import Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.plan import Plan, fit, place, take
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


@compiled
def serve(board: Board, plan: Plan, order: Int64s) -> None:
    """Serve requests in an order. Each takes the place that costs least, then starts first, then the lower slot."""
    for request in order:
        if plan.slot[request] >= 0 or board.hi[request] < board.lo[request]:
            continue
        best = np.int64(board.value[request]), np.int64(-1), board.hi[request] + 1, np.int64(0)
        for kind in range(board.kind_at[request], board.kind_at[request + 1]):
            best = _cheaper(board, plan, request, kind, best)
        _cost, slot, start, need = best
        if slot >= 0:
            take(board, plan, request, slot, start, need)


@compiled
def _cheaper(board: Board, plan: Plan, request: Whole, kind: Whole, best: Place) -> Place:
    """Return the cheapest place in a class, or the best that was known.

    Slots are sorted by the asks of their cheapest hours: where these alone are too much, nothing follows that is not.
    """
    cards, hours = board.needs[kind], board.hours[request]
    for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
        if cards * hours * board.floor[word * WORD] > best[0]:
            break
        bits = accepted(board, request, word)
        while bits:
            best = _try(board, plan, request, lowest(bits, word), cards, best)
            bits &= bits - 1
    return best


@compiled
def _try(board: Board, plan: Plan, request: Whole, slot: Whole, cards: Whole, best: Place) -> Place:
    lo, hi, hours = board.lo[request], board.hi[request], board.hours[request]
    ideal = hours * board.floor[slot]
    if cards * ideal > best[0]:
        return best
    begin, cost = fit(plan.free[slot], board.spent[slot], cards, lo, hi, hours, ideal, best[0] // cards)
    if begin >= 0 and (cards * cost < best[0] or begin < best[2]):
        return cards * cost, slot, begin, cards
    return best
