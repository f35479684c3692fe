"""The price walk: who gets what, at what price, and why the others get nothing."""

import pytest

from market.matching import Fill, Outcome, Reason, Unmatched, match
from tests.market.matching.scenes import ask, bid, book, key


def only_reason(outcome):
    assert outcome.matches == ()
    (answer,) = outcome.unmatched
    return answer.reason, dict(answer.detail)


def test_an_order_gets_the_cheapest_offering_and_pays_its_ask():
    market = book((ask(1, 300), [4, 4]), (ask(2, 200), [4, 4]))

    outcome = match(market, [bid(1, count=3, hours=2, limit=900)])

    fill = Fill(key(1001), key(2), start_hour=0, hours=2, count=3, price_micro=200, rank=1, considered=2)
    assert outcome == Outcome((fill,), ())


def test_an_order_walks_on_to_the_next_price_when_the_cheapest_is_full():
    market = book((ask(1, 100), [2, 2]), (ask(2, 200), [4, 4]))

    (fill,) = match(market, [bid(1, count=3, hours=2)]).matches

    assert (fill.offering_id, fill.price_micro, fill.rank, fill.considered) == (key(2), 200, 2, 2)


def test_equal_asks_go_to_the_earlier_start_and_then_to_the_smaller_id():
    market = book((ask(1, 100), [0, 2, 2, 2]), (ask(3, 100), [2, 2, 2, 2]), (ask(2, 100), [2, 2, 2, 2]))

    (fill,) = match(market, [bid(1, count=2, hours=2, window=(0, 2))]).matches

    assert (fill.offering_id, fill.start_hour) == (key(2), 0)


def test_a_cheaper_offering_wins_over_an_earlier_start():
    market = book((ask(1, 100), [0, 0, 2]), (ask(2, 101), [2, 2, 2]))

    (fill,) = match(market, [bid(1, count=2, window=(0, 2))]).matches

    assert (fill.offering_id, fill.start_hour) == (key(1), 2)


def test_the_earlier_order_takes_the_last_cards():
    market = book((ask(1), [2, 2]))

    outcome = match(market, [bid(2, count=2, hours=2), bid(1, count=1, hours=2)])

    assert [fill.order_id for fill in outcome.matches] == [key(1001)]
    assert outcome.unmatched == (Unmatched(key(1002), Reason.CAPACITY, {"free_cards": 1, "start_hour": 0}),)


def test_two_orders_share_an_offering_when_the_cards_suffice():
    market = book((ask(1), [3, 3]))

    outcome = match(market, [bid(1, count=2, hours=2), bid(2, count=1, hours=2)])

    assert [fill.offering_id for fill in outcome.matches] == [key(1), key(1)]


def test_hours_are_contiguous():
    market = book((ask(1), [1, 0, 1, 1, 0]))

    (fill,) = match(market, [bid(1, hours=2, window=(0, 3))]).matches

    assert fill.start_hour == 2


def test_the_last_start_of_the_window_counts():
    market = book((ask(1), [0, 0, 1]))

    (fill,) = match(market, [bid(1, window=(0, 2))]).matches

    assert fill.start_hour == 2


def test_a_window_that_began_before_the_book_starts_with_the_book():
    market = book((ask(1), [1, 1]))

    (fill,) = match(market, [bid(1, hours=2, window=(-5, 7))]).matches

    assert fill.start_hour == 0


def test_a_limit_equal_to_the_ask_is_enough():
    (fill,) = match(book((ask(1, 500), [1])), [bid(1, limit=500)]).matches

    assert fill.price_micro == 500


def test_an_order_may_accept_several_models():
    market = book((ask(1, 300, model="A100"), [1]), (ask(2, 200, model="910B"), [1]), (ask(3, 100, model="T4"), [1]))

    (fill,) = match(market, [bid(1, models=("A100", "910B"))]).matches

    assert (fill.offering_id, fill.considered) == (key(2), 2)


def test_an_unknown_model_is_named_as_the_reason():
    assert only_reason(match(book((ask(1), [1])), [bid(1, models=("H100",))])) == (Reason.NO_MODEL, {})


def test_a_book_without_offerings_has_no_model():
    assert only_reason(match(book(), [bid(1)])) == (Reason.NO_MODEL, {})


def test_a_voucher_that_no_provider_takes_is_named_as_the_reason():
    market = book((ask(1, provider="p1"), [1]))

    assert only_reason(match(market, [bid(1, providers=("p2",))])) == (Reason.NO_PROVIDER, {})
    assert only_reason(match(market, [bid(1, providers=())])) == (Reason.NO_PROVIDER, {})


def test_only_an_allowed_provider_is_chosen():
    market = book((ask(1, 100, provider="p1"), [1]), (ask(2, 200, provider="p2"), [1]))

    (fill,) = match(market, [bid(1, providers=("p2",))]).matches

    assert (fill.offering_id, fill.rank, fill.considered) == (key(2), 1, 1)


def test_only_an_allowed_category_is_chosen():
    market = book((ask(1, 100, category="HPC"), [1]), (ask(2, 200, category="GPU_TRAIN"), [1]))

    (fill,) = match(market, [bid(1, categories=("GPU_TRAIN",))]).matches

    assert fill.offering_id == key(2)
    assert only_reason(match(market, [bid(1, categories=("GPU_INFER",))])) == (Reason.NO_CATEGORY, {})


def test_a_closed_window_tells_when_an_offering_opens():
    market = book((ask(1), [1, 0, 0, 1, 1]), offered=[[1, 0, 0, 1, 1]])

    assert only_reason(match(market, [bid(1, hours=2, window=(0, 1))])) == (Reason.WINDOW, {"start_hour": 3})


def test_hours_that_no_calendar_ever_has_in_a_row_are_a_window_without_advice():
    market = book((ask(1), [1, 0, 1]))

    assert only_reason(match(market, [bid(1, hours=2, window=(0, 1))])) == (Reason.WINDOW, {})


@pytest.mark.parametrize("window", [(2, 9), (-9, -1)])
def test_a_window_outside_the_book_is_a_window(window):
    market = book((ask(1), [1, 1]))

    assert only_reason(match(market, [bid(1, hours=1, window=window)])) == (Reason.WINDOW, {"start_hour": 0})


def test_more_hours_than_the_book_has_are_a_window():
    assert only_reason(match(book((ask(1), [1, 1])), [bid(1, hours=3, window=(0, 5))])) == (Reason.WINDOW, {})


def test_a_sold_out_hour_is_not_a_closed_one():
    market = book((ask(1), [0, 0]), offered=[[4, 4]])

    assert only_reason(match(market, [bid(1, hours=2)])) == (Reason.CAPACITY, {"free_cards": 0})


def test_a_price_gap_names_the_cheapest_ask_that_had_room():
    market = book((ask(1, 300), [1, 1]), (ask(2, 500), [4, 4]), (ask(3, 400), [0, 4]))

    outcome = match(market, [bid(1, count=4, hours=1, window=(1, 1), limit=299)])

    assert only_reason(outcome) == (Reason.PRICE_GAP, {"lowest_ask_micro": 400, "start_hour": 1})


def test_a_limit_below_every_price_is_a_price_gap():
    assert only_reason(match(book((ask(1, 300), [1])), [bid(1, limit=0)])) == (
        Reason.PRICE_GAP,
        {"lowest_ask_micro": 300, "start_hour": 0},
    )


def test_a_price_gap_opens_when_earlier_orders_took_the_cheap_cards():
    market = book((ask(1, 100), [1]), (ask(2, 200), [1]))

    outcome = match(market, [bid(1, limit=150), bid(2, limit=150)])

    assert outcome.unmatched == (Unmatched(key(1002), Reason.PRICE_GAP, {"lowest_ask_micro": 200, "start_hour": 0}),)


def test_a_shortage_names_the_most_cards_that_were_free_together_and_from_when():
    market = book((ask(1, 100), [9, 1, 3, 3, 9]), (ask(2, 200), [2, 2, 2, 2, 2]))

    outcome = match(market, [bid(1, count=8, hours=2, window=(0, 3))])

    assert only_reason(outcome) == (Reason.CAPACITY, {"free_cards": 3, "start_hour": 2})


def test_a_shortage_looks_at_dearer_offerings_when_none_is_within_the_limit():
    market = book((ask(1, 900), [5]))

    assert only_reason(match(market, [bid(1, count=6, limit=100)])) == (
        Reason.CAPACITY,
        {"free_cards": 5, "start_hour": 0},
    )


def test_more_cards_than_any_machine_counts_are_a_shortage():
    outcome = match(book((ask(1), [2**31 - 1])), [bid(1, count=2**40)])

    assert only_reason(outcome) == (Reason.CAPACITY, {"free_cards": 2**31 - 1, "start_hour": 0})


def test_the_book_keeps_its_cards():
    market = book((ask(1), [3, 3]))

    match(market, [bid(1, count=3, hours=2)])

    assert market.capacity.tolist() == [[3, 3]]


def test_no_orders_are_no_answers():
    assert match(book((ask(1), [1])), []) == Outcome((), ())


def test_a_price_shared_by_many_offerings_is_looked_at_as_a_whole():
    offers = [(ask(number, 100), [0, 1]) for number in range(1, 40)]
    market = book(*offers, (ask(40, 100), [1, 1]))

    (fill,) = match(market, [bid(1, window=(0, 1))]).matches

    assert (fill.offering_id, fill.start_hour) == (key(40), 0)


def test_a_long_walk_reaches_the_last_offering():
    offers = [(ask(number, 100 + number), [1, 0, 1, 1]) for number in range(1, 300)]
    market = book(*offers, (ask(300, 500), [1, 1, 1, 1]))

    (fill,) = match(market, [bid(1, hours=4)]).matches

    assert (fill.offering_id, fill.rank) == (key(300), 300)


def test_the_roomiest_offering_is_found_among_many():
    offers = [(ask(number), [number, number]) for number in range(1, 100)]

    outcome = match(book(*offers), [bid(1, count=500, hours=2)])

    assert only_reason(outcome) == (Reason.CAPACITY, {"free_cards": 99, "start_hour": 0})
