"""Random markets: the walk agrees with a slow matcher that is obviously right, and the checker finds nothing."""

import random
from datetime import timedelta

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from market.matching import Ask, Bid, Book, Reason, checker, input_sha256, match
from tests.market.matching.scenes import HOUR0, accepts, key, oracle, places

MODELS, PROVIDERS, CATEGORIES = ("a", "b", "c"), ("p", "q"), ("train", "infer")


@st.composite
def asks(draw, number):
    chosen = [draw(st.sampled_from(options)) for options in (MODELS, PROVIDERS)]
    return Ask(key(number), *chosen, draw(st.integers(0, 4)), draw(st.sampled_from(CATEGORIES)))


@st.composite
def books(draw):
    offers, hours = draw(st.integers(0, 4)), draw(st.integers(1, 8))
    cells = st.lists(st.integers(0, 4), min_size=offers * hours, max_size=offers * hours)
    free = np.array(draw(cells), dtype=np.int32).reshape(offers, hours)
    offered = draw(st.sampled_from([None, free + 1, np.maximum(free, np.roll(free, 1))]))
    return Book(HOUR0, hours, tuple(draw(asks(number)) for number in range(offers)), free, offered)


@st.composite
def bids(draw, number):
    start = draw(st.integers(-2, 8))
    numbers = [draw(st.integers(1, 5)), draw(st.integers(1, 6)), start, start + draw(st.integers(0, 8))]
    models = draw(st.frozensets(st.sampled_from(MODELS), min_size=1))
    allowed = [
        draw(st.one_of(st.none(), st.frozensets(st.sampled_from(options)))) for options in (PROVIDERS, CATEGORIES)
    ]
    return Bid(key(100 + number), number * 7, *numbers, draw(st.integers(0, 5)), models, *allowed)


@st.composite
def markets(draw):
    return draw(books()), [draw(bids(number)) for number in range(draw(st.integers(0, 8)))]


def shuffled(book, orders, seed):
    order = list(range(len(book.asks)))
    random.Random(seed).shuffle(order)
    offered = None if book.offered is None else book.offered[order]
    other = Book(book.hour0, book.hours, tuple(book.asks[row] for row in order), book.capacity[order], offered)
    return other, random.Random(seed).sample(orders, len(orders))


@settings(max_examples=200, deadline=None)
@given(markets())
def test_the_walk_agrees_with_trying_everything(market):
    book, orders = market

    outcome = match(book, orders)

    expected, _ = oracle(book, orders)
    assert {
        fill.order_id: (fill.offering_id, fill.start_hour, fill.price_micro) for fill in outcome.matches
    } == expected
    assert checker.faults(book, orders, outcome) == ()


@settings(max_examples=50, deadline=None)
@given(markets(), st.integers())
def test_the_order_of_the_input_changes_nothing(market, seed):
    book, orders = market

    other_book, other_orders = shuffled(book, orders, seed)

    assert match(other_book, other_orders) == match(book, orders)
    assert input_sha256(other_book, other_orders) == input_sha256(book, orders)


@settings(max_examples=200, deadline=None)
@given(markets())
def test_every_reason_is_true_and_its_advice_would_have_matched(market):
    book, orders = market
    if not orders:
        return
    last = max(orders, key=lambda order: order.sequence)
    earlier = [order for order in orders if order is not last]
    _, free = oracle(book, earlier)

    unmatched = [answer for answer in match(book, orders).unmatched if answer.order_id == last.order_id]

    for answer in unmatched:
        assert JUDGES[answer.reason](book, free, last, answer.detail), answer


def nobody_fits(test):
    return lambda book, _free, order, detail: not detail and not any(test(order, ask) for ask in book.asks)


def window_is_true(book, free, order, detail):
    listed = book.capacity if book.offered is None else book.offered
    openings = [
        start
        for ask, cards in zip(book.asks, listed, strict=True)
        for start in range(book.hours - order.hours + 1)
        if accepts(order, ask) and cards[start : start + order.hours].all()
    ]
    inside = [start for start in openings if order.start_min <= start <= order.start_max]
    return not inside and detail == ({"start_hour": min(openings)} if openings else {})


def price_gap_is_true(book, free, order, detail):
    price, start, *_ = min(places(book, free, order, 10**9))
    return detail == {"lowest_ask_micro": price, "start_hour": start} and price > order.limit_micro


def capacity_is_true(book, free, order, detail):
    if any(places(book, free, order, 10**9)):
        return False
    best = {start: cards for cards, start in blocks(book, free, order, order.limit_micro)}
    if not any(ask.price_micro <= order.limit_micro for ask in open_asks(book, order)):
        best = {start: cards for cards, start in blocks(book, free, order, 10**9)}
    if not detail["free_cards"]:
        return detail == {"free_cards": 0}
    return detail["free_cards"] == best.get(detail["start_hour"]) == max(best.values())


def open_asks(book, order):
    """Return the acceptable asks that list cards for all the hours of the order somewhere in its window."""
    listed = book.capacity if book.offered is None else book.offered
    return [
        ask
        for ask, cards in zip(book.asks, listed, strict=True)
        if accepts(order, ask) and any(cards[start : start + order.hours].all() for start in order.starts(book.hours))
    ]


def blocks(book, free, order, limit):
    """Return ``(cards, start)`` of every run within the window, fewest cards first."""
    return sorted(
        (min(free[row][start : start + order.hours]), start)
        for row, ask in enumerate(book.asks)
        for start in order.starts(book.hours)
        if accepts(order, ask) and ask.price_micro <= limit
    )


JUDGES = {
    Reason.NO_MODEL: nobody_fits(lambda order, ask: ask.accelerator in order.accelerators),
    Reason.NO_PROVIDER: nobody_fits(
        lambda order, ask: ask.accelerator in order.accelerators and ask.provider in order.providers
    ),
    Reason.NO_CATEGORY: nobody_fits(accepts),
    Reason.WINDOW: window_is_true,
    Reason.PRICE_GAP: price_gap_is_true,
    Reason.CAPACITY: capacity_is_true,
}


def test_a_replay_of_a_large_market_is_identical_and_overbooks_nothing():
    book, orders = generated(offers=120, hours=240, orders=600, seed=7)

    first, second = match(book, orders), match(book, list(reversed(orders)))

    assert first == second
    assert checker.faults(book, orders, first) == ()
    assert 0 < len(first.matches) < 600


def generated(*, offers, hours, orders, seed):
    """Return a seeded market with about as much demand as supply."""
    rng = np.random.default_rng(seed)
    free = np.repeat(rng.integers(1, 65, (offers, 1)), hours, axis=1) * (rng.random((offers, hours)) > 0.01)
    sold = tuple(
        Ask(key(row), f"m{rng.integers(8)}", f"p{rng.integers(20)}", int(rng.integers(2, 20)) * 1_000_000)
        for row in range(offers)
    )
    wanted = [one_order(rng, number, hours) for number in range(orders)]
    return Book(HOUR0 + timedelta(days=1), hours, sold, free.astype(np.int32)), wanted


def one_order(rng, number, hours):
    length = int(min(rng.lognormal(3.2, 1.0) + 1, hours / 2))
    start = int(rng.integers(0, hours - length))
    numbers = [int(rng.integers(1, 65)), length, start, start + int(rng.integers(0, 48))]
    models = frozenset(f"m{model}" for model in rng.choice(8, size=rng.integers(1, 4), replace=False))
    return Bid(key(10**6 + number), number, *numbers, int(rng.integers(2, 24)) * 1_000_000, models)
