"""The published table of fees for hours that are given back, and what it makes of them."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.periods import HOUR
from market import notice
from market.notice import CURRENT, FreedHour

AT = CURRENT.starts_at + timedelta(days=10)
YUAN = 1_000_000


@pytest.mark.parametrize(
    ("hours", "listing_hours", "fee_bp"),
    [(24, 0, 0), (23.99, 0, 1_000), (4, 0, 1_000), (3.99, 0, 3_000), (0, 0, 3_000), (24, 48, 1_000), (48, 48, 0)],
)
def test_the_table_says_what_is_owed_by_notice(hours, listing_hours, fee_bp):
    assert notice.fee_bp(CURRENT, notice=timedelta(hours=hours), listing_hours=listing_hours) == fee_bp


def test_an_order_keeps_the_table_that_was_in_force_when_it_was_placed():
    assert notice.in_force(CURRENT.starts_at) == CURRENT
    assert notice.in_force(CURRENT.starts_at - timedelta(microseconds=1)) is None


def test_each_hour_has_its_own_notice_and_the_sum_is_rounded_down_once():
    hours = [FreedHour(AT + number * HOUR, 2 * YUAN + 1_999) for number in range(1, 31)]

    # Three hours at 30 %, twenty at 10 %, seven free: 2.9 × ¥2.001999 = ¥5.8057971.
    assert notice.fee_fen(CURRENT, hours, at=AT) == 580


freed = st.lists(st.integers(1, 10**9), min_size=1, max_size=40)


@given(values=freed, cut=st.integers(0, 40), listing_hours=st.integers(0, 60))
def test_giving_back_in_two_acts_costs_what_one_costs_but_for_a_fen_of_rounding(values, cut, listing_hours):
    hours = [FreedHour(AT + number * HOUR, value) for number, value in enumerate(values)]

    def fee(some):
        return notice.fee_fen(CURRENT, some, at=AT, listing_hours=listing_hours)

    assert 0 <= fee(hours) - fee(hours[:cut]) - fee(hours[cut:]) <= 1
    assert fee(hours) * 10_000 <= sum(values)
