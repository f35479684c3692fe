"""Malformed input is refused in clear words before anything is matched."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from market.matching import Book, match
from tests.market.matching.scenes import HOUR0, ask, bid, book


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"count": 0}, "both start at 1"),
        ({"count": -2}, "both start at 1"),
        ({"hours": 0}, "both start at 1"),
        ({"start_min": 3, "start_max": 2}, "reversed window: 3 to 2"),
        ({"limit_micro": -1}, "not a price"),
        ({"limit_micro": 2**63}, "not a price"),
        ({"accelerators": frozenset()}, "accepts no model"),
    ],
)
def test_a_malformed_bid_is_refused(change, complaint):
    with pytest.raises(ValueError, match=complaint):
        replace(bid(1), **change)


@pytest.mark.parametrize("price", [-1, 2**63])
def test_an_ask_needs_a_price(price):
    with pytest.raises(ValueError, match="not a price"):
        ask(1, price)


def test_two_bids_of_one_order_are_refused():
    with pytest.raises(ValueError, match=r"order .* comes twice"):
        match(book((ask(1), [1])), [bid(1), replace(bid(1), sequence=2)])


def test_two_bids_with_one_sequence_number_are_refused():
    with pytest.raises(ValueError, match="sequence number 1 comes twice"):
        match(book((ask(1), [1])), [bid(1), replace(bid(2), sequence=1)])


def test_one_offering_twice_is_refused():
    with pytest.raises(ValueError, match=r"offering .* comes twice"):
        book((ask(1), [1]), (ask(1), [1]))


@pytest.mark.parametrize(
    ("capacity", "complaint"),
    [
        (np.array([[1, 2]], dtype=np.int64), "int32"),
        (np.array([[1, 2, 3]], dtype=np.int32), r"int32 \(1, 2\) was expected"),
        (np.array([[1, -1]], dtype=np.int32), "negative number of cards"),
    ],
)
def test_capacity_has_one_row_per_offering_and_one_column_per_hour(capacity, complaint):
    with pytest.raises(ValueError, match=complaint):
        Book(HOUR0, 2, (ask(1),), capacity)


def test_more_cannot_be_free_than_is_offered():
    with pytest.raises(ValueError, match="more cards are free"):
        book((ask(1), [2]), offered=[[1]])


@pytest.mark.parametrize("hour0", [datetime(2026, 10, 1), HOUR0 + timedelta(minutes=1)])  # noqa: DTZ001 the fault
def test_a_book_begins_at_a_full_hour_with_a_zone(hour0):
    with pytest.raises(ValueError, match="full hour"):
        Book(hour0, 1, (), np.zeros((0, 1), dtype=np.int32))


def test_a_book_covers_an_hour():
    with pytest.raises(ValueError, match="at least one hour"):
        Book(HOUR0, 0, (), np.zeros((0, 0), dtype=np.int32))


def test_an_hour_index_is_an_instant():
    assert book((ask(1), [1])).hour(25) == datetime(2026, 10, 2, 1, tzinfo=UTC)
