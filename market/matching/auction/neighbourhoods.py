"""Improve an allocation: push a request in, let those that it drove out look again, keep what is not worse."""

import numpy as np

from market.matching.auction.board import Board
from market.matching.auction.instance import Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.notes import Mood, Notes, Search, draw
from market.matching.auction.plan import Plan, fewest, leave, place, surplus, take
from market.matching.auction.shortlists import Shortlist
from market.matching.auction.tariffs import Tariff, level_of

MOST_DRIVEN_OUT = 24
LOOKED_AT = 24
INVITED = 5
DRAWS = 8
PER_MILLE = 1_000
AIMS = 12


@compiled
def regret_of(board: Board, tariff: Tariff, plan: Plan, search: Search, request: Whole) -> Whole:
    """Return by how much a request misses the best that it could have at the prices."""
    slot, start = plan.slot[request], plan.start[request]
    if slot < 0:
        return search.best[request]
    due = tariff.due[slot, level_of(tariff, plan.need[request])]
    cost = np.int64(due[start + board.hours[request]]) - np.int64(due[start])
    return search.best[request] - tariff.worth[request] + plan.need[request] * cost


@compiled
def _candidate(board: Board, tariff: Tariff, plan: Plan, search: Search, pool: Int64s, random: Int64s) -> Whole:
    """Draw a few requests and return the one with the greatest regret."""
    request = pool[draw(random, len(pool))]
    regret = regret_of(board, tariff, plan, search, request)
    for _ in range(1, DRAWS):
        other = pool[draw(random, len(pool))]
        more = regret_of(board, tariff, plan, search, other)
        if more > regret:
            request, regret = other, more
    return request


@compiled
def _note(plan: Plan, notes: Notes, request: Whole, moved: Whole) -> Whole:
    notes.moved[moved] = request
    notes.slot[moved], notes.start[moved], notes.need[moved] = (
        plan.slot[request],
        plan.start[request],
        plan.need[request],
    )
    return moved + 1


@compiled
def _weakest(board: Board, plan: Plan, slot: Whole, start: Whole, end: Whole, random: Int64s) -> Whole:
    """Return the request that gains least per card-hour among those in some hours of a slot, with some luck."""
    weakest: Whole = -1
    least: Whole = 1e300
    request: Whole = plan.first[slot]
    while request >= 0:
        if plan.start[request] < end and plan.start[request] + board.hours[request] > start:
            luck = 0.5 + draw(random, 1000) / 1000.0
            gain = plan.gain[request] / (plan.need[request] * board.hours[request]) * luck
            if gain < least:
                weakest, least = request, gain
        request = plan.after[request]
    return weakest


@compiled
def _push_in(board: Board, plan: Plan, notes: Notes, request: Whole, place: tuple[Whole, Whole, Whole]) -> Whole:
    """Put a request into a place, driving out whom it must; return how many were moved."""
    slot, start, need = place
    end = start + board.hours[request]
    moved = _note(plan, notes, request, 0)
    if plan.slot[request] >= 0:
        leave(board, plan, request)
    while moved < MOST_DRIVEN_OUT and fewest(plan.free[slot], start, end) < need:
        weakest = _weakest(board, plan, slot, start, end, notes.random)
        moved = _note(plan, notes, weakest, moved)
        leave(board, plan, weakest)
    if fewest(plan.free[slot], start, end) >= need:
        take(board, plan, request, slot, start, need)
    return moved


@compiled
def _is_moved(notes: Notes, moved: Whole, request: Whole) -> bool:
    is_moved = False
    for index in range(moved):
        is_moved |= notes.moved[index] == request
    return is_moved


@compiled
def _invite(
    board: Board, plan: Plan, search: Search, notes: Notes, slot: Whole, hours: tuple[Whole, Whole, Whole]
) -> Whole:
    """Add some of those who have nothing and would like this slot in these hours; return how many there are then."""
    start, end, moved = hours
    begin, fans = search.fan_at[slot], search.fan_at[slot + 1] - search.fan_at[slot]
    first, most = draw(notes.random, max(fans, 1)), moved + INVITED
    for look in range(min(fans, LOOKED_AT)):
        fan = np.int64(search.fans[begin + (first + look) % fans])
        if moved >= most or plan.slot[fan] >= 0:
            continue
        if board.lo[fan] < end and board.hi[fan] + board.hours[fan] > start and not _is_moved(notes, moved, fan):
            moved = _note(plan, notes, fan, moved)
    return moved


@compiled
def _sort(notes: Notes, moved: Whole) -> None:
    """Put those who were moved in order, but for the one that was pushed in: they are few."""
    for last in range(2, moved):
        request, order, at = notes.turn[last], notes.order[last], last
        while at > 1 and notes.order[at - 1] < order:
            notes.turn[at], notes.order[at] = notes.turn[at - 1], notes.order[at - 1]
            at -= 1
        notes.turn[at], notes.order[at] = request, order


@compiled
def _seat(
    board: Board, tariff: Tariff, plan: Plan, short: Shortlist, search: Search, notes: Notes, moved: Whole
) -> None:
    """Let everybody who was moved look for a place, by rank and luck."""
    way = draw(notes.random, 2)
    for index in range(1, moved):
        luck = 0.8 + draw(notes.random, 1000) * 0.0004
        notes.turn[index] = notes.moved[index]
        notes.order[index] = search.rank[way, notes.moved[index]] * luck
    _sort(notes, moved)
    for index in range(1, moved):
        request = notes.turn[index]
        mine = (short.slot[request], short.need[request], short.utility[request])
        place(board, plan, tariff, request, mine)


@compiled
def give(
    board: Board, tariff: Tariff, plan: Plan, short: Shortlist, search: Search, notes: Notes, request: Whole,
    place: tuple[Whole, Whole, Whole],
) -> Whole:  # fmt: skip
    """Push a request into a place and let everybody whom that moves look again; return how many were moved."""
    slot, start, _need = place
    moved = _push_in(board, plan, notes, request, place)
    moved = _invite(board, plan, search, notes, slot, (start, start + board.hours[request], moved))
    _seat(board, tariff, plan, short, search, notes, moved)
    return moved


@compiled
def _undo(board: Board, plan: Plan, notes: Notes, moved: Whole) -> None:
    for index in range(moved):
        if plan.slot[notes.moved[index]] >= 0:
            leave(board, plan, notes.moved[index])
    for index in range(moved):
        if notes.slot[index] >= 0:
            take(board, plan, notes.moved[index], notes.slot[index], notes.start[index], notes.need[index])


@compiled
def _change(board: Board, plan: Plan, notes: Notes, moved: Whole) -> tuple[Whole, Whole]:
    """Return what the moved ones had gained where they were, and what they gain now."""
    before, now = np.int64(0), np.int64(0)
    for index in range(moved):
        request = notes.moved[index]
        now += plan.gain[request]
        if notes.slot[index] >= 0:
            place = notes.slot[index], notes.start[index], notes.need[index]
            before += surplus(board, request, *place) + board.bonus[request]
    return before, now


@compiled
def _loss(board: Board, plan: Plan, slot: Whole, start: Whole, end: Whole, need: Whole) -> Whole:
    """Estimate what driving out enough others from a place would cost: their average gain for the cards that lack."""
    free = fewest(plan.free[slot], start, end)
    if free >= need:
        return 0.0
    gain: Whole = 0.0
    work: Whole = 1.0
    request: Whole = plan.first[slot]
    while request >= 0:
        if plan.start[request] < end and plan.start[request] + board.hours[request] > start:
            gain += plan.gain[request]
            work += plan.need[request] * board.hours[request]
        request = plan.after[request]
    return gain / work * (need - free) * (end - start)


@compiled
def _aim(board: Board, plan: Plan, short: Shortlist, request: Whole, random: Int64s) -> tuple[Whole, Whole, Whole]:
    """Return the most promising of a few places that are drawn from the shortlist of a request; slot -1 if none is."""
    length = short.size[request]
    best, chosen = -1e300, (np.int64(-1), np.int64(0), np.int64(0))
    for _ in range(AIMS if length else 0):
        choice = min(draw(random, length), draw(random, length))
        slot, need = np.int64(short.slot[request, choice]), np.int64(short.need[request, choice])
        # Any start, or the cheapest at the prices, as a coin decides.
        start = np.int64(short.start[request, choice])
        if draw(random, 2) == 0:
            start = board.lo[request] + draw(random, board.hi[request] - board.lo[request] + 1)
        left = surplus(board, request, slot, start, need)
        end = start + board.hours[request]
        if left >= 0 and fewest(board.cap[slot], start, end) >= need:
            promise = left - _loss(board, plan, slot, start, end, need)
            if promise > best:
                best, chosen = promise, (slot, start, need)
    return chosen


@compiled
def _step(
    board: Board, tariff: Tariff, plan: Plan, short: Shortlist, search: Search, notes: Notes, pool: Int64s, mood: Mood
) -> None:
    request = _candidate(board, tariff, plan, search, pool, notes.random)
    slot, start, need = _aim(board, plan, short, request, notes.random)
    if slot < 0:
        return
    moved = give(board, tariff, plan, short, search, notes, request, (slot, start, need))
    before, now = _change(board, plan, notes, moved)
    below = max(notes.below[0] + before - now, np.int64(0))
    if before - now > abs(before) // PER_MILLE * draw(notes.random, mood.heat + 1) or below > mood.leash:
        _undo(board, plan, notes, moved)
    else:
        notes.below[0] = below


@compiled
def improve(
    board: Board,
    tariff: Tariff,
    plan: Plan,
    short: Shortlist,
    search: Search,
    notes: Notes,
    pool: Int64s,
    steps: Whole,
    mood: Mood,
) -> None:
    """Take so many steps with the requests of a pool."""
    for _ in range(steps if len(pool) else 0):
        _step(board, tariff, plan, short, search, notes, pool, mood)
