"""Let what is matched begin early: a search for welfare does not care when, but who waits does."""

import numpy as np

from market.matching.auction.board import Board
from market.matching.auction.loops import compiled
from market.matching.auction.plan import Plan, fit, leave, take


@compiled
def hasten(board: Board, plan: Plan) -> None:
    """Move requests, in the order of submission, to the earliest start in their slot that costs no more."""
    for request in range(len(board.hours)):
        slot = plan.slot[request]
        if slot >= 0:
            start, need, hours = plan.start[request], plan.need[request], board.hours[request]
            paid = np.int64(board.spent[slot, start + hours]) - np.int64(board.spent[slot, start])
            leave(board, plan, request)
            ideal, first = hours * np.int64(board.floor[slot]), board.lo[request]
            begin, _cost = fit(plan.free[slot], board.spent[slot], need, first, start, hours, ideal, paid)
            take(board, plan, request, slot, begin, need)
