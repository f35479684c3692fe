"""Clearing the market."""

from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from accounts.services.audit import SYSTEM
from market.models import (
    CalendarHour,
    Category,
    Match,
    MatchBatch,
    Order,
    OrderStatus,
    Reservation,
    ReservationStatus,
    UnmatchedReason,
)
from market.services import decisions, matching, offerings, orders, reservations
from tests.market import scenes
from tests.market.races import THREADS, race
from tests.market.scenes import AT, hours


def test_an_order_gets_the_cheapest_offering_that_has_room(buyer, offering, card):
    cheap = scenes.listed(scenes.provider(), card, price_micro=1_900_000)
    order = scenes.order(buyer, card)

    batch = matching.run(at=AT)

    match, reservation = Match.objects.get(), Reservation.objects.get()
    assert (batch.orders, batch.matched, batch.engine) == (1, 1, "price-walk/3")
    assert (match.batch, match.order, match.offering, match.price_micro) == (batch, order, cheap, 1_900_000)
    assert match.reason == {"rank": 1, "considered": 2}
    assert Order.objects.get().status == OrderStatus.MATCHED
    assert (reservation.status, reservation.provider, reservation.count) == (
        ReservationStatus.HELD,
        cheap.provider,
        2,
    )
    assert (reservation.starts_at, reservation.ends_at) == (AT + hours(1), AT + hours(4))
    assert reservation.price_micro == 1_900_000
    assert list(CalendarHour.objects.order_by("hour").values_list("offering", "reserved")) == [(cheap.pk, 2)] * 3


def test_the_first_order_is_served_first(buyer, offering, card):
    early = scenes.order(buyer, card, count=5, start_min=AT, start_max=AT)
    late = scenes.order(buyer, card, count=5, start_min=AT, start_max=AT)

    matching.run(at=AT)

    assert Match.objects.get().order == early
    late.refresh_from_db()
    assert (late.status, late.unmatched_reason) == (OrderStatus.OPEN, UnmatchedReason.CAPACITY)
    assert late.unmatched_detail == {"free_cards": 3, "starts_at": AT.isoformat()}


def test_an_order_without_room_waits_until_cards_are_free(buyer, offering, card):
    first = scenes.order(buyer, card, count=8, start_min=AT + hours(1), start_max=AT + hours(1))
    second = scenes.order(buyer, card, count=8, start_min=AT + hours(1), start_max=AT + hours(1))
    matching.run(at=AT)

    orders.cancel(order=first, at=AT)
    matching.run(at=AT)

    second.refresh_from_db()
    assert (second.status, second.unmatched_reason, second.unmatched_detail) == (OrderStatus.MATCHED, "", {})
    assert MatchBatch.objects.count() == 2


def test_earlier_reservations_are_counted(buyer, offering, card):
    scenes.reserved(buyer, offering, count=6, start_max=AT + hours(1))

    scenes.reserved(buyer, offering, count=3, start_max=AT + hours(4))

    starts = Reservation.objects.order_by("starts_at").values_list("starts_at", flat=True)
    assert list(starts) == [AT + hours(1), AT + hours(4)]


@pytest.mark.parametrize(
    ("change", "reason", "detail"),
    [
        ({"price_micro": 3_000_001}, UnmatchedReason.PRICE_GAP, {"lowest_ask_micro": 3_000_001}),
        ({"opens_at": AT + hours(6)}, UnmatchedReason.WINDOW, {}),
        ({"closes_at": AT + hours(3)}, UnmatchedReason.WINDOW, {}),
        ({"count": 1}, UnmatchedReason.CAPACITY, {"free_cards": 1}),
        ({"category": Category.HPC}, UnmatchedReason.NO_CATEGORY, {}),
    ],
)
def test_an_unmatched_order_says_why(buyer, provider, card, change, reason, detail):
    accepted = scenes.listed(provider, card)
    order = scenes.order(buyer, card)
    offerings.archive(offering=accepted, actor=SYSTEM, at=AT)
    scenes.listed(provider, card, **change)

    batch = matching.run(at=AT)

    order.refresh_from_db()
    assert (batch.orders, batch.matched) == (1, 0)
    assert (order.status, order.unmatched_reason) == (OrderStatus.OPEN, reason)
    assert order.unmatched_detail.items() >= detail.items()
    assert not Reservation.objects.exists()


def test_an_order_of_a_model_that_nobody_sells_any_more_says_so(buyer, offering, card):
    order = scenes.order(buyer, card)
    offerings.pause(offering=offering, actor=SYSTEM, at=AT)

    matching.run(at=AT)

    order.refresh_from_db()
    assert order.unmatched_reason == UnmatchedReason.NO_MODEL


def test_an_order_for_some_providers_goes_to_them_only(buyer, offering, card):
    dear = scenes.listed(scenes.provider(), card, price_micro=2_900_000)
    scenes.order(buyer, card, providers=[dear.provider])
    excluded = scenes.order(buyer, card, providers=[dear.provider], count=9)

    matching.run(at=AT)

    assert Match.objects.get().offering == dear
    excluded.refresh_from_db()
    assert excluded.unmatched_reason == UnmatchedReason.CAPACITY


def test_a_paused_offering_sells_nothing(buyer, offering, card):
    scenes.order(buyer, card)
    offerings.pause(offering=offering, actor=SYSTEM, at=AT)

    matching.run(at=AT)

    assert not Match.objects.exists()


def test_a_window_that_is_partly_over_starts_at_the_next_full_hour(buyer, offering, card):
    scenes.order(buyer, card, start_min=AT - hours(3), start_max=AT + hours(3))

    matching.run(at=AT + timedelta(minutes=7))

    assert Match.objects.get().starts_at == AT + hours(1)


def test_an_overdue_order_is_left_to_expire(buyer, offering, card):
    scenes.order(buyer, card)

    assert matching.run(at=AT + hours(5.5)) is None
    assert not MatchBatch.objects.exists()


def test_nothing_new_is_decided_only_once(buyer, offering, card):
    scenes.order(buyer, card, count=9)
    first = matching.run(at=AT)

    assert matching.run(at=AT) is None
    assert matching.run(at=AT + hours(1)).input_sha256 != first.input_sha256
    assert MatchBatch.objects.count() == 2


def test_an_order_that_accepts_no_model_any_more_does_not_stop_the_others(buyer, offering, card):
    emptied = scenes.order(buyer, card)
    emptied.accelerators.clear()
    served = scenes.order(buyer, card)

    matching.run(at=AT)

    assert Match.objects.get().order == served


def test_an_empty_market_is_not_cleared(offering):
    assert matching.run(at=AT) is None


def test_many_orders_take_as_many_queries_as_one(buyer, offering, card):
    scenes.order(buyer, card, count=1)
    scenes.order(buyer, card, count=9)
    with CaptureQueriesContext(connection) as few:
        matching.run(at=AT)
    for _ in range(5):
        scenes.order(buyer, card, count=1)
        scenes.order(buyer, card, count=9)

    with CaptureQueriesContext(connection) as many:
        matching.run(at=AT)

    assert len(many) == len(few)
    assert Match.objects.count() == 6


@pytest.mark.django_db(transaction=True)
def test_one_clearing_runs_at_a_time():
    offering = scenes.listed(scenes.provider(), scenes.accelerator())
    who = scenes.buyer()
    for _ in range(12):
        scenes.order(who, offering.accelerator, count=1, start_min=AT, start_max=AT)

    outcomes = race(lambda _number: matching.run(at=AT))

    assert outcomes == {"ok": THREADS}
    assert Match.objects.count() == Reservation.objects.count() == 8
    assert set(CalendarHour.objects.values_list("reserved", flat=True)) == {8}


@pytest.mark.django_db(transaction=True)
def test_a_clearing_that_finds_another_one_running_leaves_it_alone():
    offering = scenes.listed(scenes.provider(), scenes.accelerator())
    scenes.order(scenes.buyer(), offering.accelerator)

    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(decisions.ALONE)
        found = []
        race(lambda _number: found.append(matching.run(at=AT)), threads=2)

    assert found == [None, None]
    assert not Match.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_orders_that_are_cancelled_while_they_are_matched_keep_the_calendar_true():
    offering = scenes.listed(scenes.provider(), scenes.accelerator(), count=64)
    who = scenes.buyer()
    placed = [scenes.order(who, offering.accelerator, count=1, start_max=AT + hours(1)) for _ in range(THREADS)]

    def act(number):
        return matching.run(at=AT) if number % 4 == 0 else orders.cancel(order=placed[number], at=AT)

    outcomes = race(act)
    reservations.advance(at=AT)

    assert outcomes == {"ok": THREADS}
    held = Reservation.objects.filter(status=ReservationStatus.HELD).count()
    assert Order.objects.filter(status=OrderStatus.CANCELLED).count() == THREADS - THREADS // 4
    assert held == Order.objects.filter(status=OrderStatus.MATCHED).count()
    assert set(CalendarHour.objects.values_list("reserved", flat=True)) <= {held}
