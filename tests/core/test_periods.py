"""Periods: half-open, in UTC, with the calendar of Shanghai."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import periods
from core.periods import HOUR, SHANGHAI, Period

START = datetime(2026, 10, 1, 0, 30, tzinfo=UTC)


def test_a_period_has_its_start_and_not_its_end():
    period = Period(START, START + HOUR)

    assert START in period
    assert START + HOUR not in period
    assert START - timedelta(microseconds=1) not in period


@pytest.mark.parametrize("length", [timedelta(0), -HOUR])
def test_a_period_without_length_is_refused(length):
    with pytest.raises(ValueError, match="ends after"):
        Period(START, START + length)


def test_a_period_touches_its_clock_hours():
    whole = datetime(2026, 10, 1, tzinfo=UTC)

    assert list(Period(START, START + HOUR).hours()) == [whole, whole + HOUR]
    assert list(Period(whole, whole + HOUR).hours()) == [whole]


def test_an_hour_begins_in_utc_wherever_the_clock_stands():
    assert periods.hour_of(datetime(2026, 10, 1, 8, 59, 59, tzinfo=SHANGHAI)) == datetime(2026, 10, 1, tzinfo=UTC)


def test_a_day_and_a_month_begin_in_shanghai():
    assert periods.midnight(date(2026, 10, 1)) == datetime(2026, 9, 30, 16, tzinfo=UTC)
    assert periods.date_of(datetime(2026, 9, 30, 16, tzinfo=UTC)) == date(2026, 10, 1)
    month = periods.month_of(date(2026, 2, 15))
    assert (month.starts_at, month.ends_at) == (
        datetime(2026, 1, 31, 16, tzinfo=UTC),
        datetime(2026, 2, 28, 16, tzinfo=UTC),
    )


@given(st.dates(min_value=date(2000, 1, 1), max_value=date(2100, 1, 1)))
def test_months_follow_each_other_without_gap_or_overlap(on):
    month, following = periods.month_of(on), periods.month_of(periods.next_month(on))

    assert periods.midnight(on) in month
    assert month.ends_at == following.starts_at
    assert periods.month_start(on).day == 1
