"""Divide the market into groups that are improved side by side, differently in every round.

A group of slots, with the requests that belong to it for the round, touches nothing of another group and has random
numbers of its own. So the outcome is the same whether one thread improves all groups or each has its own.
"""

from typing import NamedTuple

import numpy as np

from market.matching.auction import notes, shortlists
from market.matching.auction.board import WORD, Board
from market.matching.auction.hands import Hands
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.neighbourhoods import improve
from market.matching.auction.notes import Floats, Mood, Search
from market.matching.auction.plan import Plan
from market.matching.auction.shortlists import Shortlist
from market.matching.auction.tariffs import Tariff

GROUPS = 4
LARGE = 30_000


class Effort(NamedTuple):
    """How many steps about, which random numbers, and how bold they are."""

    steps: int
    seed: int
    mood: Mood


def play(
    board: Board, tariff: Tariff, plan: Plan, short: Shortlist, rank: Floats, best: Int64s, effort: Effort, hands: Hands
) -> None:
    """Take the steps of one round, divided among its groups by the number of their requests."""
    if not len(board.offer):
        return
    random = np.random.default_rng(effort.seed)
    groups = GROUPS if len(board.hours) >= LARGE else 1
    group = _divide(board, groups, random)
    mine, owner = _restrict(short, group, plan.slot, random.integers(0, 2**31, len(board.hours)), hands)
    search = Search(*fans_of(mine, len(board.offer)), rank, best)
    pools = [np.flatnonzero(owner == number) for number in range(groups)]
    total = max(sum(map(len, pools)), 1)
    seeds = random.integers(0, 2**31, groups)

    def work(number: int) -> None:
        steps = effort.steps * len(pools[number]) // total
        mood = Mood(effort.mood.heat, effort.mood.leash * len(pools[number]) // total)
        improve(board, tariff, plan, mine, search, notes.empty(int(seeds[number])), pools[number], steps, mood)

    hands.each(work, groups)


def _divide(board: Board, groups: int, random: np.random.Generator) -> Int64s:
    """Return the group of each slot: classes in a random order, cut into equal parts."""
    order = random.permutation(len(board.first_word))
    none = np.zeros(0, dtype=np.int64)
    words = np.concatenate([none, *(np.arange(board.first_word[kind], board.end_word[kind]) for kind in order)])
    group = np.zeros(len(words), dtype=np.int64)
    group[words] = np.arange(len(words)) * groups // max(len(words), 1)
    return np.repeat(group, WORD)


@compiled
def _keep(short: Shortlist, group: Int64s, owner: Int64s, mine: Shortlist, first: Whole, last: Whole) -> None:
    """Copy what belongs to the group of each request, in the same order."""
    for request in range(first, last):
        size = np.int64(0)
        for index in range(short.size[request]):
            slot = short.slot[request, index]
            if group[slot] == owner[request]:
                mine.slot[request, size], mine.need[request, size] = slot, short.need[request, index]
                mine.utility[request, size] = short.utility[request, index]
                mine.start[request, size] = short.start[request, index]
                size += 1
        mine.slot[request, size:] = -1
        mine.size[request] = size


def _restrict(short: Shortlist, group: Int64s, slot: Int64s, chance: Int64s, hands: Hands) -> tuple[Shortlist, Int64s]:
    """Return the shortlists without the slots of other groups, and the group of each request: -1 if it likes nothing.

    A request belongs to the group in which it has a slot, or to one that it has on its shortlist, as chance has it.
    """
    drawn = short.slot[np.arange(len(slot)), chance % np.maximum(short.size, 1)]
    home = np.where(slot >= 0, slot, drawn)
    owner = np.where(home >= 0, group[home], -1)
    mine = shortlists.empty(len(slot), short.slot.shape[1])
    hands.share(lambda *part: _keep(short, group, owner, mine, *part), len(slot))
    return mine, owner


def fans_of(short: Shortlist, number: int) -> tuple[Int64s, Int32s]:
    """Return for each slot the requests that have it on their shortlists, as one array and where each part begins."""
    listed = short.slot[short.slot >= 0]
    fan_at = np.concatenate([[0], np.cumsum(np.bincount(listed, minlength=number))]).astype(np.int64)
    fans = np.empty(len(listed), dtype=np.int32)
    _sort_fans(short, fan_at.copy(), fans)
    return fan_at, fans


@compiled
def _sort_fans(short: Shortlist, filled: Int64s, fans: Int32s) -> None:
    for request in range(len(short.size)):
        for index in range(short.size[request]):
            slot = short.slot[request, index]
            fans[filled[slot]] = request
            filled[slot] += 1
