"""The independent checker notices each way in which an allocation can be wrong."""

import numpy as np
import pytest

from market.matching.auction import checker
from tests.market.matching.auction.auctions import auction, offer, request

ARRAYS = auction(
    [offer(2), offer(2, kind=1), offer(2, attr=0), offer(2, region=1), offer(2, 600), offer([0] * 6)],
    [request(500, hours=2, window=(1, 5), attr=1, ring=0)],
    classes=2,
)


@pytest.mark.parametrize(
    ("place", "start", "fault"),
    [
        (1, 1, "request 0 does not get its class"),
        (2, 1, "request 0 does not get its attributes"),
        (3, 1, "request 0 does not get its ring"),
        (0, 0, "request 0 does not get its window"),
        (4, 1, "request 0 does not get its value"),
        (5, 1, "offer 5 gives 1 cards in hour 1 but has 0"),
    ],
)
def test_a_dishonest_allocation_is_noticed(place, start, fault):
    assert fault in checker.faults(ARRAYS, np.array([place]), np.array([start]))


def test_an_honest_allocation_has_no_faults_and_its_welfare_is_exact():
    assert checker.faults(ARRAYS, np.array([0]), np.array([1])) == []
    assert checker.welfare_micro(ARRAYS, np.array([0]), np.array([1])) == 800
