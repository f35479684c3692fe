"""Which slots have so many cards free, 32 slots at a time: who has no room is never looked at one by one.

For each of a few numbers of cards, and each hour, a word says which of its slots have as many. The slots that have them
for a whole run of hours are the bitwise AND of these words.
"""

from typing import NamedTuple

import numpy as np

from market.matching.auction.board import WORD, Board, Words
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import built_in, compiled
from market.matching.auction.plan import fewest

MOST_LEVELS = 16
ALL = 2**WORD - 1


class Openings(NamedTuple):
    """``words[word, level, h]``: the slots that have at least ``levels[level]`` cards in hour ``h``.

    ``levels`` are powers of two: whoever needs another number looks at the level below and then at each slot.
    """

    words: Words
    levels: Int64s


def build(board: Board, cards: Int32s) -> Openings:
    """Return what is open of these cards by slot and hour."""
    most = min(int(board.needs.max(initial=1)), max(int(board.most.max(initial=1)), 1))
    levels = 2 ** np.arange(min(most.bit_length(), MOST_LEVELS), dtype=np.int64)
    openings = Openings(np.zeros((len(cards) // WORD, len(levels), cards.shape[1]), dtype=np.uint32), levels)
    _open_all(openings, cards)
    return openings


def scratch(board: Board) -> Words:
    """Return room in which runs of hours are found."""
    return np.zeros((2, board.cap.shape[1]), dtype=np.uint32)


@compiled
def _open_all(openings: Openings, cards: Int32s) -> None:
    for slot in range(len(cards)):
        bit = np.uint32(1 << (slot % WORD))
        for level in range(len(openings.levels)):
            _open(openings.words[slot // WORD, level], cards[slot], np.int32(openings.levels[level]), bit)


@compiled
def _open(row: Words, cards: Int32s, least: Whole, bit: Whole) -> None:
    for hour in range(len(row)):
        row[hour] |= bit if cards[hour] >= least else np.uint32(0)


@compiled
def shut(openings: Openings, cards: Int32s, slot: Whole, start: Whole, end: Whole) -> None:
    """Take note that a slot has fewer cards than before in some hours."""
    least, kept = fewest(cards, start, end), np.uint32(ALL ^ (1 << (slot % WORD)))
    for level in range(len(openings.levels) - 1, -1, -1):
        if openings.levels[level] <= least:
            return
        _shut(openings.words[slot // WORD, level, start:end], cards[start:end], np.int32(openings.levels[level]), kept)


@compiled
def _shut(row: Words, cards: Int32s, least: Whole, kept: Whole) -> None:
    for hour in range(len(row)):
        row[hour] &= kept if cards[hour] < least else np.uint32(ALL)


@compiled
def level_below(openings: Openings, need: Whole) -> Whole:
    """Return the highest level that so many cards reach."""
    level: Whole = 0
    while level + 1 < len(openings.levels) and openings.levels[level + 1] <= need:
        level += 1
    return level


@built_in
def running(row: Words, lo: Whole, hi: Whole, hours: Whole, bits: Whole, rows: Words) -> Whole:
    """Return those of some slots of a word that are in all words of a run of hours, whatever its start."""
    if hi - lo < hours:
        # These hours belong to every run: most words have nothing left after the first or all of them.
        bits &= np.int64(row[hi])
        if bits:
            bits &= np.int64(_in_all(row[hi : lo + hours]))
    if bits and hi > lo:
        bits &= np.int64(_somewhere(row[lo : hi + hours], hours, rows[0], rows[1]))
    return bits


@compiled
def _in_all(row: Words) -> Whole:
    bits = np.uint32(ALL)
    for hour in range(len(row)):
        bits &= row[hour]
    return bits


@compiled
def _somewhere(row: Words, hours: Whole, one: Words, other: Words) -> Whole:
    """Return the slots that are in so many words in a row: runs of 1, 2, 4, … hours are put together."""
    length, done = len(row), 1
    _meet(row, row, one[:length])
    while done < hours:
        step = min(done, hours - done)
        length -= step
        _meet(one[:length], one[step : step + length], other[:length])
        one, other, done = other, one, done + step
    return _in_any(one[:length])


@compiled
def _in_any(row: Words) -> Whole:
    bits = np.uint32(0)
    for hour in range(len(row)):
        bits |= row[hour]
    return bits


@compiled
def _meet(first: Words, second: Words, both: Words) -> None:
    for hour in range(len(both)):
        both[hour] = first[hour] & second[hour]
