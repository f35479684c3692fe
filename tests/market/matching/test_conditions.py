"""Conditions of an order: who meets them, which one is in the way, and how many cards a performance takes."""

from dataclasses import replace

import pytest

from market.matching import Reason, checker, match
from market.matching.terms import levels
from tests.market.matching.scenes import ask, bid, book, key

SMALL = replace(ask(1, 100, provider="p1"), levels=levels(domestic=0, memory=48, interconnect=600), region=1)
LARGE = replace(ask(2, 200, provider="p2"), levels=levels(domestic=1, memory=96), region=2)
RINGS = ((0, 1, 2), (1, 0, 2), (2, 2, 0))
MARKET = book((SMALL, [8]), (LARGE, [8]), rings=RINGS)


@pytest.mark.parametrize(
    ("asked", "offering"),
    [
        ({}, 1),
        ({"least": levels(domestic=1)}, 2),
        ({"least": levels(memory=48)}, 1),
        ({"least": levels(memory=49)}, 2),
        ({"least": levels(interconnect=600)}, 1),
        ({"refused": frozenset({"p1"})}, 2),
        ({"home": 1, "ring_max": 0}, 1),
        ({"home": 2, "ring_max": 0}, 2),
    ],
)
def test_the_cheapest_that_meets_the_condition_gets_the_order(asked, offering):
    order = replace(bid(1), **asked)

    outcome = match(MARKET, [order])

    assert [fill.offering_id for fill in outcome.matches] == [key(offering)]
    assert checker.faults(MARKET, [order], outcome) == ()


@pytest.mark.parametrize(
    ("asked", "reason", "detail"),
    [
        ({"least": levels(memory=97)}, Reason.MEMORY, {"without": 2, "nearest": 96}),
        ({"least": levels(memory=97, domestic=1)}, Reason.MEMORY, {"without": 1, "nearest": 96}),
        ({"least": levels(memory=97, interconnect=600)}, Reason.MEMORY, {"without": 1, "nearest": 48}),
        ({"least": levels(domestic=1, interconnect=1)}, Reason.NOT_DOMESTIC, {"without": 1}),
        ({"least": levels(memory=97, interconnect=601)}, Reason.MEMORY, {}),
        ({"refused": frozenset({"p1", "p2"})}, Reason.REFUSED, {"without": 2}),
        ({"home": 0, "ring_max": 0}, Reason.RING, {"without": 2, "nearest": 1}),
        ({"counts": {"910B": 0}}, Reason.TFLOPS, {}),
    ],
)
def test_the_condition_in_the_way_is_named_with_what_would_do(asked, reason, detail):
    (missed,) = match(MARKET, [replace(bid(1), **asked)]).unmatched

    assert (missed.reason, missed.detail) == (reason, detail)


def test_a_performance_goes_where_all_its_cards_cost_least():
    fast, slow = ask(1, 300, model="fast"), ask(2, 100, model="slow")
    market = book((fast, [8]), (slow, [8]))
    order = replace(bid(1, limit=900, models=("fast", "slow")), counts={"fast": 2, "slow": 7})

    outcome = match(market, [order])

    (fill,) = outcome.matches
    assert (fill.offering_id, fill.count, fill.price_micro, fill.rank, fill.considered) == (key(1), 2, 300, 1, 2)
    assert checker.faults(market, [order], outcome) == ()


def test_the_limit_of_a_performance_is_for_all_its_cards():
    market = book((ask(1, 300, model="fast"), [8]))
    order = replace(bid(1, limit=599, models=("fast",)), counts={"fast": 2})

    (missed,) = match(market, [order]).unmatched

    assert (missed.reason, missed.detail) == (Reason.PRICE_GAP, {"lowest_ask_micro": 600, "start_hour": 0})


@pytest.mark.parametrize(
    ("asked", "term"),
    [
        ({"least": levels(domestic=1)}, "domestic"),
        ({"least": levels(memory=49)}, "memory"),
        ({"least": levels(interconnect=601)}, "interconnect"),
        ({"home": 2, "ring_max": 1}, "ring"),
        ({"refused": frozenset({"p1"})}, "provider"),
        ({"counts": {"910B": 2}}, "count"),
    ],
)
def test_the_checker_notices_a_broken_condition(asked, term):
    honest = match(MARKET, [bid(1)])

    found = checker.faults(MARKET, [replace(bid(1), **asked)], honest)

    assert any(f"does not get its {term}" in one for one in found), found
