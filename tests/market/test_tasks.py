"""The sweeps of the market."""

import time_machine

from market import tasks
from market.models import MeteredHour, Order, OrderStatus, Reservation, ReservationStatus
from tests.market import scenes
from tests.market.agents import event
from tests.market.scenes import AT, hours
from tests.market.services.test_metering import ingest


def test_the_sweeps_carry_an_order_from_open_to_completed(buyer, offering, card):
    served = scenes.order(buyer, card)
    too_big = scenes.order(buyer, card, count=9)

    with time_machine.travel(AT, tick=False):
        tasks.match_open_orders()
    reservation = Reservation.objects.get(order=served)
    with time_machine.travel(reservation.starts_at, tick=False):
        tasks.advance_reservations()
    ingest(reservation, event(reservation, reservation.starts_at, AT + hours(2)), at=AT + hours(3))
    with time_machine.travel(AT + hours(6), tick=False):
        tasks.meter_usage()
        tasks.advance_reservations()
        tasks.expire_orders()

    assert MeteredHour.objects.get().accelerator_ms == 2 * 3_600_000
    assert Reservation.objects.get().status == ReservationStatus.ENDED
    assert Order.objects.get(pk=served.pk).status == OrderStatus.COMPLETED
    assert Order.objects.get(pk=too_big.pk).status == OrderStatus.EXPIRED


def test_the_meter_runs_until_nothing_is_left(buyer, offering, monkeypatch):
    monkeypatch.setattr(tasks, "HOURS_AT_ONCE", 2)
    reservation = scenes.past_reservation(buyer, offering, starts_at=AT - hours(6))
    ingest(
        reservation,
        *(event(reservation, AT - hours(6 - number), AT - hours(5 - number)) for number in range(5)),
    )

    with time_machine.travel(AT, tick=False):
        tasks.meter_usage()

    assert not MeteredHour.objects.dirty().exists()
