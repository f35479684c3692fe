"""Room is found 32 slots at a time, and only where there is some."""

import numpy as np
import pytest

from market.matching.auction import board as boards
from market.matching.auction import openings
from market.matching.auction.openings import level_below, running, shut
from market.matching.auction.reading import instance_of
from tests.market.matching.auction.auctions import auction, offer, request

HOURS, OFFERS = 24, 40
EVERY_SLOT = 2**32 - 1


@pytest.fixture
def opened():
    cards = np.random.default_rng(5).integers(0, 12, (OFFERS, HOURS)) // np.arange(1, OFFERS + 1)[:, None] ** 0.3
    board = boards.build(
        instance_of(auction([offer(row.astype(int).tolist()) for row in cards], [request(9, (11,))], hours=HOURS))
    )
    return board, openings.build(board, board.cap)


@pytest.mark.parametrize(("lo", "hi", "hours"), [(3, 3, 1), (3, 3, 9), (2, 6, 7), (0, 15, 4), (0, 23, 1), (1, 7, 6)])
@pytest.mark.parametrize("need", [1, 2, 5, 8, 11])
def test_the_slots_of_a_word_with_room_are_those_that_have_the_cards_for_all_hours_of_a_run(
    opened, need, lo, hi, hours
):
    board, room = opened
    level = level_below(room, need)

    found = running(room.words[0, level], lo, hi, hours, EVERY_SLOT, openings.scratch(board))

    assert room.levels[level] == {1: 1, 2: 2, 5: 4, 8: 8, 11: 8}[need]
    runs = np.lib.stride_tricks.sliding_window_view(board.cap[:32], hours, axis=1).min(axis=2)[:, lo : hi + 1]
    assert [slot for slot in range(32) if found >> slot & 1] == np.flatnonzero(
        (runs >= room.levels[level]).any(axis=1)
    ).tolist()


def test_what_is_taken_is_open_no_more(opened):
    board, room = opened
    board.cap[33, 4:9] = np.maximum(board.cap[33, 4:9] - 3, 0)

    shut(room, board.cap[33], 33, 4, 9)

    assert np.array_equal(room.words, openings.build(board, board.cap).words)
