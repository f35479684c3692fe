"""Whole auctions: exact small ones, and random ones against trying everything."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from market.matching.auction import board as boards
from market.matching.auction import checker, choices, clearing, duals, learning, rounds, shortlists, sketch, tariffs
from market.matching.auction.clearing import Rules, clear, default_iterations
from market.matching.auction.hands import Hands
from market.matching.auction.instance import BadInput
from market.matching.auction.reading import instance_of
from market.matching.auction.reasons import Reason
from tests.market.matching.auction.auctions import HOURS, auction, auctions, best_welfare, offer, request, shuffled

QUICK = Rules(iterations=3)
ANSWERS = ("offer", "start", "reason", "detail", "prices")


def cleared(arrays, rules=QUICK, threads=1):
    return clear(instance_of(arrays), rules, threads=threads)


def same(one, other):
    return (one.welfare, one.bound) == (other.welfare, other.bound) and all(
        np.array_equal(getattr(one, name), getattr(other, name)) for name in ANSWERS
    )


def test_the_more_valuable_of_two_requests_gets_the_only_card():
    arrays = auction([offer([1, 0])], [request(300, window=(0, 1)), request(500, window=(0, 1))], hours=2)

    outcome = cleared(arrays)

    assert outcome.offer.tolist() == [-1, 0]
    assert outcome.start.tolist() == [-1, 0]
    assert outcome.welfare == 400
    assert outcome.bound >= 400
    assert outcome.reason.tolist() == [Reason.OUTRANKED, Reason.MATCHED]


def test_the_search_replaces_a_long_request_by_two_short_ones_that_are_worth_more():
    long = request(1_000, (2,), 4, (0, 0))
    halves = [request(950, (2,), 2, (0, 0)), request(950, (2,), 2, (2, 2))]
    arrays = auction([offer(2, 10)], [long, *halves, request(100, (2,), 1, (5, 5))])

    outcome = cleared(arrays, Rules(iterations=60))

    assert outcome.welfare == best_welfare(arrays) == 4_000 - 80 + 80
    assert checker.faults(arrays, outcome.offer, outcome.start) == []


def test_what_is_matched_begins_as_early_as_it_can_without_paying_more():
    arrays = auction([offer(1, 0)], [request(300), request(200, window=(1, HOURS))])
    arrays["offer_ask"] = np.array([[5, 5, 2, 2, 2, 2]], dtype=np.int64)

    outcome = cleared(arrays)

    assert outcome.start.tolist() == [2, 3]


def test_instant_serves_by_sequence_at_the_cheapest_ask_then_the_earliest_start_then_the_first_offer():
    offers = [offer([0, 1, 1], 100), offer([1, 1, 1], 100), offer([1, 1, 1], 100), offer([1, 1, 1], 50)]
    requests = [request(200, hours=3, seq=3), request(200, hours=3, seq=1), request(200, hours=2, seq=2)]

    outcome = cleared(auction(offers, requests, hours=3), Rules("instant"))

    assert outcome.offer.tolist() == [2, 3, 1]
    assert outcome.start.tolist() == [0, 0, 0]


def test_price_priority_serves_the_highest_price_per_card_first():
    requests = [request(900, (3,), 6, (0, 0)), request(400, (1,), 6, (0, 0))]

    outcome = cleared(auction([offer(3)], requests), Rules("price"))

    assert outcome.offer.tolist() == [-1, 0]


def test_an_hourly_ask_moves_a_request_to_the_cheap_hours():
    arrays = auction([offer(1)], [request(100, hours=2)])
    arrays["offer_ask"] = np.array([[90, 90, 10, 10, 90, 10]])

    outcome = cleared(arrays)

    assert outcome.start.tolist() == [2]
    assert outcome.welfare == 180


def test_what_is_reserved_goes_to_small_firms_and_vouchers_only():
    requests = [request(900, (2,)), request(800, (2,), small=1), request(700, (2,), voucher=1), request(600, (2,))]
    arrays = auction([offer([4])], [one | {"window": (0, 0)} for one in requests], hours=1)

    outcome = cleared(arrays, replace(QUICK, reserve_bp=5_000))

    assert sorted(np.flatnonzero(outcome.offer >= 0)) == [0, 1]
    assert outcome.prices.shape == (2, 1, 1)


def test_a_request_that_has_waited_long_enough_outranks_a_better_one():
    requests = [request(300, window=(0, 0)), request(250, window=(0, 0), age=5)]

    outcome = cleared(auction([offer([1])], requests, hours=1), replace(QUICK, ageing_bp=1_000))

    assert outcome.offer.tolist() == [-1, 0]
    assert outcome.welfare == 150


@pytest.mark.parametrize("method", ["instant", "fifo", "price", "batch"])
@pytest.mark.parametrize("arrays", [auction([], []), auction([offer(1)], []), auction([], [request(5)])])
def test_nothing_on_offer_or_nothing_wanted_is_an_empty_result(arrays, method):
    outcome = cleared(arrays, replace(QUICK, method=method))

    assert (outcome.welfare, outcome.bound) == (0, 0)
    assert outcome.offer.tolist() == [-1] * len(arrays["req_seq"])


def test_warm_prices_of_another_market_are_refused():
    with pytest.raises(BadInput, match=r"the warm prices have the shape \(2, 1, 6\): \(1, 1, 6\) was expected"):
        cleared(auction([offer(1)], []), replace(QUICK, warm=np.zeros((2, 1, 6), dtype=np.int64)))


def test_small_auctions_get_more_iterations_by_default():
    of_small = default_iterations(1_000), default_iterations(1_000, warm=True)
    assert (*of_small, default_iterations(100_000)) == (1_000, 120, 100)


@settings(max_examples=150, deadline=None)
@given(auctions(), st.sampled_from(["instant", "price", "batch"]), st.integers(0, 9))
def test_no_allocation_is_unfair_and_none_beats_the_bound(arrays, method, seed):
    outcome = cleared(arrays, Rules(method, 2, seed))

    assert checker.faults(arrays, outcome.offer, outcome.start) == []
    assert outcome.welfare == checker.welfare_micro(arrays, outcome.offer, outcome.start)
    assert outcome.welfare <= best_welfare(arrays) <= outcome.bound
    assert ((outcome.reason == Reason.MATCHED) == (outcome.offer >= 0)).all()


@settings(max_examples=30, deadline=None)
@given(auctions(), st.integers(0, 5_000), st.integers(0, 2_000))
def test_rules_of_fairness_never_make_an_allocation_unfair(arrays, reserve_bp, ageing_bp):
    outcome = cleared(arrays, Rules(iterations=2, reserve_bp=reserve_bp, ageing_bp=ageing_bp))

    assert checker.faults(arrays, outcome.offer, outcome.start) == []
    assert outcome.welfare == checker.welfare_micro(arrays, outcome.offer, outcome.start) <= outcome.bound


@settings(max_examples=30, deadline=None)
@given(auctions(), st.randoms(use_true_random=False))
def test_neither_the_order_of_the_rows_nor_a_second_run_changes_anything(arrays, random):
    order = list(range(len(arrays["req_seq"])))
    random.shuffle(order)

    first, second = cleared(arrays), cleared(shuffled(arrays, order))

    assert same(first, cleared(arrays))
    assert (first.welfare, first.bound) == (second.welfare, second.bound)
    for name in ("offer", "start", "reason", "detail"):
        assert getattr(first, name)[order].tolist() == getattr(second, name).tolist()


@settings(max_examples=30, deadline=None)
@given(auctions(), st.lists(st.integers(0, 30), min_size=12, max_size=12))
def test_any_prices_to_begin_with_give_a_valid_bound(arrays, prices):
    warm = np.array(prices, dtype=np.int64).reshape(2, 1, 6)[: len(arrays["cap"])]

    outcome = cleared(arrays, Rules("instant", warm=warm))

    assert best_welfare(arrays) <= outcome.bound


@settings(max_examples=60, deadline=None)
@given(auctions(), st.lists(st.integers(0, 30), min_size=36, max_size=36), st.integers(1, 3))
def test_any_prices_of_blocks_give_a_valid_bound(arrays, prices, iterations):
    warm = np.array(prices, dtype=np.int64).reshape(2, 3, 6)[: len(arrays["cap"])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tariffs, "BLOCKS", (1, 2, 4))
        outcomes = [cleared(arrays, Rules("instant", warm=warm)), cleared(arrays, Rules("batch", iterations))]

    for outcome in outcomes:
        assert checker.faults(arrays, outcome.offer, outcome.start) == []
        assert outcome.welfare <= best_welfare(arrays) <= outcome.bound


@pytest.mark.parametrize(
    ("need", "pays"),
    [(1, (0, 1)), (7, (0, 7)), (8, (1, 8)), (13, (1, 8)), (24, (1, 24)), (40, (1, 40)), (35, (2, 32)), (64, (2, 64))],
)
def test_whole_blocks_pay_their_price_and_the_rest_the_lowest(need, pays):
    level, whole = tariffs.levels((1, 8, 16), 64)

    assert (level[need], whole[need]) == pays


def test_the_bound_knows_that_large_requests_cannot_use_a_remainder():
    arrays = auction([offer([24], 1)], [request(1_000, (16,), window=(0, 0)) for _ in range(2)], hours=1)

    outcome = cleared(arrays, Rules(iterations=400))

    assert outcome.welfare == 1_000 - 16
    # Without prices of blocks one and a half of the two would fit.
    assert outcome.bound < outcome.welfare * 3 // 2


def test_prices_of_one_batch_warm_the_next():
    arrays = auction([offer(2, 10), offer(1, 20)], [request(100 + number, hours=3) for number in range(8)])
    first = cleared(arrays, Rules(iterations=30))

    second = cleared(arrays, Rules(iterations=1, warm=first.prices))

    assert second.bound < cleared(arrays, Rules(iterations=1)).bound
    assert second.welfare == best_welfare_of_equal_hours(arrays)


def best_welfare_of_equal_hours(arrays):
    """Six places of three hours: the four best requests go to the cheaper offer, the next two to the dearer one."""
    values = sorted(arrays["req_value"].tolist(), reverse=True)
    return sum(3 * value for value in values[:6]) - 4 * 30 - 2 * 60


def test_where_offers_are_many_of_a_kind_prices_begin_with_a_sketch_of_the_market(monkeypatch):
    offers = [offer(1, 10 + number) for number in range(16)]
    arrays = auction(offers, [request(100 + number, hours=3) for number in range(60)])
    sketched = cleared(arrays, Rules(iterations=1))
    monkeypatch.setattr(sketch, "CROWD", 17)

    plain = cleared(arrays, Rules(iterations=1))

    assert sketched.welfare <= sketched.bound < plain.bound


@settings(max_examples=30, deadline=None)
@given(auctions(), st.sampled_from([0, 5_000]))
def test_a_sketch_of_any_market_leaves_the_bound_valid(arrays, reserve_bp):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sketch, "CROWD", 0)
        outcome = cleared(arrays, replace(QUICK, reserve_bp=reserve_bp))

    assert checker.faults(arrays, outcome.offer, outcome.start) == []
    assert outcome.welfare <= outcome.bound
    assert reserve_bp or best_welfare(arrays) <= outcome.bound


def test_long_budgets_search_more_than_they_learn():
    assert [duals.passes(iterations) for iterations in (1, 40, 100, 1_000)] == [1, 40, 90, 540]


def crowded():
    offers = [offer(3, 10 + number, kind=number % 3, attr=number) for number in range(9)]
    requests = [
        request(50 + 7 * number % 60, (1 + number % 3, number % 2, 1), 1 + number % 4, (number % 3, 5), attr=number % 5)
        for number in range(60)
    ]
    return auction(offers, requests, classes=3)


def test_the_bound_looks_at_all_offers_however_short_the_lists_are(monkeypatch):
    arrays = crowded()
    listed = cleared(arrays)
    monkeypatch.setattr(clearing, "LENGTH", 1)

    assert cleared(arrays).bound == listed.bound


@settings(max_examples=30, deadline=None)
@given(auctions())
def test_a_glance_at_few_starts_leaves_the_bound_valid(arrays):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(duals, "GLANCE", 1)
        outcome = cleared(arrays)

    assert checker.faults(arrays, outcome.offer, outcome.start) == []
    assert outcome.welfare <= best_welfare(arrays) <= outcome.bound


@pytest.mark.parametrize("iterations", [4, clearing.UNHURRIED])
def test_more_threads_change_nothing_whether_there_is_time_to_search_or_not(monkeypatch, iterations):
    monkeypatch.setattr(rounds, "LARGE", 0)
    monkeypatch.setattr(learning, "WORTH_SHARING", 1)
    monkeypatch.setattr(duals, "LENGTH", 3)
    arrays = crowded()

    alone, shared = (cleared(arrays, Rules(iterations=iterations), threads=threads) for threads in (1, 3))

    assert same(alone, shared)
    assert checker.faults(arrays, shared.offer, shared.start) == []


def pools(cards):
    """Return a market of nearly equal offers, in which everybody likes the same ones best, in pools of cards."""
    offers = [offer(2 * cards, (8 + number % 5) * 1_000_000) for number in range(10)]
    values = [cards * (10 + number * 7 % 10) * 1_000_000 for number in range(40)]
    wanted = [request(value, (cards,), 3 + number * 13 % 3, (0, 3)) for number, value in enumerate(values)]
    return auction(offers, wanted)


def test_a_search_that_loses_much_and_finds_little_returns_what_it_began_with(monkeypatch):
    begin, begun = clearing._begin, []
    monkeypatch.setattr(clearing, "_begin", lambda *given: begun.append(begin(*given)) or begun[-1])
    monkeypatch.setattr(clearing, "HEAT", 1_000_000)
    monkeypatch.setattr(clearing, "HEATED", 1_000_000)
    monkeypatch.setattr(clearing, "LEASH", 1)
    monkeypatch.setattr(clearing, "STEPS_PER_REQUEST", 0.2)
    monkeypatch.setattr(clearing, "INSISTED", 0)
    arrays = pools(8)

    outcomes = [cleared(arrays, Rules(iterations=3, seed=seed)) for seed in range(20)]

    began = [int(plan.gain.sum()) for plan in begun]
    assert all(outcome.welfare >= gain for outcome, gain in zip(outcomes, began, strict=True))
    assert [outcome.welfare for outcome in outcomes].count(began[0]) > 0


def test_who_is_insisted_on_gets_a_place_only_where_all_together_gain(monkeypatch):
    arrays = pools(8)
    insisting = [cleared(arrays, Rules(iterations=3, seed=seed)).welfare for seed in range(2)]
    monkeypatch.setattr(clearing, "INSISTED", 0)

    searching = [cleared(arrays, Rules(iterations=3, seed=seed)).welfare for seed in range(2)]

    assert all(more >= less for more, less in zip(insisting, searching, strict=True))
    assert sum(insisting) > sum(searching)


def test_what_a_thousand_cards_leave_is_told_in_full():
    board = boards.build(instance_of(pools(1_024)))
    tariff, chosen = tariffs.build(board), choices.nothing(40)

    short = shortlists.respond(board, tariff, chosen, 4, Hands(1))

    assert chosen.utility.max() > 2**31
    assert short.utility[:, 0].tolist() == chosen.utility.tolist()
