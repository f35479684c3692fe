"""Insist on those who miss the most: give one a place, let its neighbours settle, keep it all if it is better.

A single step of the search gives up a large request whose place costs more at first than it brings. Here those around
it take many steps before that is judged. Each attempt copies the plan, so that only small markets are tried.
"""

import numpy as np

from market.matching.auction import notes
from market.matching.auction import plan as plans
from market.matching.auction.board import Board
from market.matching.auction.instance import Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.neighbourhoods import give, improve, regret_of
from market.matching.auction.notes import Mood, Notes, Search
from market.matching.auction.plan import Plan, fewest, surplus
from market.matching.auction.shortlists import Shortlist
from market.matching.auction.tariffs import Tariff

PLACES, SETTLING, STEPS_EACH = 6, 100, 2


@compiled
def _copy(board: Board, source: Plan, target: Plan) -> None:
    # Hour by hour: an array that is set as a whole would be copied first, and a loop has no memory of its own.
    for slot in range(len(source.free)):
        target.first[slot], mine, copied = source.first[slot], source.free[slot], target.free[slot]
        for hour in range(len(mine) if board.offer[slot] >= 0 else 0):
            copied[hour] = mine[hour]
    for request in range(len(source.slot)):
        target.slot[request], target.start[request] = source.slot[request], source.start[request]
        target.need[request], target.gain[request] = source.need[request], source.gain[request]
        target.after[request], target.before[request] = source.after[request], source.before[request]


@compiled
def _welfare(plan: Plan) -> Whole:
    welfare = np.int64(0)
    for request in range(len(plan.gain)):
        welfare += plan.gain[request]
    return welfare


@compiled
def _is_worth_trying(board: Board, plan: Plan, request: Whole, place: tuple[Whole, Whole, Whole]) -> Whole:
    slot, start, need = place
    if plan.slot[request] == slot and plan.start[request] == start:
        return False
    end = start + board.hours[request]
    return surplus(board, request, slot, start, need) >= 0 and fewest(board.cap[slot], start, end) >= need


@compiled
def _attempt(
    board: Board, tariff: Tariff, plan: Plan, trial: Plan, short: Shortlist, search: Search, fans: Int64s,
    notes: Notes, request: Whole, place: tuple[Whole, Whole, Whole],
) -> Whole:  # fmt: skip
    """Give a request a place, let all who like the slot settle, and keep that if it is better; tell whether it is."""
    _copy(board, plan, trial)
    give(board, tariff, trial, short, search, notes, request, place)
    notes.below[0] = 0
    around = fans[search.fan_at[place[0]] : search.fan_at[place[0] + 1]]
    improve(board, tariff, trial, short, search, notes, around, min(SETTLING, STEPS_EACH * len(around)), Mood(0, 0))
    if _welfare(trial) <= _welfare(plan):
        return False
    _copy(board, trial, plan)
    return True


@compiled
def _insist(
    board: Board, tariff: Tariff, plan: Plan, trial: Plan, short: Shortlist, search: Search, fans: Int64s,
    notes: Notes, requests: Int64s,
) -> None:  # fmt: skip
    for request in requests:
        tried = 0
        for index in range(short.size[request]):
            slot, need = np.int64(short.slot[request, index]), np.int64(short.need[request, index])
            place = slot, np.int64(short.start[request, index]), need
            if tried < PLACES and _is_worth_trying(board, plan, request, place):
                tried += 1
                if _attempt(board, tariff, plan, trial, short, search, fans, notes, request, place):
                    break


@compiled
def _regrets(board: Board, tariff: Tariff, plan: Plan, search: Search, regrets: Int64s) -> None:
    for request in range(len(regrets)):
        regrets[request] = regret_of(board, tariff, plan, search, request)


def insist(board: Board, tariff: Tariff, plan: Plan, short: Shortlist, search: Search, number: int, seed: int) -> None:
    """Try to give the requests that miss the most, so many of them, one of the best places of their lists."""
    regrets = np.zeros(len(board.hours), dtype=np.int64)
    _regrets(board, tariff, plan, search, regrets)
    missed = min(number, int((regrets > 0).sum()))
    if missed:
        requests = np.argsort(-regrets, kind="stable")[:missed].astype(np.int64)
        fans, trial = search.fans.astype(np.int64), plans.twin(board, plan)
        _insist(board, tariff, plan, trial, short, search, fans, notes.empty(seed), requests)
