"""Divide the market into groups that are improved side by side, differently in every round.

A group of slots, with the requests that belong to it for the round, touches nothing of another group and has random
numbers of its own. So the outcome is the same whether one thread improves all groups or each has its own.
"""

import numpy as np
from numba import njit, prange

from market.matching.auction.board import WORD, Board
from market.matching.auction.instance import Int32s, Int64s
from market.matching.auction.learning import Shortlist
from market.matching.auction.neighbourhoods import Floats, Search, improve
from market.matching.auction.plan import Plan
from market.matching.auction.tariffs import Tariff

GROUPS = 4
LARGE = 4_000


def play(
    board: Board, tariff: Tariff, plan: Plan, short: Shortlist, rank: Floats, best: Int64s, steps: int, seed: int
) -> None:
    """Take about so many steps, divided among the groups of one round by the number of their requests."""
    random = np.random.default_rng(seed)
    groups = GROUPS if len(board.hours) >= LARGE else 1
    group = _divide(board, groups, random)
    mine, owner = _restrict(short, group, plan.slot, random.integers(0, 2**31, len(board.hours)))
    fan_at, fans = _fans(mine.slot, len(board.offer))
    pool = np.argsort(owner, kind="stable")
    pool_at = np.searchsorted(owner[pool], np.arange(groups + 1))
    seeds = random.integers(0, 2**31, groups)
    _play(board, tariff, plan, mine, Search(fan_at, fans, rank, best), pool, pool_at, steps, seeds)


@njit(cache=True, parallel=True)
def _play(
    board: Board, tariff: Tariff, plan: Plan, short: Shortlist, search: Search,
    pool: Int64s, pool_at: Int64s, steps: int, seeds: Int64s,
) -> None:  # fmt: skip
    for group in prange(len(seeds)):
        mine = pool[pool_at[group] : pool_at[group + 1]]
        share = steps * len(mine) // max(pool_at[len(seeds)] - pool_at[0], 1)
        improve(board, tariff, plan, short, search, mine, share, seeds[group])


def _divide(board: Board, groups: int, random: np.random.Generator) -> Int64s:
    """Return the group of each slot: classes in a random order, cut into equal parts."""
    order = random.permutation(len(board.first_word))
    words = np.concatenate([np.arange(board.first_word[kind], board.end_word[kind]) for kind in order] or [[]])
    group = np.zeros(len(words), dtype=np.int64)
    group[words.astype(np.int64)] = np.arange(len(words)) * groups // max(len(words), 1)
    return np.repeat(group, WORD)


@njit(cache=True)
def _restrict(short: Shortlist, group: Int64s, slot: Int64s, chance: Int64s) -> tuple[Shortlist, Int64s]:
    """Return the shortlists without the slots of other groups, and the group of each request: -1 if it likes nothing.

    A request belongs to the group in which it has a slot, or to one that it has on its shortlist, as chance has it.
    """
    mine = Shortlist(np.full_like(short.slot, -1), np.zeros_like(short.need), np.zeros_like(short.utility))
    owner = np.full(len(slot), -1, dtype=np.int64)
    for request in range(len(slot)):
        liked = np.int64((short.slot[request] >= 0).sum())
        if liked == 0:
            continue
        home = slot[request] if slot[request] >= 0 else np.int64(short.slot[request, chance[request] % liked])
        owner[request] = group[home]
        kept = 0
        for index in range(liked):
            if group[short.slot[request, index]] == owner[request]:
                mine.slot[request, kept] = short.slot[request, index]
                mine.need[request, kept] = short.need[request, index]
                mine.utility[request, kept] = short.utility[request, index]
                kept += 1
    return mine, owner


@njit(cache=True)
def _fans(slots: Int32s, number: int) -> tuple[Int64s, Int32s]:
    """Return for each slot the requests that have it on their shortlists, as one array and where each part begins."""
    at = np.zeros(number + 2, dtype=np.int64)
    for slot in slots.flat:
        if slot >= 0:
            at[slot + 2] += 1
    for slot in range(number):
        at[slot + 2] += at[slot + 1]
    fans = np.empty(at[number + 1], dtype=np.int32)
    for request in range(slots.shape[0]):
        for slot in slots[request]:
            if slot >= 0:
                fans[at[slot + 1]] = request
                at[slot + 1] += 1
    return at[:-1], fans
