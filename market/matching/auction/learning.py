"""Let prices follow demand: requests choose in small blocks, and what they choose gets dearer at once.

This is an incremental subgradient method. The size of a block depends on the number of requests alone, and prices are
integers that change between blocks only, so that neither threads nor the order of floating-point sums can change the
outcome. Requests look at a list of slots that is renewed when it is used up, and in long courses from time to time
because what nobody chooses gets cheaper; the certificate looks at all slots.
"""

from functools import partial
from typing import NamedTuple

import numpy as np

from market.matching.auction.board import Board
from market.matching.auction.choices import Choices, choose
from market.matching.auction.hands import Hands
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import compiled
from market.matching.auction.shortlists import Shortlist, gather
from market.matching.auction.slots import Room, room
from market.matching.auction.survey import survey
from market.matching.auction.tariffs import Tariff, add_up, is_mixed, level_of

BLOCK = 32
BLOCKS = 100
WORTH_SHARING = 256
RENEWALS = 5
LARGE = 0.5


class Look(NamedTuple):
    """Which requests look at all slots again in a pass, those of one turn, and how many starts they look at in each."""

    turn: int
    starts: int


@compiled
def _raise(board: Board, tariff: Tariff, choices: Choices, request: Whole, step: float) -> None:
    """Make the hours dearer that a request has chosen, by the share of their cards that it would take."""
    slot, need = choices.slot[request], choices.need[request]
    for level in range(level_of(tariff, need) + 1):
        cards = tariff.whole[need] if level and is_mixed(tariff, need) else need
        _raise_level(board, tariff, choices, request, level, step * tariff.pace[slot] * cards)


@compiled
def _raise_level(
    board: Board, tariff: Tariff, choices: Choices, request: Whole, level: Whole, push: Whole
) -> None:  # fmt: skip
    """Make the blocks of a level dearer, and with them what larger blocks cost."""
    slot, start, added = choices.slot[request], choices.start[request], np.int64(0)
    end, block, levels = start + board.hours[request], tariff.blocks[level], len(tariff.blocks)
    push = push if level == 0 else push * LARGE
    price, due, cap, top = tariff.price[slot], tariff.due[slot], board.cap[slot], np.int64(tariff.top[slot])
    for hour in range(start, end):
        room = top
        for other in range(levels):
            room -= price[other, hour]
        more: Whole = max(min(np.int64(push / (cap[hour] & -block)), room), np.int64(0))
        price[level, hour] += np.int32(more)
        added += more
        for above in range(level, levels):
            due[above, hour + 1] += np.int32(added)
    for above in range(level, levels):
        for hour in range(end + 1, due.shape[1]):
            due[above, hour] += np.int32(added)


@compiled
def _choose_some(
    board: Board, tariff: Tariff, choices: Choices, wide: Shortlist, some: Int64s, look: Look, room: Room
) -> None:  # fmt: skip
    """Let some requests choose; whoever liked a slot better that is not on his list looks at all slots again."""
    row = room.row
    for request in some:
        mine = wide.slot[request], wide.need[request], wide.utility[request]
        if request % RENEWALS != look.turn:
            choose(board, tariff, choices, request, mine, wide.size[request], row)
            if choices.utility[request] >= wide.floor[request]:
                continue
        gather(board, tariff, request, room, survey(board, tariff, request, room, look.starts), wide)
        choose(board, tariff, choices, request, mine, wide.size[request], row)


def _choose_share(
    board: Board, tariff: Tariff, choices: Choices, wide: Shortlist, shares: list[Int64s], look: Look, part: int
) -> None:
    _choose_some(board, tariff, choices, wide, shares[part], look, room(board))


@compiled
def _raise_some(
    board: Board, tariff: Tariff, choices: Choices, some: Int64s, step: float, part: Whole, parts: Whole
) -> None:  # fmt: skip
    """Make what some requests chose dearer, in one of the parts of the slots: each slot in the order of requests."""
    for request in some:
        slot = choices.slot[request]
        if slot >= 0 and slot % parts == part:
            _raise(board, tariff, choices, request, step)


def _raise_share(
    board: Board, tariff: Tariff, choices: Choices, some: Int64s, step: float, parts: int, part: int
) -> None:  # fmt: skip
    _raise_some(board, tariff, choices, some, step, part, parts)


@compiled
def _learn_alone(
    board: Board, tariff: Tariff, choices: Choices, wide: Shortlist, requests: Int64s, step: float, size: Whole,
    look: Look, room: Room,
) -> None:  # fmt: skip
    for first in range(0, len(requests), size):
        some = requests[first : first + size]
        _choose_some(board, tariff, choices, wide, some, look, room)
        _raise_some(board, tariff, choices, some, step, 0, 1)


def learn(
    board: Board, tariff: Tariff, choices: Choices, wide: Shortlist, requests: Int64s, step: float, look: Look,
    hands: Hands,
) -> None:  # fmt: skip
    """Let some requests choose, block by block, and raise the prices of what they choose."""
    size = max(len(requests) // BLOCKS, BLOCK)
    parts = hands.threads if size >= WORTH_SHARING else 1
    if parts == 1:
        _learn_alone(board, tariff, choices, wide, requests, step, size, look, room(board))
        return
    for first in range(0, len(requests), size):
        some = requests[first : first + size]
        shares = [some[part::parts].copy() for part in range(parts)]
        hands.each(partial(_choose_share, board, tariff, choices, wide, shares, look), parts)
        hands.each(partial(_raise_share, board, tariff, choices, some, step, parts), parts)


@compiled
def _fall(board: Board, tariff: Tariff, slot: Whole, step: float) -> None:
    for level in range(len(tariff.blocks)):
        fall = np.int32(step * tariff.pace[slot] * (LARGE if level else 1))
        tariff.fallen[slot] += _fall_level(tariff.price[slot, level], board.cap[slot], fall)
    add_up(tariff, slot)


@compiled
def _fall_level(price: Int32s, cap: Int32s, fall: Whole) -> Whole:
    """Make the open hours of a level cheaper; return by how much on the average of all hours."""
    total = np.int64(0)
    for hour in range(len(price)):
        less = min(price[hour], fall) if cap[hour] > 0 else np.int32(0)
        price[hour] -= less
        total += less
    return total // len(price)


@compiled
def _relax(board: Board, tariff: Tariff, step: float, first: Whole, last: Whole) -> None:
    for slot in range(first, last):
        _fall(board, tariff, slot, step)


def relax(board: Board, tariff: Tariff, step: float, hands: Hands) -> None:
    """Make every open hour cheaper: where nothing was chosen, prices fall back to the ask."""
    hands.share(lambda *part: _relax(board, tariff, step, *part), len(board.offer))
