"""List the slots that a request accepts: a bitwise AND of filters, and the bits that are left."""

import numpy as np
from numba import njit

from market.matching.auction.board import WORD, Board
from market.matching.auction.instance import Int32s

# A power of two times this constant has its exponent in the five top bits of 32: the usual trick to number a bit.
DE_BRUIJN = 0x077CB531
LOW_32 = 0xFFFFFFFF
BIT = np.zeros(WORD, dtype=np.int64)
for _bit in range(WORD):
    BIT[(((1 << _bit) * DE_BRUIJN) & LOW_32) >> 27] = _bit


@njit(cache=True, inline="always")
def accepted(board: Board, request: int, word: int) -> int:
    """Return the bits of the slots of a word that pass all tests of a request."""
    bits = board.filters[0, word]
    for test in range(board.test_at[request], board.test_at[request + 1]):
        bits &= board.filters[board.tests[test], word]
    return np.int64(bits)


@njit(cache=True)
def unpack(bits: int, word: int, slots: Int32s, found: int) -> int:
    """Append the slots of the set bits of a word, lowest first; return how many slots there are then."""
    while bits:
        low = bits & -bits
        slots[found] = word * WORD + BIT[((low * DE_BRUIJN) & LOW_32) >> 27]
        found += 1
        bits ^= low
    return found


@njit(cache=True)
def affordable(board: Board, request: int, slots: Int32s, needs: Int32s) -> int:
    """List the slots that a request accepts at a price within its value, and the cards it needs there."""
    found = 0
    if board.hi[request] < board.lo[request]:
        return found
    for kind in range(board.kind_at[request], board.kind_at[request + 1]):
        need = board.needs[kind]
        dearest = board.value[request] // (need * board.hours[request])
        for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
            if board.floor[word * WORD] > dearest:
                break
            before = found
            found = unpack(accepted(board, request, word), word, slots, found)
            while found > before and board.floor[slots[found - 1]] > dearest:
                found -= 1
            needs[before:found] = need
    return found


@njit(cache=True)
def acceptable(board: Board, request: int, slots: Int32s, needs: Int32s) -> int:
    """List the slots that a request accepts at any price, and the cards it needs there."""
    found = 0
    for kind in range(board.kind_at[request], board.kind_at[request + 1]):
        for word in range(board.first_word[board.kinds[kind]], board.end_word[board.kinds[kind]]):
            before = found
            found = unpack(accepted(board, request, word), word, slots, found)
            needs[before:found] = board.needs[kind]
    return found
