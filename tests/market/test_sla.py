"""The published table of credits, and the time that was lost."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import sla
from market.sla import Span

START = datetime(2026, 10, 1, tzinfo=UTC)


def span(first: int, last: int) -> Span:
    return Span(START + timedelta(minutes=first), START + timedelta(minutes=last))


@pytest.mark.parametrize(
    ("ppm", "credit_bp"),
    [
        (1_000_000, 0),
        (999_000, 0),
        (998_999, 1_000),
        (990_000, 1_000),
        (989_999, 2_500),
        (949_999, 5_000),
        (500_000, 5_000),
        (499_999, 10_000),
        (0, 10_000),
    ],
)
def test_the_table_says_what_comes_back(ppm, credit_bp):
    assert sla.credit_bp(ppm) == credit_bp


def test_what_overlaps_is_lost_once_and_what_is_outside_is_not():
    assert (
        sla.lost_ms(span(0, 100), [span(10, 30), span(20, 40), span(25, 26), span(-5, 5), span(95, 200)]) == 40 * 60_000
    )


def test_availability_is_rounded_against_the_provider():
    third = Span(START, START + timedelta(milliseconds=3))

    assert sla.availability_ppm(third, [Span(START, START + timedelta(milliseconds=1))]) == 666_666


@given(st.lists(st.tuples(st.integers(-50, 150), st.integers(1, 100)), max_size=6))
def test_lost_time_is_what_a_clock_would_count(spans):
    lost = [span(first, first + length) for first, length in spans]

    minutes = sum(any(one.starts_at <= START + timedelta(minutes=m) < one.ends_at for one in lost) for m in range(100))

    assert sla.lost_ms(span(0, 100), lost) == minutes * 60_000
