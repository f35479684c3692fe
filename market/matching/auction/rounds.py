"""Divide the market into groups that are improved side by side, differently in every round.

A group of slots, with the requests that belong to it for the round, touches nothing of another group and has random
numbers of its own. So the outcome is the same whether one thread improves all groups or each has its own.
"""

import numpy as np

from market.matching.auction.board import WORD, Board
from market.matching.auction.hands import Hands
from market.matching.auction.instance import Int32s, Int64s
from market.matching.auction.learning import Shortlist
from market.matching.auction.neighbourhoods import Floats, Search, improve
from market.matching.auction.plan import Plan
from market.matching.auction.tariffs import Tariff

GROUPS = 4
LARGE = 4_000


def play(
    board: Board, tariff: Tariff, plan: Plan, short: Shortlist, rank: Floats, best: Int64s,
    *, steps: int, seed: int, heat: int, hands: Hands,
) -> None:  # fmt: skip
    """Take about so many steps, divided among the groups of one round by the number of their requests."""
    if not len(board.offer):
        return
    random = np.random.default_rng(seed)
    groups = GROUPS if len(board.hours) >= LARGE else 1
    group = _divide(board, groups, random)
    mine, owner = _restrict(short, group, plan.slot, random.integers(0, 2**31, len(board.hours)))
    search = Search(*_fans(mine.slot, len(board.offer)), rank, best)
    pools = [np.flatnonzero(owner == number) for number in range(groups)]
    total = max(sum(map(len, pools)), 1)
    seeds = random.integers(0, 2**31, groups)

    def work(number: int) -> None:
        share = steps * len(pools[number]) // total
        improve(board, tariff, plan, mine, search, pools[number], share, int(seeds[number]), heat)

    hands.each(work, groups)


def _divide(board: Board, groups: int, random: np.random.Generator) -> Int64s:
    """Return the group of each slot: classes in a random order, cut into equal parts."""
    order = random.permutation(len(board.first_word))
    none = np.zeros(0, dtype=np.int64)
    words = np.concatenate([none, *(np.arange(board.first_word[kind], board.end_word[kind]) for kind in order)])
    group = np.zeros(len(words), dtype=np.int64)
    group[words] = np.arange(len(words)) * groups // max(len(words), 1)
    return np.repeat(group, WORD)


def _restrict(short: Shortlist, group: Int64s, slot: Int64s, chance: Int64s) -> tuple[Shortlist, Int64s]:
    """Return the shortlists without the slots of other groups, and the group of each request: -1 if it likes nothing.

    A request belongs to the group in which it has a slot, or to one that it has on its shortlist, as chance has it.
    """
    liked = (short.slot >= 0).sum(axis=1)
    drawn = short.slot[np.arange(len(slot)), chance % np.maximum(liked, 1)]
    home = np.where(slot >= 0, slot, drawn)
    owner = np.where(liked > 0, group[home], -1)
    kept = (short.slot >= 0) & (group[short.slot] == owner[:, None])
    order = np.argsort(~kept, axis=1, kind="stable")
    slots, needs, utilities = (np.take_along_axis(array, order, axis=1) for array in short)
    mine = Shortlist(slots.astype(np.int32), needs.astype(np.int32), utilities.astype(np.int64))
    mine.slot[~np.take_along_axis(kept, order, axis=1)] = -1
    return mine, owner


def _fans(slots: Int32s, number: int) -> tuple[Int64s, Int32s]:
    """Return for each slot the requests that have it on their shortlists, as one array and where each part begins."""
    request, place = np.nonzero(slots >= 0)
    slot = slots[request, place]
    fan_at = np.concatenate([[0], np.cumsum(np.bincount(slot, minlength=number))]).astype(np.int64)
    return fan_at, request[np.argsort(slot, kind="stable")].astype(np.int32)
