"""The digest changes with everything that can change the outcome, and with nothing else."""

from dataclasses import replace
from datetime import timedelta

import pytest

from market.matching import input_sha256
from market.matching.terms import levels
from tests.market.matching.scenes import ask, bid, book

MARKET = book((ask(1), [1, 2]), (ask(2), [3, 4]))
ORDERS = [bid(1), bid(2, providers=("p1", "p2"))]


def test_the_digest_of_a_known_input_never_changes():
    assert input_sha256(MARKET, ORDERS) == "fca8c2606b51220c5a74f1214c67f641f44ce9b21679234911bb7e36f20202a3"


@pytest.mark.parametrize(
    "other",
    [
        book((ask(1), [1, 2]), (ask(2), [3, 5])),
        book((ask(1, 101), [1, 2]), (ask(2), [3, 4])),
        book((ask(1), [1, 2]), (ask(2), [3, 4]), offered=[[1, 2], [3, 4]]),
        book((ask(1), [1, 2]), (ask(2), [3, 4]), offered=[[1, 2], [3, 9]]),
        book((replace(ask(1), levels=levels(memory=1)), [1, 2]), (ask(2), [3, 4])),
        replace(MARKET, rings=((1,),)),
        replace(MARKET, hour0=MARKET.hour0 + timedelta(hours=1)),
    ],
)
def test_another_book_has_another_digest(other):
    assert input_sha256(other, ORDERS) != input_sha256(MARKET, ORDERS)


@pytest.mark.parametrize(
    "change",
    [
        {"sequence": 9},
        {"count": 2},
        {"hours": 2},
        {"start_min": -1},
        {"start_max": 1},
        {"limit_micro": 999},
        {"accelerators": frozenset({"910B", "A100"})},
        {"providers": frozenset()},
        {"categories": frozenset({"HPC"})},
        {"refused": frozenset({"p1"})},
        {"counts": {"910B": 1}},
        {"least": levels(memory=1)},
        {"home": 1},
        {"ring_max": 1},
    ],
)
def test_another_order_has_another_digest(change):
    assert input_sha256(MARKET, [replace(bid(1), **change), ORDERS[1]]) != input_sha256(MARKET, ORDERS)


def test_books_with_the_same_offered_cards_share_a_digest():
    same = [book((ask(1), [1]), offered=[[2]]) for _ in range(2)]

    assert input_sha256(same[0], ORDERS) == input_sha256(same[1], ORDERS)
