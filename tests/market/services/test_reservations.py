"""Cards in the calendar, and reservations that follow the clock."""

import pytest
from django.db import IntegrityError, connection, transaction

from market.models import CalendarHour, Offering, Order, OrderStatus, Reservation, ReservationStatus
from market.services import orders, reservations
from tests.market import scenes
from tests.market.races import THREADS, race, without_constraint
from tests.market.scenes import AT, hours


def span(offering, count, start, length):
    """An unsaved reservation: all that the calendar needs."""
    return Reservation(offering=offering, count=count, starts_at=AT + hours(start), ends_at=AT + hours(start + length))


def calendar(offering):
    rows = CalendarHour.objects.filter(offering=offering).order_by("hour")
    return [((row.hour - AT) / hours(1), row.capacity, row.reserved) for row in rows]


def test_held_cards_are_counted_in_each_hour(offering):
    reservations.hold_capacity(reservations=[span(offering, 3, 0, 2), span(offering, 4, 1, 2)])

    assert calendar(offering) == [(0, 8, 3), (1, 8, 7), (2, 8, 4)]


def test_holding_adds_to_what_is_held(offering):
    reservations.hold_capacity(reservations=[span(offering, 3, 0, 2)])

    reservations.hold_capacity(reservations=[span(offering, 5, 1, 2)])

    assert calendar(offering) == [(0, 8, 3), (1, 8, 8), (2, 8, 5)]


def test_one_full_hour_refuses_the_whole_reservation(offering):
    reservations.hold_capacity(reservations=[span(offering, 8, 1, 1)])

    with pytest.raises(reservations.Overbooked):
        reservations.hold_capacity(reservations=[span(offering, 1, 0, 3)])

    assert calendar(offering) == [(1, 8, 8)]


def test_more_cards_than_the_offering_has_are_refused_in_an_empty_calendar(offering):
    with pytest.raises(reservations.Overbooked):
        reservations.hold_capacity(reservations=[span(offering, 5, 0, 1), span(offering, 4, 0, 1)])

    assert calendar(offering) == []


def test_a_reservation_within_an_hour_holds_the_whole_hour(offering):
    reservations.hold_capacity(reservations=[span(offering, 2, 0.25, 1)])

    assert calendar(offering) == [(0, 8, 2), (1, 8, 2)]


def test_freed_cards_can_be_held_again(offering):
    held = span(offering, 8, 0, 2)
    reservations.hold_capacity(reservations=[held])

    reservations.release_capacity(reservations=[held])

    reservations.hold_capacity(reservations=[span(offering, 8, 1, 2)])
    assert calendar(offering) == [(0, 8, 0), (1, 8, 8), (2, 8, 8)]


def test_more_cannot_be_freed_than_is_held(offering):
    reservations.hold_capacity(reservations=[span(offering, 1, 0, 1)])

    with pytest.raises(IntegrityError), transaction.atomic():
        reservations.release_capacity(reservations=[span(offering, 2, 0, 1)])

    assert calendar(offering) == [(0, 8, 1)]


def test_holding_and_freeing_nothing_is_nothing(db):
    reservations.hold_capacity(reservations=[])
    reservations.release_capacity(reservations=[])

    assert not CalendarHour.objects.exists()


def test_raw_sql_cannot_overbook_an_hour(offering):
    reservations.hold_capacity(reservations=[span(offering, 8, 0, 1)])

    with pytest.raises(IntegrityError, match="not_overbooked"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("UPDATE market_calendarhour SET reserved = 9")

    assert calendar(offering) == [(0, 8, 8)]


def test_a_reservation_starts_and_ends_with_the_clock(buyer, offering):
    reservation = scenes.reserved(buyer, offering)

    assert reservations.advance(at=reservation.starts_at - hours(0.1)) == 0
    assert reservations.advance(at=reservation.starts_at) == 1
    assert Reservation.objects.get().status == ReservationStatus.ACTIVE
    assert Order.objects.get().status == OrderStatus.MATCHED

    assert reservations.advance(at=reservation.ends_at - hours(0.1)) == 0
    assert reservations.advance(at=reservation.ends_at) == 1
    assert Reservation.objects.get().status == ReservationStatus.ENDED
    assert Order.objects.get().status == OrderStatus.COMPLETED


def test_a_reservation_that_nobody_advanced_starts_and_ends_at_once(buyer, offering):
    reservation = scenes.reserved(buyer, offering)

    assert reservations.advance(at=reservation.ends_at + hours(9)) == 2

    assert Reservation.objects.get().status == ReservationStatus.ENDED
    assert Order.objects.get().status == OrderStatus.COMPLETED


def test_a_released_reservation_does_not_start(buyer, offering):
    reservation = scenes.reserved(buyer, offering)
    orders.cancel(order=reservation.order, at=AT)

    assert reservations.advance(at=reservation.ends_at) == 0

    assert Reservation.objects.get().status == ReservationStatus.RELEASED


@pytest.mark.django_db(transaction=True)
def test_the_last_card_hour_is_reserved_once():
    offering = scenes.listed(scenes.provider(), scenes.accelerator(), count=1)

    outcomes = race(lambda _number: reservations.hold_capacity(reservations=[span(offering, 1, 0, 4)]))

    assert outcomes == {"ok": 1, "overbooked": THREADS - 1}
    assert calendar(offering) == [(hour, 1, 1) for hour in range(4)]


@pytest.mark.django_db(transaction=True)
def test_without_its_constraint_the_last_card_hour_is_reserved_by_everybody():
    offering = scenes.listed(scenes.provider(), scenes.accelerator(), count=1)

    with without_constraint("market_calendarhour", "calendar_hour_not_overbooked"):
        outcomes = race(lambda _number: reservations.hold_capacity(reservations=[span(offering, 1, 0, 4)]))

        assert outcomes == {"ok": THREADS}
        assert calendar(offering) == [(hour, 1, THREADS) for hour in range(4)]


@pytest.mark.django_db(transaction=True)
def test_crossing_reservations_neither_deadlock_nor_overbook():
    first, second = (scenes.listed(scenes.provider(), scenes.accelerator(), count=8) for _ in range(2))

    def hold(number):
        spans = [span(first, 1, number % 3, 4), span(second, 1, 2 - number % 3, 4)]
        reservations.hold_capacity(reservations=spans[:: 1 if number % 2 else -1])

    outcomes = race(hold)

    assert outcomes["ok"] >= 8
    assert outcomes["ok"] + outcomes["overbooked"] == THREADS
    assert all(
        reserved <= 8 for offering in Offering.objects.all() for _hour, _capacity, reserved in calendar(offering)
    )


@pytest.mark.django_db(transaction=True)
def test_an_order_that_is_cancelled_by_everybody_at_once_frees_its_cards_once():
    offering = scenes.listed(scenes.provider(), scenes.accelerator())
    reservation = scenes.reserved(scenes.buyer(), offering)
    scenes.reserved(scenes.buyer(), offering, start_max=AT + hours(1))

    outcomes = race(lambda _number: orders.cancel(order=reservation.order, at=AT))

    assert outcomes == {"ok": 1, "illegal-move": THREADS - 1}
    assert [reserved for _hour, _capacity, reserved in calendar(offering)] == [2, 2, 2]
