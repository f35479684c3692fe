"""A request without a place learns why, and what would have changed that."""

import pytest

from market.matching.auction.clearing import Rules, clear
from market.matching.auction.reading import instance_of
from market.matching.auction.reasons import Reason
from tests.market.matching.auction.auctions import auction, offer, request

OFFERS = [offer([0, 0, 2, 2, 4, 0], 100), offer(1, 50, region=1, attr=9)]


@pytest.mark.parametrize(
    ("wanted", "reason", "detail"),
    [
        (request(1_000, (0, 0)), Reason.NO_CLASS, -1),
        (request(1_000, (0, 1)), Reason.NO_CLASS, -1),
        (request(1_000, attr=10), Reason.NO_ATTRIBUTE, -1),
        (request(1_000, attr=9, ring=0), Reason.NO_RING, -1),
        (request(1_000, (2,), 2, (0, 1), ring=0), Reason.WINDOW, 2),
        (request(1_000, (3,), 2, (0, 1), ring=0), Reason.WINDOW, -1),
        (request(1_000, (1,), 7), Reason.WINDOW, -1),
        (request(1_000, (3,), 2, (0, 4)), Reason.CAPACITY, 2),
        (request(199, (2,), 2, (0, 4)), Reason.PRICE_GAP, 200),
        (request(49, (1,), 2, (0, 4)), Reason.PRICE_GAP, 50),
    ],
)
def test_a_request_that_fits_nowhere_learns_why(wanted, reason, detail):
    outcome = clear(instance_of(auction(OFFERS, [wanted], classes=2)), Rules(iterations=1))

    assert (outcome.reason.tolist(), outcome.detail.tolist()) == ([reason], [detail])


def test_a_request_that_would_have_fitted_alone_learns_how_many_cards_are_left():
    first, second = request(900, (3,), 2, (0, 0)), request(900, (2,), 3, (0, 0))

    outcome = clear(instance_of(auction([offer(4)], [first, second])), Rules("instant"))

    assert outcome.reason.tolist() == [Reason.MATCHED, Reason.OUTRANKED]
    assert outcome.detail.tolist() == [-1, 1]
