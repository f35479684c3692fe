"""All or none in the auction, whoever stands in the way: nobody gets some only, nothing is sold twice, all replays."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from market.services import auctions

HOURS, LONG = 4, 2
order = st.tuples(st.integers(1, 4), st.integers(1, 3), st.integers(11, 30), st.booleans())


@settings(max_examples=25, deadline=None)
@given(
    caps=st.lists(st.integers(0, 6), min_size=1, max_size=3),
    orders=st.lists(order, min_size=2, max_size=6),
)
def test_who_wants_all_or_none_never_gets_some(caps, orders):
    wholes = [place + 1 if whole else 0 for place, (shares, _c, _v, whole) in enumerate(orders) for _ in range(shares)]
    cards = [cards for shares, cards, _value, _whole in orders for _ in range(shares)]
    value = [cards * value for shares, cards, value, _whole in orders for _ in range(shares)]
    laid = arrays(caps, np.array(wholes, np.int32), np.array(cards, np.int32), np.array(value))

    cleared = auctions.clear(laid, None, seed=1, iterations=20)

    offer, start = cleared.outcome.offer, cleared.outcome.start
    for mark in set(wholes) - {0}:
        assert len({bool(got) for got in offer[laid["req_whole"] == mark] >= 0}) == 1
    left = laid["cap"].copy()
    for row in np.flatnonzero(offer >= 0):
        left[offer[row], start[row] : start[row] + LONG] -= cards[row]
    assert left.min() >= 0
    again = auctions.clear(cleared.arrays, None, seed=1, iterations=20)
    assert (again.input_sha256, again.withdrawn) == (cleared.input_sha256, cleared.withdrawn)
    assert np.array_equal(again.outcome.offer, offer)


def arrays(caps, whole, cards, value):
    rows, offers = len(cards), len(caps)
    count = cards.reshape(-1, 1)
    zeros, none = np.zeros(rows, np.int32), np.zeros((rows, 0), np.int32)
    return {
        "offer_class": np.zeros(offers, np.int32),
        "offer_region": np.zeros(offers, np.int32),
        "offer_ask": np.full((offers, HOURS), 10, np.int64),
        "offer_attr": np.zeros((offers, 0), np.int32),
        "cap": np.repeat(np.array(caps, np.int32)[:, None], HOURS, axis=1),
        "ring": np.zeros((1, 1), np.int32),
        "req_count": count,
        "req_hours": np.full(rows, LONG, np.int32),
        "req_start_min": zeros,
        "req_start_max": zeros + 1,
        "req_value": value.astype(np.int64),
        "req_attr_min": none,
        "req_home": zeros,
        "req_ring_max": zeros,
        "req_seq": np.arange(rows, dtype=np.int64),
        "req_whole": whole,
        "whole_count": count[whole > 0],
    }
