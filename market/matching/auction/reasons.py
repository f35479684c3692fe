"""Say of every request without a place why it has none, and what would have changed that."""

from enum import IntEnum
from typing import Any

import numpy as np

from market.matching.auction.board import Board
from market.matching.auction.hands import Hands
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.plan import Plan, fewest, fit
from market.matching.auction.slots import Room, acceptable, affordable, room


class Reason(IntEnum):
    """What became of a request; the number next to it, ``detail``, depends on it and is -1 where nothing would help.

    NO_CLASS, NO_ATTRIBUTE, NO_RING: no offer of an acceptable class; none with the attributes; none near enough. -1.
    WINDOW: no acceptable offer is open for so long within the window; detail is the first hour, inside or outside the
    window, from which one has enough cards for long enough.
    CAPACITY: acceptable offers are open, but never with enough cards; detail is the most cards that one has.
    PRICE_GAP: there would be room, but above the request's value; detail is the least value per hour that would do.
    OUTRANKED: it would have fitted alone, but others make more of the places; detail is the most cards that one
    affordable offer has left for all its hours.
    """

    MATCHED = 0
    NO_CLASS = 1
    NO_ATTRIBUTE = 2
    NO_RING = 3
    WINDOW = 4
    CAPACITY = 5
    PRICE_GAP = 6
    OUTRANKED = 7


# Compiled code sees plain numbers.
NO_CLASS, NO_ATTRIBUTE, NO_RING = int(Reason.NO_CLASS), int(Reason.NO_ATTRIBUTE), int(Reason.NO_RING)
WINDOW, CAPACITY = int(Reason.WINDOW), int(Reason.CAPACITY)
PRICE_GAP, OUTRANKED = int(Reason.PRICE_GAP), int(Reason.OUTRANKED)
FREE_OF_LIMIT = 2**62


def explain(board: Board, plan: Plan, hands: Hands) -> tuple[Int32s, Int64s]:
    """Return the reason and the detail of every request."""
    reason = np.zeros(len(board.hours), dtype=np.int32)
    detail = np.full(len(board.hours), -1, dtype=np.int64)
    hands.share(lambda *part: _explain(board, plan, reason, detail, room(board), *part), len(board.hours))
    return reason, detail


@compiled
def _explain(board: Board, plan: Plan, reason: Int32s, detail: Int64s, room: Room, first: Whole, last: Whole) -> None:
    slots, needs = room.slots, room.needs
    for request in range(first, last):
        if plan.slot[request] < 0:
            reason[request], detail[request] = _judge(board, plan, request, slots, needs)


@compiled
def _judge(board: Board, plan: Plan, request: Whole, slots: Int32s, needs: Int32s) -> tuple[Whole, Whole]:
    found = affordable(board, request, slots, needs)
    lo, hi = board.lo[request], board.hi[request]
    if _fits(board, request, slots[:found], needs):
        return OUTRANKED, _most_cards(board, plan.free, request, slots[:found])
    found = acceptable(board, request, slots, needs)
    if found == 0:
        return _missing(board, request), np.int64(-1)
    cost = _least_cost(board, request, slots[:found], needs, lo, hi, FREE_OF_LIMIT)
    if cost >= 0:
        return PRICE_GAP, -(-cost // board.hours[request])
    cards = _most_cards(board, board.cap, request, slots[:found])
    if cards > 0:
        return CAPACITY, cards
    return WINDOW, _first_start(board, request, slots[:found], needs)


@compiled
def _fits(board: Board, request: Whole, slots: Int32s, needs: Int32s) -> bool:
    """Tell whether a request would find a place within its value in an empty market."""
    hours, lo, hi = board.hours[request], board.lo[request], board.hi[request]
    for index in range(len(slots)):
        slot, need = np.int64(slots[index]), np.int64(needs[index])
        if board.most[slot] >= need:
            # The first start that is cheap enough ends the search.
            limit = board.value[request] // need
            start, _ = fit(board.cap[slot], board.spent[slot], need, lo, hi, hours, limit, limit)
            if start >= 0:
                return True
    return False


@compiled
def _least_cost(
    board: Board, request: Whole, slots: Int32s, needs: Int32s, lo: Whole, hi: Whole, limit: Whole
) -> Whole:  # fmt: skip
    """Return the least that a request would pay in an empty market, at most ``limit``, or -1."""
    hours, least = board.hours[request], np.int64(-1)
    for index in range(len(slots)):
        slot, need = np.int64(slots[index]), np.int64(needs[index])
        most = np.int64(limit if least < 0 else least - 1)
        ideal = hours * board.floor[slot]
        if board.most[slot] < need or need * ideal > most:
            continue
        start, cost = fit(board.cap[slot], board.spent[slot], need, lo, hi, hours, ideal, most // need)
        if start >= 0:
            least = need * cost
    return least


@compiled
def _lacks(cards: Int32s, lo: Whole, hi: Whole, hours: Whole, need: Whole) -> Any:
    """Say quickly that no run can have so many cards: every run covers exactly one of the hours looked at."""
    most = np.int64(0)
    for hour in range(lo + hours - 1, hi + hours, hours):
        most = max(most, np.int64(cards[hour]))
    return most < need


@compiled
def _most_cards(board: Board, cards: Int32s, request: Whole, slots: Int32s) -> Whole:
    """Return the most cards that one of some slots has for all the hours of a request."""
    hours, lo, hi, most = board.hours[request], board.lo[request], board.hi[request], np.int64(0)
    for slot in slots:
        while not _lacks(cards[slot], lo, hi, hours, most + 1):
            start, _ = fit(cards[slot], board.spent[slot], most + 1, lo, hi, hours, 0, FREE_OF_LIMIT)
            if start < 0:
                break
            most = fewest(cards[slot], start, start + hours)
    return most


@compiled
def _first_start(board: Board, request: Whole, slots: Int32s, needs: Int32s) -> Whole:
    """Return the first hour from which a slot has enough cards for long enough, or -1."""
    hours, first = board.hours[request], np.int64(-1)
    for index in range(len(slots)):
        row, last = board.cap[slots[index]], board.cap.shape[1] - hours
        last = last if first < 0 else first - 1
        ready = np.int64(0)
        for hour in range(last + hours):
            if row[hour] < needs[index]:
                ready = np.int64(hour + 1)
            elif hour + 1 - ready == hours:
                first = ready
                break
    return first


@compiled
def _missing(board: Board, request: Whole) -> Whole:
    """Say which condition no offer meets: its class, its attributes, or its distance besides them."""
    code = NO_CLASS
    for kind in range(board.kind_at[request], board.kind_at[request + 1]):
        for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
            code = max(code, NO_ATTRIBUTE)
            bits = np.int64(board.filters[0, word])
            for test in range(board.test_at[request], board.test_at[request + 1]):
                if board.tests[test] != board.ring_test[request]:
                    bits &= np.int64(board.filters[board.tests[test], word])
            if bits:
                code = NO_RING
    return code
