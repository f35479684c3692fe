"""The sweeps of the market."""

import time_machine

from market import tasks
from market.models import (
    Candle,
    IndexValue,
    MeteredHour,
    Order,
    OrderStatus,
    Reservation,
    ReservationStatus,
    Rfq,
    RfqStatus,
    Trade,
)
from tests.market import rfqs, scenes
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


def test_market_data_is_swept_from_the_reservations(buyer, offering):
    scenes.past_reservation(buyer, offering, starts_at=AT - hours(24))

    with time_machine.travel(AT, tick=False):
        tasks.record_trades()
        tasks.close_history()
        tasks.publish_index()

    assert Trade.objects.count() == 1
    assert Candle.objects.count() == 2
    # A class at a hub and everywhere; without a measure nothing per standard card-hour.
    assert IndexValue.objects.count() == 2


def test_bids_are_opened_by_a_small_task_for_each_request(buyer, offering, monkeypatch):
    rfq = rfqs.publish(buyer, offering)
    rfqs.bid(rfq, offering)
    sent = []
    monkeypatch.setattr(tasks.current_app, "send_task", lambda name, kwargs: sent.append((name, kwargs)))

    for at in (AT, rfqs.UNTIL):
        with time_machine.travel(at, tick=False):
            tasks.open_bids()
    with time_machine.travel(rfqs.UNTIL, tick=False):
        tasks.open_bids_of(**sent[0][1])

    assert sent == [("market.open_bids_of", {"rfq_id": str(rfq.pk)})]
    assert Rfq.objects.get().status == RfqStatus.OPENED
