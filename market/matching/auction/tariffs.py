"""Prices of slot-hours in whole units, on top of the asks: what a run of hours costs at them.

A unit is so many micro-yuan that 32 bits hold the price of the whole horizon. Asks are rounded down to units and
values up, so that utilities in units bound the exact ones from above.

Large requests waste what does not divide by them: of 37 cards, those that need 16 can use but 32. So every slot-hour
has a price for each of a few blocks. Cards in whole blocks of ``k`` can be at most ``k`` × ⌊capacity ÷ k⌋ (a rounding
cut of Chvátal and Gomory), and that is what the price of a block is for: who needs whole blocks pays it on top of the
prices of smaller ones. The bound is tighter for it.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from market.matching.auction.board import WORD, Board
from market.matching.auction.instance import Int32s, Int64s, Whole
from market.matching.auction.loops import built_in, compiled

MOST_UNITS = 2**30
BLOCKS = (1, 8, 16, 32)
ONE_BLOCK = (1,)
# A few passes do not learn more levels than this, and each costs a seventh of the time.
FEW_BLOCKS = (1, 16)
EVEN = 7
MOST_TABLED = 4_096
SHARE_BITS = 8
SLACK = 2**SHARE_BITS + 1


class Tariff(NamedTuple):
    """``price[slot, level, h]`` is the price for blocks of ``blocks[level]`` cards, on top of those of smaller blocks.

    ``due[slot, level, h]``: ask and prices up to a level of a card before hour ``h``, and ``shown[level, h, slot]`` the
    same when last shown; ``least[slot, level]``: those of its cheapest hour. ``level[need]`` is the level that
    a request for so many cards pays for ``whole[need]`` of them; the rest pays the lowest, and so do all cards of a
    request beyond the end of the tables.
    ``fallen[slot]`` is by how much an hour of a slot has got cheaper on average, all falls together.
    ``worth[request]`` is the value of a request, ``top[slot]`` more than any request could pay for a card-hour and
    the price of every closed hour, ``pace[slot]`` by how much prices move; ``micro`` the size of the unit.
    """

    ask: Int32s
    price: Int32s
    due: Int32s
    least: Int64s
    shown: Int32s
    fallen: Int64s
    worth: Int64s
    top: Int64s
    pace: Int64s
    blocks: Int64s
    level: Int64s
    whole: Int64s
    micro: int


def build(board: Board, blocks: Sequence[int] = BLOCKS) -> Tariff:
    """Return a tariff at which nothing costs more than its ask."""
    most = min(int(board.needs.max(initial=1)), MOST_TABLED)
    used = [block for block in blocks if block <= most]
    level, whole = levels(used, most)
    per_hour = -(-np.repeat(board.value // board.hours + 1, np.diff(board.kind_at)) // board.needs)
    dearest = np.zeros(len(board.first_word), dtype=np.int64)
    np.maximum.at(dearest, board.kinds, per_hour)
    top = np.repeat(dearest, (board.end_word - board.first_word) * WORD)
    horizon = board.cap.shape[1]
    largest = max(int(board.spent[:, -1].max(initial=0)) + horizon * int(top.max(initial=0)), 1)
    micro = -(-largest // MOST_UNITS)
    ask = (np.diff(board.spent, axis=1) // micro).astype(np.int32)
    top = top // micro + 1
    price = np.zeros((len(ask), len(used), horizon), dtype=np.int32)
    price[:, 0] = np.where(board.cap > 0, 0, top[:, None])
    tariff = Tariff(
        ask=ask,
        price=price,
        due=np.zeros((len(ask), len(used), horizon + 1), dtype=np.int32),
        least=np.zeros((len(top), len(used)), dtype=np.int64),
        shown=np.zeros((len(used), horizon + 1, len(ask)), dtype=np.int32),
        fallen=np.zeros(len(top), dtype=np.int64),
        worth=-(-board.value // micro),
        top=top,
        pace=np.maximum(ask.mean(axis=1).astype(np.int64), top // 8),
        blocks=np.array(used, dtype=np.int64),
        level=level,
        whole=whole,
        micro=micro,
    )
    add_up_all(tariff)
    return tariff


def levels(blocks: Sequence[int], most: int) -> tuple[Int64s, Int64s]:
    """Return for every number of cards up to the most the level that it pays, and for how many of its cards.

    What divides by a block that is not too small for it pays that block for all its cards.
    """
    need = np.arange(most + 1, dtype=np.int64)
    level, whole = np.zeros(most + 1, dtype=np.int64), need.copy()
    for number, block in enumerate(blocks):
        fits = need >= block
        level, whole = np.where(fits, number, level), np.where(fits, need // block * block, whole)
    for number, block in enumerate(blocks):
        even = (need % block == 0) & (need >= block) & (need <= EVEN * block)
        level, whole = np.where(even, number, level), np.where(even, need, whole)
    return level, whole


@compiled
def add_up(tariff: Tariff, slot: Whole) -> None:
    """Bring the sums of a slot up to date with its prices."""
    least = np.int64(MOST_UNITS)
    running = np.int64(0)
    for hour in range(tariff.price.shape[2]):
        cost = np.int64(tariff.ask[slot, hour]) + np.int64(tariff.price[slot, 0, hour])
        least = min(least, cost)
        running += cost
        tariff.due[slot, 0, hour + 1] = running
    tariff.least[slot, 0] = least
    for level in range(1, len(tariff.blocks)):
        above, least = np.int32(0), np.int64(MOST_UNITS)
        for hour in range(tariff.price.shape[2]):
            above += tariff.price[slot, level, hour]
            due = tariff.due[slot, level - 1, hour + 1] + above
            least = min(least, np.int64(due) - np.int64(tariff.due[slot, level, hour]))
            tariff.due[slot, level, hour + 1] = due
        tariff.least[slot, level] = least


@built_in
def level_of(tariff: Tariff, need: Whole) -> Whole:
    """Return the level that a request for so many cards pays."""
    return tariff.level[need] if need < len(tariff.level) else np.int64(0)


@built_in
def is_mixed(tariff: Tariff, need: Whole) -> Any:
    """Tell whether some cards of a request pay another level than the rest."""
    return need < len(tariff.whole) and tariff.whole[need] < need


@built_in
def payable(levels: Int64s, wholes: Int64s, need: Whole) -> tuple[Whole, Whole]:
    """Return the level that a request for so many cards pays, and for how many of its cards."""
    if need < len(levels):
        return levels[need], wholes[need]
    return np.int64(0), np.int64(need)


@compiled
def _blend(low: Int32s, high: Int32s, share: Whole, begin: Whole, end: Whole, blended: Int32s) -> None:
    cheap, dear, part = low[begin : end + 1], high[begin : end + 1], np.int32(share)
    result = blended[begin : end + 1]
    for hour in range(len(result)):
        above = np.int32(np.int32(dear[hour] - cheap[hour]) >> np.int32(SHARE_BITS))
        result[hour] = np.int32(cheap[hour] + np.int32(above * part))


@built_in
def row_of(
    due: Int32s, slot: Whole, paid: tuple[Whole, Whole], need: Whole, begin: Whole, end: Whole, scratch: Int32s
) -> Int32s:
    """Return what a card costs before each hour from ``begin`` to ``end``, on the average of all cards of a request.

    The average is rounded down in steps that vector units can do, so that a run may seem to cost up to ``SLACK`` units
    a card too much.
    """
    row = due[slot, paid[0]]
    if paid[1] < need:
        _blend(due[slot, 0], row, (paid[1] << SHARE_BITS) // need, begin, end, scratch)
        row = scratch
    return row


@compiled
def add_up_all(tariff: Tariff) -> None:
    """Bring all sums up to date."""
    for slot in range(len(tariff.least)):
        add_up(tariff, slot)


@compiled
def cheapest_run(due: Int32s, lo: Whole, hi: Whole, hours: Whole) -> Whole:
    """Return the least that one card costs for a run of hours, even where too few cards are open."""
    begin = due[lo : hi + 1]
    end = due[lo + hours : hi + hours + 1]
    least = np.int32(end[0] - begin[0])
    for index in range(len(begin)):
        least = min(least, np.int32(end[index] - begin[index]))
    return np.int64(least)
