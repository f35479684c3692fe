"""The independent checker notices each way in which an outcome can be wrong."""

from dataclasses import replace

import pytest

from market.matching import Outcome, checker, match
from tests.market.matching.scenes import ask, bid, book, key

MARKET = book((ask(1, 100), [2, 2, 2]), (ask(2, 200, model="A100", provider="p2", category="HPC"), [2, 2, 2]))
ORDERS = [bid(1, count=2, hours=2, limit=150, providers=("p1",), categories=("GPU_TRAIN",))]


def honest():
    return match(MARKET, ORDERS).matches[0]


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"count": 1}, "does not get its count"),
        ({"hours": 1}, "does not get its hours"),
        ({"start_hour": 1}, "does not get its window"),
        ({"price_micro": 99}, "does not get its price"),
        ({"offering_id": key(2)}, "does not get its model"),
        ({"offering_id": key(2)}, "does not get its provider"),
        ({"offering_id": key(2)}, "does not get its category"),
        ({"offering_id": key(2), "price_micro": 200}, "does not get its price"),
        ({"start_hour": 2}, "gives 2 cards in hour 3 but has 0"),
        ({"offering_id": key(9)}, "gives 2 cards in hour 0 but has 0"),
        ({"order_id": key(5)}, "is answered 0 times"),
    ],
)
def test_a_dishonest_fill_is_noticed(change, fault):
    found = checker.faults(MARKET, ORDERS, Outcome((replace(honest(), **change),), ()))

    assert any(fault in one for one in found), found


def test_an_order_that_is_filled_twice_is_noticed():
    found = checker.faults(MARKET, ORDERS, Outcome((honest(), honest()), ()))

    assert any("answered 2 times" in one for one in found)
    assert any("gives 4 cards in hour 0 but has 2" in one for one in found)


def test_an_honest_outcome_has_no_faults():
    assert checker.faults(MARKET, ORDERS, match(MARKET, ORDERS)) == ()
