"""What PostgreSQL keeps, whoever asks: facts, promises and the table of moves."""

import pytest
from django.db import DataError, IntegrityError, connection, transaction

from core.errors import IllegalMove
from market.models import Offering, Order, OrderStatus, Reservation, ReservationStatus, UsageConflict
from market.models.reservation import OVER
from market.services import matching, metering
from tests.market import scenes
from tests.market.agents import event
from tests.market.scenes import AT, SYSTEM, hours
from tests.market.services.test_metering import ingest
from tests.owning import as_owner

FACTS = ["market_match", "market_matchbatch", "market_usage", "market_usagebatch", "market_usageconflict"]
PROMISES = ["market_offering", "market_calendarhour", "market_order", "market_reservation", "market_meteredhour"]
COLUMN = {"market_match": "starts_at = now()", "market_matchbatch": "at = now()"}


@pytest.fixture
def reservation(buyer, offering):
    return scenes.past_reservation(buyer, offering, starts_at=AT - hours(6))


@pytest.fixture
def everything(reservation):
    """A row in every table."""
    start = reservation.starts_at
    ingest(reservation, event(reservation, start, start + hours(1), id="u1"))
    ingest(reservation, event(reservation, start, start + hours(1), id="u1", accelerators=1))
    metering.meter(at=AT)


def refused(statement, match):
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
    with (
        as_owner(),
        pytest.raises(IntegrityError, match=match),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute(statement)


@pytest.mark.parametrize("table", FACTS)
def test_facts_are_never_changed(everything, table):
    refused(f"UPDATE {table} SET id = id", "UPDATE")


@pytest.mark.parametrize("table", FACTS + PROMISES)
def test_nothing_is_ever_deleted(everything, table):
    refused(f"DELETE FROM {table}", "DELETE")
    refused(f"TRUNCATE {table} CASCADE", "TRUNCATE")


def test_the_register_of_conflicts_has_one(everything):
    assert UsageConflict.objects.count() == 1


def moves(model):
    statuses = list(model.MOVES)
    return [(model, old, new) for old in statuses for new in statuses if old != new]


def stamps(model, status):
    """Return what a row of a status also has, as assignments."""
    if model is Order:
        return ", cancelled_at = now()" if status == OrderStatus.CANCELLED else ", cancelled_at = NULL"
    if model is Offering:
        return ""
    used = "starts_at" if status in scenes.USED else "NULL"
    over = "ends_at, stop_code = 'completed'" if status in OVER else "NULL, stop_code = ''"
    return f", access_at = {used}, stopped_at = {over}"


def instance(model, buyer, offering):
    if model is Offering:
        return offering
    reservation = scenes.past_reservation(buyer, offering, starts_at=AT)
    return reservation if model is Reservation else reservation.order


@pytest.mark.parametrize(("model", "old", "new"), [*moves(Offering), *moves(Order), *moves(Reservation)])
def test_a_status_changes_along_the_table_of_moves_and_no_other_way(buyer, offering, model, old, new):
    row = instance(model, buyer, offering)
    table = model._meta.db_table
    stamp = stamps(model, new)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE {table} DISABLE TRIGGER {table}_moves")
        cursor.execute(f"UPDATE {table} SET status = %s{stamps(model, old)} WHERE id = %s", [old, row.pk])
        cursor.execute(f"ALTER TABLE {table} ENABLE TRIGGER {table}_moves")

    if new in model.MOVES[old]:
        with connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET status = %s{stamp} WHERE id = %s", [new, row.pk])
    else:
        with pytest.raises(IntegrityError, match="cannot go from"), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(f"UPDATE {table} SET status = %s{stamp} WHERE id = %s", [new, row.pk])


def test_many_rows_move_at_once_and_the_others_stay(buyer, offering):
    held = scenes.past_reservation(buyer, offering, starts_at=AT, status=ReservationStatus.HELD)
    ended = scenes.past_reservation(buyer, offering, starts_at=AT, status=ReservationStatus.ENDED)

    assert Reservation.objects.all().move_all(ReservationStatus.ACTIVE, access_at=AT) == 1

    held.refresh_from_db()
    ended.refresh_from_db()
    assert (held.status, ended.status) == (ReservationStatus.ACTIVE, ReservationStatus.ENDED)
    with pytest.raises(IllegalMove):
        ended.move_to(ReservationStatus.HELD)


def test_an_hour_of_the_calendar_is_a_full_hour(offering):
    refused(
        f"INSERT INTO market_calendarhour (offering_id, hour, capacity, reserved) "
        f"VALUES ('{offering.pk}', '2026-10-01 10:30Z', 8, 0)",
        "calendar_hour_is_full",
    )


def test_a_negative_number_of_cards_cannot_be_written(offering):
    with pytest.raises((IntegrityError, DataError)), transaction.atomic():
        Offering.objects.filter(pk=offering.pk).update(count=-1)


def test_an_order_is_numbered_by_the_database(buyer, offering, card):
    first, second = scenes.order(buyer, card), scenes.order(buyer, card)
    matching.run(at=AT)

    numbers = Order.objects.in_bulk([first.pk, second.pk])
    assert numbers[second.pk].sequence > numbers[first.pk].sequence
    assert SYSTEM.user is None
