"""What a search looks at and what it remembers: who likes what, how bold it is, who was moved from where."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import compiled

MOST_MOVED = 48
BITS, FACTOR = 31, 48_271
PRIME = 2**BITS - 1

Floats = npt.NDArray[np.float64]


class Search(NamedTuple):
    """What does not change during a search.

    ``fans[fan_at[slot]:fan_at[slot + 1]]`` are the requests that have a slot on their shortlist, ``rank[way, request]``
    says in two ways who is served first, ``best[request]`` is the utility of its best choice at the prices.
    """

    fan_at: Int64s
    fans: Int32s
    rank: Floats
    best: Int64s


class Mood(NamedTuple):
    """How bold a search is: the loss that luck may accept, in thousandths of what the moved ones had gained.

    All losses together take it no further below the best that it has seen than the leash, in micro-yuan.
    """

    heat: int
    leash: int


class Notes(NamedTuple):
    """What is remembered of a step: who was moved, and from where, and how far ``below`` its best a search is."""

    random: Int64s
    moved: Int64s
    slot: Int64s
    start: Int64s
    need: Int64s
    turn: Int64s
    order: Floats
    below: Int64s


def empty(seed: int) -> Notes:
    """Return empty notes, and the beginning of random numbers."""
    moved, slot, start, need, turn = np.zeros((5, MOST_MOVED), dtype=np.int64)
    random, below = np.array([[seed % (PRIME - 1) + 1], [0]], dtype=np.int64)
    return Notes(random, moved, slot, start, need, turn, np.zeros(MOST_MOVED, dtype=np.float64), below)


@compiled
def draw(random: Int64s, below: Whole) -> Whole:
    """Return a number from 0 to ``below`` - 1, without a division, which would take as long as ten other operations.

    Park and Miller's generator fits into 64 bits everywhere; of a Mersenne prime the remainder is a sum of two parts.
    """
    product = random[0] * FACTOR
    rest = (product & PRIME) + (product >> BITS)
    random[0] = rest - PRIME if rest >= PRIME else rest
    return (random[0] * below) >> BITS
