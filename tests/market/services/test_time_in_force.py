"""How long orders stand: until their window ends, for one clearing, or until a time of their own."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction

from market.models import CalendarHour, Order, OrderKind, OrderStatus, Reservation, TimeInForce, UnmatchedReason
from market.services import auctions, matching, orders
from tests.market import scenes
from tests.market.races import race
from tests.market.scenes import AT, hours

TILL = AT + hours(2)


def standing(buyer, card, **terms) -> Order:
    return scenes.order(buyer, card, time_in_force=TimeInForce.UNTIL, good_till=TILL, **terms)


def status(order: Order) -> str:
    return Order.objects.get(pk=order.pk).status


@pytest.mark.parametrize(
    ("kind", "clear"), [(OrderKind.INSTANT, matching.run), (OrderKind.AUCTION, auctions.hold)], ids=["walk", "auction"]
)
def test_an_immediate_order_ends_at_the_first_clearing_that_does_not_match_it(buyer, offering, card, kind, clear):
    fits = scenes.order(buyer, card, kind=kind, time_in_force=TimeInForce.IMMEDIATE)
    misses = scenes.order(buyer, card, kind=kind, time_in_force=TimeInForce.IMMEDIATE, count=9)
    waits = scenes.order(buyer, card, kind=kind, count=9)

    clear(at=AT)

    assert (status(fits), status(misses), status(waits)) == (
        OrderStatus.MATCHED,
        OrderStatus.EXPIRED,
        OrderStatus.OPEN,
    )
    assert Order.objects.get(pk=misses.pk).unmatched_reason == UnmatchedReason.CAPACITY


def test_an_immediate_order_that_no_clearing_looks_at_stands_for_ten_minutes(buyer, offering, card):
    order = scenes.order(buyer, card, time_in_force=TimeInForce.IMMEDIATE)
    until = AT + timedelta(minutes=10)

    assert orders.expire_overdue(at=until - timedelta(milliseconds=1)) == 0
    assert status(order) == OrderStatus.OPEN
    assert matching.run(at=until) is None, "a clearing that comes too late passes over it"
    assert orders.expire_overdue(at=until) == 1
    assert status(order) == OrderStatus.EXPIRED


def test_an_order_expires_at_its_own_time_and_not_before(buyer, offering, card):
    order = standing(buyer, card)

    assert orders.expire_overdue(at=TILL - hours(1)) == 0
    assert orders.expire_overdue(at=TILL) == 1
    assert status(order) == OrderStatus.EXPIRED


def test_a_clearing_passes_over_an_order_whose_time_has_come_though_nobody_swept_it(buyer, offering, card):
    standing(buyer, card)

    assert matching.run(at=TILL) is None
    assert not Reservation.objects.exists()


def test_an_order_is_matched_before_its_own_time(buyer, offering, card):
    order = standing(buyer, card)

    matching.run(at=TILL - hours(1))

    assert status(order) == OrderStatus.MATCHED


@pytest.mark.parametrize(
    "terms",
    [
        {"time_in_force": TimeInForce.UNTIL},
        {"time_in_force": TimeInForce.WINDOW, "good_till": TILL},
        {"time_in_force": TimeInForce.IMMEDIATE, "good_till": TILL},
        {"time_in_force": TimeInForce.UNTIL, "good_till": AT},
        {"time_in_force": TimeInForce.UNTIL, "good_till": AT + hours(5.5)},
    ],
    ids=["no time", "an idle time", "at once and later", "now", "after the latest start"],
)
def test_a_time_that_makes_no_sense_is_refused(buyer, offering, card, terms):
    with pytest.raises(orders.BadTimeInForce) as refusal:
        scenes.order(buyer, card, **terms)

    assert list(refusal.value.fields) == ["good_till"]
    assert not Order.objects.exists()


@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ({"good_till": None}, "order_good_till_has_time"),
        ({"good_till": AT}, "order_good_till_within_its_life"),
        ({"good_till": AT + hours(6)}, "order_good_till_within_its_life"),
        ({"time_in_force": "for ever", "good_till": None}, "order_time_in_force_known"),
    ],
)
def test_the_database_refuses_it_too(buyer, offering, card, change, constraint):
    order = standing(buyer, card)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        Order.objects.filter(pk=order.pk).update(**change)


def match_or_expire(number: int) -> None:
    if number % 2:
        matching.run(at=TILL - hours(1))
    else:
        orders.expire_overdue(at=TILL)


def kept_whole() -> bool:
    """Tell whether the only order is matched with its cards reserved, or expired with none."""
    order, held = Order.objects.get(), Reservation.objects.count()
    reserved = set(CalendarHour.objects.values_list("reserved", flat=True))
    return (order.status, held, reserved) in ((OrderStatus.MATCHED, 1, {2}), (OrderStatus.EXPIRED, 0, set()))


def test_an_order_that_expires_while_it_is_matched_is_one_or_the_other(transactional_db, buyer, offering, card):
    standing(buyer, card)

    assert race(match_or_expire, threads=8) == {"ok": 8}
    assert kept_whole()
    assert not Order.objects.open().exists()


def test_without_its_lock_an_order_expires_with_cards_reserved(transactional_db, buyer, offering, card, monkeypatch):
    standing(buyer, card)
    frozen = matching.books.freeze

    def looked(**terms):
        book = frozen(**terms)
        orders.expire_overdue(at=TILL)  # nobody keeps it away, as it would be if the rows were not locked
        return book

    monkeypatch.setattr(matching.books, "freeze", looked)
    matching.run(at=TILL - hours(1))

    assert not kept_whole()
