"""Overlaps against a plain oracle that counts every instant."""

from datetime import timedelta
from uuid import uuid4

from hypothesis import given
from hypothesis import strategies as st

from core.periods import hour_of
from market.services import usage_rules
from market.services.usage_events import Event, Interval
from market.services.usage_rules import Arrival, Promise, Span
from tests.market.scenes import AT

COUNT = 4
PROMISE = Promise(0, uuid4(), b"", AT, AT + timedelta(hours=1), COUNT)
spans = st.lists(
    st.tuples(st.integers(0, 11), st.integers(1, 6), st.integers(1, COUNT)).map(
        lambda span: (span[0], min(span[0] + span[1], 12), span[2])
    ),
    max_size=12,
)


def minute(number):
    return AT + timedelta(minutes=number)


def arrival(index, start, end, cards):
    event = Event(
        specversion="1.0",
        id=str(index),
        source="s",
        type="compute.usage.interval.v1",
        subject="s",
        data=Interval(minute(start), minute(end), "card", cards, 1),
    )
    return Arrival(index, event, PROMISE, hour_of(minute(start)), minute(start), minute(end), cards)


def in_use(taken):
    """Return the cards in use in each minute."""
    return [sum(cards for start, end, cards in taken if start <= tick < end) for tick in range(12)]


@given(spans)
def test_the_peak_is_the_busiest_instant(taken):
    assert usage_rules.peak(Span(minute(a), minute(b), c) for a, b, c in taken) == max(in_use(taken), default=0)


@given(spans, spans)
def test_exactly_the_events_that_do_not_fit_in_turn_are_excess(offered, reported):
    before = []
    for span in reported:
        if max(in_use([*before, span])) <= COUNT:
            before.append(span)
    taken, over = list(before), []
    for index, span in enumerate(offered):
        if max(in_use([*taken, span])) <= COUNT:
            taken.append(span)
        else:
            over.append(index)

    excess = usage_rules.excess(
        [arrival(index, *span) for index, span in enumerate(offered)],
        [Span(minute(a), minute(b), c) for a, b, c in before],
        count=COUNT,
    )

    assert [one.index for one in excess] == over


@given(spans)
def test_a_bucket_in_turn_has_no_overlap(offered):
    arrivals = [arrival(index, *span) for index, span in enumerate(offered)]

    for bucket in usage_rules.by_hour(arrivals):
        assert bucket.starts_at == min(one.starts_at for one in bucket.arrivals)
        assert bucket.ends_at == max(one.ends_at for one in bucket.arrivals)
        if bucket.in_turn:
            assert usage_rules.excess(bucket.arrivals, [], count=COUNT) == []
    assert len(usage_rules.by_hour(arrivals)) == bool(arrivals)
