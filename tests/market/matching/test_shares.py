"""How an order that is split asks an auction for its shares, and which of them are one part."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching import Ask, Bid, Fill, shares
from market.matching.terms import Split


def split(*, parts: int = 3, cards: int = 2, card_hours: int = 12) -> Split:
    return Split(parts=parts, cards=cards, hours=2, card_hours=card_hours)


@pytest.mark.parametrize(
    ("wanted", "cards"),
    [
        (split(), [2, 2, 2]),
        (split(parts=2), [4, 2]),
        (split(card_hours=14), [3, 2, 2]),
        (split(parts=1), [6]),
        (split(cards=8, parts=5, card_hours=128), [16, 16, 16, 8, 8]),
        (split(cards=4, card_hours=12), [6]),
    ],
)
def test_shares_are_even_multiples_of_the_smallest_part(wanted, cards):
    assert shares.sizes(wanted, hours=2) == cards


@given(count=st.integers(2, 500), cards=st.integers(1, 250), parts=st.integers(1, 20))
def test_shares_add_up_to_the_order_and_none_is_too_small(count, cards, parts):
    cards = min(cards, count)
    found = shares.sizes(Split(parts=parts, cards=cards, hours=3, card_hours=count * 3), hours=3)

    assert sum(found) == count
    assert len(found) <= parts
    assert min(found) >= cards


def test_the_shares_of_an_order_follow_each_other_where_the_order_stood():
    bid = Bid(UUID(int=1), 7, 6, 2, 0, 4, 10, frozenset(["910b"]), split=split())
    whole = Bid(UUID(int=2), 8, 3, 2, 0, 4, 10, frozenset(["910b"]))

    found = shares.requests([bid, whole])

    assert [(one.order_id.int, one.sequence, one.count) for one in found] == [
        (1, 224, 2),
        (1, 225, 2),
        (1, 226, 2),
        (2, 256, 3),
    ]
    assert all(one.split is None for one in found)


def test_shares_are_one_part_where_an_offering_sells_them_in_one_order():
    free, lots = UUID(int=1), UUID(int=2)
    asks = {free: Ask(free, "910b", "p", 1), lots: Ask(lots, "910b", "p", 1, counts=range(2, 3))}
    fills = [Fill(UUID(int=9), offer, start, 2, 2, 1, 0, 0) for offer in (free, lots) for start in (0, 0, 1)]

    found = [(one.offering_id.int, one.start_hour, one.count) for one in shares.joined(fills, asks)]

    assert found == [(1, 0, 4), (2, 0, 2), (2, 0, 2), (1, 1, 2), (2, 1, 2)]
