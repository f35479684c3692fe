"""Orders in parts: by price, no more than wanted, never more cards at once than wanted, and all or none."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market.matching import Outcome, Reason, checker, input_sha256, match
from market.matching.terms import Split
from tests.market.matching.scenes import ask, bid, book, key


def parted(count, hours, window=(0, 0), *, limit=1_000, parts=9, cards=1, least=1, rest=0, **terms):
    whole = bid(1, count, hours, window, limit)
    wanted = rest or count * hours
    return replace(whole, split=Split(parts=parts, cards=cards, hours=least, card_hours=wanted, **terms))


def blocks(outcome):
    return [(fill.offering_id.int, fill.start_hour, fill.hours, fill.count) for fill in outcome.matches]


def refusal(outcome):
    return [(one.reason, dict(one.detail)) for one in outcome.unmatched]


TWO = book((ask(1, 100), [4, 4, 4]), (ask(2, 200), [8, 8, 8]))


def test_the_cheapest_offering_gives_what_it_has_and_the_next_one_the_rest():
    outcome = match(TWO, [parted(6, 2)])

    assert blocks(outcome) == [(1, 0, 2, 4), (2, 0, 2, 2)]
    assert [(fill.price_micro, fill.rank, fill.considered) for fill in outcome.matches] == [(100, 1, 2), (200, 2, 2)]
    assert outcome.unmatched == ()


def test_parts_follow_each_other_in_time_and_are_over_when_the_whole_order_would_be():
    market = book((ask(1), [4, 0, 4, 4, 4]))

    assert blocks(match(market, [parted(4, 3, (0, 1))])) == [(1, 0, 1, 4)]
    assert blocks(match(market, [parted(4, 3, (0, 2))])) == [(1, 2, 3, 4)]


@pytest.mark.parametrize(
    ("order", "got", "why"),
    [
        (parted(6, 2, limit=150), [(1, 0, 2, 4)], (Reason.PRICE_GAP, {"lowest_ask_micro": 200, "start_hour": 0})),
        (parted(13, 2), [(1, 0, 2, 4), (2, 0, 2, 8)], (Reason.CAPACITY, {"free_cards": 0})),
        (parted(13, 2, all_or_none=True), [], (Reason.PARTS, {"card_hours": 24})),
        (parted(6, 2, limit=150, all_or_none=True), [], (Reason.PARTS, {"card_hours": 8})),
        (parted(6, 2, parts=1, rest=12), [(1, 0, 2, 4)], None),
        (parted(6, 3, cards=3), [(1, 0, 3, 3), (2, 0, 3, 3)], None),
    ],
)
def test_an_order_that_does_not_get_all_says_why_and_how_much_there_is(order, got, why):
    outcome = match(TWO, [order])

    assert (blocks(outcome), refusal(outcome)) == (got, [why] if why else [])
    assert checker.faults(TWO, [order], outcome) == ()


def test_an_order_of_all_or_none_takes_larger_parts_where_the_cheapest_are_too_many():
    market = book((ask(1, 100), [1]), (ask(2, 110), [1]), (ask(3, 120), [1]), (ask(4, 200), [2]), (ask(5, 210), [1]))

    outcome = match(market, [parted(3, 1, parts=2, all_or_none=True)])

    assert sorted(blocks(outcome)) == [(1, 0, 1, 1), (4, 0, 1, 2)]


def test_parts_keep_to_what_is_sold_in_one_order():
    lots = replace(ask(1), counts=range(4, 9, 2), most_hours=2)
    market = book((lots, [9, 9, 9]))

    assert blocks(match(market, [parted(7, 3, (0, 2))])) == [(1, 0, 2, 6), (1, 2, 1, 6)]
    assert refusal(match(market, [parted(3, 3)])) == [(Reason.LOT, {})]
    assert refusal(match(book((lots, [3, 3, 3])), [parted(7, 3)])) == [
        (Reason.CAPACITY, {"free_cards": 3, "start_hour": 0})
    ]


def test_what_an_order_has_got_before_counts_against_its_cards():
    order = parted(6, 2, rest=4, taken=((0, 2, 4),))

    assert blocks(match(TWO, [order])) == [(1, 0, 2, 2)]


def test_how_an_order_is_split_is_part_of_the_input():
    whole = bid(1, 6, 2)

    assert len({input_sha256(TWO, [one]) for one in (whole, parted(6, 2), parted(6, 2, all_or_none=True))}) == 3


def test_a_split_into_nothing_is_no_split():
    with pytest.raises(ValueError, match="all of it starts at 1"):
        parted(1, 1, cards=0)


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"count": 1}, "does not get its count"),
        ({"hours": 1}, "does not get its hours"),
        ({"start_hour": 1}, "does not get its window"),
        ({"hours": 3}, "does not get its last hour"),
        ({"count": 4}, "does not get its cards at once"),
        ({"count": 9, "hours": 4}, "does not get its card-hours"),
    ],
)
def test_dishonest_parts_are_noticed(change, fault):
    order = parted(6, 2, cards=2, least=2)
    first, second = match(TWO, [order]).matches
    found = checker.faults(TWO, [order], Outcome((first, replace(second, **change)), ()))

    assert any(fault in one for one in found), found


def test_too_many_parts_and_less_than_all_are_noticed():
    order = parted(6, 2, parts=1, rest=12, all_or_none=True)
    fills = match(TWO, [parted(6, 2)]).matches

    many = checker.faults(TWO, [order], Outcome(fills, ()))
    less = checker.faults(TWO, [order], Outcome(fills[:1], ()))

    assert (many, less) == (
        (f"order {key(1001)} does not get its number of parts",),
        (f"order {key(1001)} does not get its all or none",),
    )


ROWS = st.lists(st.lists(st.integers(0, 9), min_size=6, max_size=6), min_size=1, max_size=5)


@given(
    rows=ROWS,
    count=st.integers(1, 12),
    hours=st.integers(1, 4),
    last=st.integers(0, 3),
    parts=st.integers(2, 5),
    least=st.tuples(st.integers(1, 3), st.integers(1, 2)),
    all_or_none=st.booleans(),
)
def test_whatever_is_free_parts_keep_every_term(rows, count, hours, last, parts, least, all_or_none):
    market = book(*((ask(number, 100 + number), row) for number, row in enumerate(rows)))
    cards, part_hours = min(least[0], count), min(least[1], hours)
    order = parted(count, hours, (0, last), parts=parts, cards=cards, least=part_hours, all_or_none=all_or_none)

    outcome = match(market, [order, replace(bid(2, 2, 1, (0, 5)))])

    assert checker.faults(market, [order, bid(2, 2, 1, (0, 5))], outcome) == ()
    taken = sum(fill.count * fill.hours for fill in outcome.matches)
    assert taken <= int(np.array(rows).sum())
