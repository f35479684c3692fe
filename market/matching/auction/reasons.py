"""Say of every request without a place why it has none, and what would have changed that."""

from enum import IntEnum
from typing import Any, NamedTuple

import numpy as np

from market.matching.auction import openings
from market.matching.auction.board import WORD, Board, Words
from market.matching.auction.hands import Hands
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import built_in, compiled
from market.matching.auction.openings import Openings, level_below, running
from market.matching.auction.plan import Plan, fewest, fit
from market.matching.auction.slots import accepted, lowest


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


class Markets(NamedTuple):
    """What is open when all is done, and what would be if a request were alone."""

    now: Openings
    empty: Openings


def explain(board: Board, plan: Plan, hands: Hands) -> tuple[Int32s, Int64s]:
    """Return the reason and the detail of every request."""
    reason = np.zeros(len(board.hours), dtype=np.int32)
    detail = np.full(len(board.hours), -1, dtype=np.int64)
    markets = Markets(openings.build(board, plan.free), openings.build(board, board.cap))

    def work(first: int, last: int) -> None:
        _explain(board, plan, markets, reason, detail, openings.scratch(board), first, last)

    hands.share(work, len(board.hours))
    return reason, detail


@compiled
def _explain(
    board: Board, plan: Plan, markets: Markets, reason: Int32s, detail: Int64s, rows: Words, first: Whole, last: Whole
) -> None:  # fmt: skip
    for request in range(first, last):
        if plan.slot[request] < 0:
            reason[request], detail[request] = _judge(board, plan.free, markets, request, rows)


@compiled
def _judge(board: Board, free: Int32s, markets: Markets, request: Whole, rows: Words) -> tuple[Whole, Whole]:
    if not _is_acceptable(board, request):
        return _missing(board, request), np.int64(-1)
    if board.hi[request] >= board.lo[request]:
        cost = _least_cost(board, markets.empty, request, rows)
        if 0 <= cost <= board.value[request]:
            return OUTRANKED, _most_cards(board, markets.now, free, request, board.value[request], rows)
        if cost >= 0:
            return PRICE_GAP, -(-cost // board.hours[request])
        cards = _most_cards(board, markets.empty, board.cap, request, FREE_OF_LIMIT, rows)
        if cards > 0:
            return CAPACITY, cards
    return WINDOW, _first_start(board, request)


@compiled
def _is_acceptable(board: Board, request: Whole) -> bool:
    """Tell whether a request accepts any slot, at any price."""
    for kind in range(board.kind_at[request], board.kind_at[request + 1]):
        for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
            if accepted(board, request, word):
                return True
    return False


@compiled
def _least_cost(board: Board, empty: Openings, request: Whole, rows: Words) -> Whole:
    """Return the least that a request would pay in an empty market, or -1; any cost within its value will do."""
    hours, lo, hi, most = board.hours[request], board.lo[request], board.hi[request], np.int64(FREE_OF_LIMIT)
    for kind in range(board.kind_at[request], board.kind_at[request + 1]):
        need = board.needs[kind]
        level = level_below(empty, need)
        for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
            if most <= board.value[request] or need * hours * board.floor[word * WORD] >= most:
                break
            bits = accepted(board, request, word)
            if bits:
                bits = running(empty.words[word, level], lo, hi, hours, bits, rows)
            while bits:
                slot = lowest(bits, word)
                bits &= bits - 1
                most = _least(board, request, slot, need, most)
    return most if most < FREE_OF_LIMIT else np.int64(-1)


@compiled
def _least(board: Board, request: Whole, slot: Whole, need: Whole, most: Whole) -> Whole:
    """Return what a request would pay in an empty slot, or ``most`` if it is not less."""
    hours = board.hours[request]
    ideal = hours * board.floor[slot]
    if need * ideal >= most:
        return most
    lo, hi, limit = board.lo[request], board.hi[request], (most - 1) // need
    start, cost = fit(board.cap[slot], board.spent[slot], need, lo, hi, hours, ideal, limit)
    return need * cost if start >= 0 else most


@built_in
def _within(board: Board, request: Whole, word: Whole, dearest: Whole) -> Whole:
    """Return the slots of a word that a request accepts and that may cost so little."""
    bits, kept = accepted(board, request, word), np.int64(0)
    while bits and board.floor[lowest(bits, word)] <= dearest:
        kept |= bits & -bits
        bits &= bits - 1
    return kept


@compiled
def _lacks(cards: Int32s, lo: Whole, hi: Whole, hours: Whole, need: Whole) -> Any:
    """Say quickly that no run can have so many cards: every run covers exactly one of the hours looked at."""
    most = np.int64(0)
    for hour in range(lo + hours - 1, hi + hours, hours):
        most = max(most, np.int64(cards[hour]))
    return most < need


@compiled
def _most_cards(
    board: Board, openings: Openings, cards: Int32s, request: Whole, value: Whole, rows: Words
) -> Whole:  # fmt: skip
    """Return the most cards that one slot which may cost so little has for all the hours of a request."""
    lo, hi, hours, most = board.lo[request], board.hi[request], board.hours[request], np.int64(0)
    for kind in range(board.kind_at[request], board.kind_at[request + 1]):
        dearest = value // (board.needs[kind] * hours)
        for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
            if board.floor[word * WORD] > dearest:
                break
            bits = _within(board, request, word, dearest)
            if bits:
                level = level_below(openings, most + 1)
                bits = _roomiest(openings.words[word], lo, hi, hours, bits, level, rows)
            while bits:
                slot = lowest(bits, word)
                bits &= bits - 1
                most = _more_cards(board, cards[slot], board.spent[slot], request, most)
    return most


@built_in
def _roomiest(words: Words, lo: Whole, hi: Whole, hours: Whole, bits: Whole, level: Whole, rows: Words) -> Whole:
    """Return those of some slots of a word that have the most for a run of hours, level by level; none below one."""
    roomiest: Whole = np.int64(0)
    while bits and level < len(words):
        bits = running(words[level], lo, hi, hours, bits, rows)
        roomiest, level = bits or roomiest, level + 1
    return roomiest


@built_in
def _more_cards(board: Board, cards: Int32s, spent: Int64s, request: Whole, most: Whole) -> Whole:
    """Return the most cards that a slot has for all the hours of a request, or ``most`` if they are no more."""
    lo, hi, hours = board.lo[request], board.hi[request], board.hours[request]
    if lo == hi:
        return max(most, fewest(cards, lo, lo + hours))
    while not _lacks(cards, lo, hi, hours, most + 1):
        start, _ = fit(cards, spent, most + 1, lo, hi, hours, 0, FREE_OF_LIMIT)
        if start < 0:
            break
        most = fewest(cards, start, start + hours)
    return most


@compiled
def _first_start(board: Board, request: Whole) -> Whole:
    """Return the first hour from which a slot has enough cards for long enough, or -1."""
    first = np.int64(-1)
    for kind in range(board.kind_at[request], board.kind_at[request + 1]):
        for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
            bits = accepted(board, request, word)
            while bits:
                cards = board.cap[lowest(bits, word)]
                bits &= bits - 1
                first = _earlier(cards, board.needs[kind], board.hours[request], first)
    return first


@compiled
def _earlier(cards: Int32s, need: Whole, hours: Whole, first: Whole) -> Whole:
    """Return the first hour from which a slot has enough cards, or ``first`` if it is not earlier."""
    last = len(cards) - hours if first < 0 else first - 1
    ready = np.int64(0)
    for hour in range(last + hours):
        if cards[hour] < need:
            ready = np.int64(hour + 1)
        elif hour + 1 - ready == hours:
            return ready
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
                return NO_RING
    return code
