"""List the slots that a request accepts: a bitwise AND of filters, and the bits that are left."""

from typing import NamedTuple

import numpy as np

from market.matching.auction.board import WORD, Board, Words
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import built_in, compiled

# A power of two times this constant has its exponent in the five top bits of 32: the usual trick to number a bit.
DE_BRUIJN = 0x077CB531
LOW_32 = 0xFFFFFFFF
BIT = np.zeros(WORD, dtype=np.int64)
for _bit in range(WORD):
    BIT[(((1 << _bit) * DE_BRUIJN) & LOW_32) >> 27] = _bit


class Room(NamedTuple):
    """Room for the slots that a request accepts, and for the cards that it needs and what one costs in each.

    There is room for the bits and the costs of all slots of a class, and for one row of hours.
    """

    slots: Int32s
    needs: Int32s
    costs: Int32s
    promises: Int64s
    bits: Words
    all: Int32s
    row: Int32s


def room(board: Board) -> Room:
    """Return room for one request after the other."""
    slots, needs, costs, all_costs = np.empty((4, len(board.offer)), dtype=np.int32)
    promises, bits = np.empty(len(slots), dtype=np.int64), np.empty(len(slots) // WORD, dtype=np.uint32)
    return Room(slots, needs, costs, promises, bits, all_costs, np.empty(board.cap.shape[1] + 1, dtype=np.int32))


@built_in
def accepted(board: Board, request: Whole, word: Whole) -> Whole:
    """Return the bits of the slots of a word that pass all tests of a request."""
    bits = board.filters[0, word]
    for test in range(board.test_at[request], board.test_at[request + 1]):
        bits &= board.filters[board.tests[test], word]
    return np.int64(bits)


@compiled
def accept(board: Board, request: Whole, first: Whole, bits: Words) -> None:
    """Write down the bits of the words from ``first`` on, test by test: vector units do that many words at a time."""
    bits[:] = LOW_32
    for test in range(board.test_at[request] - 1, board.test_at[request + 1]):
        row = board.tests[test] if test >= board.test_at[request] else np.int64(0)
        passed = board.filters[row, first : first + len(bits)]
        for word in range(len(bits)):
            bits[word] &= passed[word]


@compiled
def lowest(bits: Whole, word: Whole) -> Whole:
    """Return the slot of the lowest set bit of a word."""
    return word * WORD + BIT[(((bits & -bits) * DE_BRUIJN) & LOW_32) >> 27]


@compiled
def unpack(bits: Whole, word: Whole, slots: Int32s, found: Whole) -> Whole:
    """Append the slots of the set bits of a word, lowest first; return how many slots there are then."""
    while bits:
        low = bits & -bits
        slots[found] = word * WORD + BIT[((low * DE_BRUIJN) & LOW_32) >> 27]
        found += 1
        bits ^= low
    return found
