"""Reports that race, and hours that are metered from them."""

import json
from datetime import timedelta
from uuid import uuid4

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import SigningKey
from market.models import MeteredHour, Reservation, ReservationStatus, Usage, UsageBatch
from market.services import metering, orders, usage_store
from tests.gathering import FEW, LONG, Gathering
from tests.market import scenes
from tests.market.agents import event
from tests.market.races import THREADS, race, without_constraint
from tests.market.scenes import AT, hours
from tests.owning import as_owner

START = AT - hours(6)
HOUR = hours(1)


def place(count=8):
    offering = scenes.listed(scenes.provider(), scenes.accelerator(), count=count)
    return scenes.past_reservation(scenes.buyer(), offering, starts_at=START, length=6, cards=count)


def signing_key(provider):
    key = provider.signing_keys.first()
    return key or SigningKey.objects.create(organization=provider, public_key=uuid4().bytes * 2)


def ingest(reservation, *events, key="", at=AT):
    return metering.ingest(
        provider=reservation.provider,
        key=signing_key(reservation.provider),
        signature=b"signed",
        signed_at=at,
        idempotency_key=key or str(uuid4()),
        body=json.dumps(events).encode(),
        at=at,
    )


def metered():
    return list(MeteredHour.objects.order_by("hour").values_list("accelerator_ms", "version", "dirty"))


@pytest.mark.django_db
def test_an_hour_is_the_sum_of_its_usage():
    reservation = place()
    ingest(reservation, event(reservation, START, START + HOUR / 2), event(reservation, START + HOUR / 2, START + HOUR))
    ingest(reservation, event(reservation, START + HOUR, START + hours(2), accelerators=3))

    assert metering.meter(at=AT) == 2

    assert metered() == [(8 * 3_600_000, 1, False), (3 * 3_600_000, 1, False)]
    assert set(MeteredHour.objects.values_list("metered_at", flat=True)) == {AT}


@pytest.mark.django_db
def test_a_new_total_is_a_new_version_and_an_old_one_is_not():
    reservation = place()
    first = event(reservation, START, START + HOUR / 2)
    ingest(reservation, first)
    metering.meter(at=AT)

    ingest(reservation, first)
    assert metering.meter(at=AT + HOUR) == 1
    assert metered() == [(4 * 3_600_000, 1, False)]
    assert MeteredHour.objects.get().metered_at == AT

    ingest(reservation, event(reservation, START + HOUR / 2, START + HOUR))
    assert metering.meter(at=AT + HOUR) == 1
    assert metered() == [(8 * 3_600_000, 2, False)]
    assert MeteredHour.objects.get().metered_at == AT + HOUR


@pytest.mark.django_db
def test_a_metered_hour_is_left_alone():
    reservation = place()
    ingest(reservation, event(reservation, START, START + HOUR))
    metering.meter(at=AT)

    assert metering.meter(at=AT) == 0


@pytest.mark.django_db
def test_hours_are_metered_a_few_at_a_time():
    reservation = place()
    ingest(reservation, *(event(reservation, START + hours(i), START + hours(i + 1)) for i in range(5)))

    assert [metering.meter(at=AT, limit=2) for _ in range(4)] == [2, 2, 1, 0]


@pytest.mark.django_db
def test_a_refused_excess_leaves_the_total_as_it_was():
    reservation = place()
    ingest(reservation, event(reservation, START, START + HOUR))
    metering.meter(at=AT)

    ingest(reservation, event(reservation, START, START + HOUR, accelerators=1))
    metering.meter(at=AT)

    assert metered() == [(8 * 3_600_000, 1, False)]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("usage_amount_fits_interval", "accelerator_ms = accelerator_ms + 1"),
        ("usage_within_an_hour", "ends_at = ends_at + interval '1 hour', accelerator_ms = accelerator_ms * 2"),
        ("usage_not_empty", "ends_at = starts_at, accelerator_ms = 0"),
        ("usage_accelerators_positive", "accelerators = 0, accelerator_ms = 0"),
    ],
)
def test_raw_sql_cannot_write_impossible_usage(rule, change):
    reservation = place()
    ingest(reservation, event(reservation, START, START + HOUR))

    with as_owner(), connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE forged AS SELECT * FROM market_usage")
        cursor.execute(f"UPDATE forged SET id = id + 1, event_id = 'forged', {change}")
        with pytest.raises(IntegrityError, match=rule), transaction.atomic():
            cursor.execute("INSERT INTO market_usage OVERRIDING SYSTEM VALUE SELECT * FROM forged")

    assert Usage.objects.count() == 1


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("table", "change", "rule"),
    [
        ("market_usage", {"reservation_id": "gen_random_uuid()"}, "is of a reservation of its provider"),
        ("market_usage", {"provider_id": "gen_random_uuid()"}, "is of a reservation of its provider"),
        ("market_meteredhour", {"reservation_id": "gen_random_uuid()"}, "are metered of a reservation"),
    ],
)
def test_the_application_cannot_write_usage_of_a_reservation_that_its_provider_does_not_have(table, change, rule):
    reservation = place()
    ingest(reservation, event(reservation, START, START + HOUR))
    model = {"market_usage": Usage, "market_meteredhour": MeteredHour}[table]
    columns = [field.column for field in model._meta.concrete_fields if not field.primary_key]
    own = {"event_id": "'forged'", "hour": "hour + interval '1 hour'"} | change

    values = ", ".join(own.get(column, column) for column in columns)
    forge = f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values} FROM {table}"
    with pytest.raises(IntegrityError, match=rule), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(forge)

    assert model.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_report_that_is_sent_by_everybody_at_once_has_one_effect():
    reservation = place()
    report = [event(reservation, START, START + HOUR, id="u1"), event(reservation, START + HOUR, START + hours(2))]
    answers = []

    outcomes = race(lambda _number: answers.append(ingest(reservation, *report, key="same").answer))

    assert outcomes == {"ok": THREADS}
    assert len(set(answers)) == 1
    assert UsageBatch.objects.count() == 1
    assert Usage.objects.count() == 2


@pytest.mark.django_db(transaction=True)
def test_without_its_guards_a_report_that_is_sent_by_everybody_has_many_effects(monkeypatch):
    reservation = place()
    signing_key(reservation.provider)
    report = [event(reservation, START, START + HOUR)]
    monkeypatch.setattr(usage_store, "CLAIM", usage_store.CLAIM.replace("pg_advisory_xact_lock", "abs"))
    monkeypatch.setattr(usage_store, "claim", Gathering(FEW, first=LONG).after(usage_store.claim))

    with (
        without_constraint("market_usagebatch", "usage_batch_once"),
        without_constraint("market_usage", "usage_event_once"),
    ):
        race(lambda _number: ingest(reservation, *report, key="same"), threads=FEW)

        assert UsageBatch.objects.count() > 1
        assert Usage.objects.count() > 1


@pytest.mark.django_db(transaction=True)
def test_a_report_of_nothing_valid_that_is_sent_by_everybody_at_once_is_kept_once():
    reservation = place()
    wrong = event(reservation, START, START + HOUR, accelerators=9)

    outcomes = race(lambda _number: ingest(reservation, wrong, key="same"))

    assert outcomes == {"ok": THREADS}
    assert UsageBatch.objects.get().rejected == 1


@pytest.mark.django_db(transaction=True)
def test_an_event_that_is_reported_by_everybody_at_once_is_taken_once():
    reservation = place()
    same = event(reservation, START, START + HOUR)

    outcomes = race(lambda _number: ingest(reservation, same))

    assert outcomes == {"ok": THREADS}
    assert sorted(UsageBatch.objects.values_list("accepted", "duplicates")) == [(0, 1)] * (THREADS - 1) + [(1, 0)]
    assert Usage.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_its_constraint_an_event_is_taken_from_everybody():
    reservation = place()
    same = event(reservation, START, START + HOUR)

    with without_constraint("market_usage", "usage_event_once"):
        race(lambda _number: ingest(reservation, same))

        assert Usage.objects.count() == THREADS


@pytest.mark.django_db(transaction=True)
def test_reports_at_once_cannot_together_exceed_the_reservation():
    reservation = place(count=5)

    outcomes = race(lambda _number: ingest(reservation, event(reservation, START, START + HOUR, accelerators=1)))

    assert outcomes == {"ok": THREADS}
    assert Usage.objects.count() == 5
    assert sum(UsageBatch.objects.values_list("rejected", flat=True)) == THREADS - 5


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_on_the_hour_reports_at_once_exceed_the_reservation(monkeypatch):
    reservation = place(count=5)
    monkeypatch.setattr(usage_store, "lock_hours", lambda _buckets: {0})
    monkeypatch.setattr(usage_store, "earlier", Gathering(THREADS, first=LONG).after(usage_store.earlier))

    race(lambda _number: ingest(reservation, event(reservation, START, START + HOUR, accelerators=1)))

    assert Usage.objects.count() > 5


@pytest.mark.django_db(transaction=True)
def test_many_reports_of_the_same_events_in_any_order_do_not_deadlock():
    first, second = place(), place()
    Reservation.objects.filter(pk=second.pk).update(provider=first.provider)
    events = [
        event(one, START + hours(i), START + hours(i + 1), id=f"{one.pk}-{i}")
        for i in range(6)
        for one in (first, second)
    ]

    outcomes = race(lambda number: ingest(first, *events[number % 12 :], *events[: number % 12]))

    assert outcomes == {"ok": THREADS}
    assert Usage.objects.count() == 12


@pytest.mark.django_db(transaction=True)
def test_what_is_reported_while_hours_are_metered_is_metered_in_the_end():
    reservation = place(count=THREADS)

    def act(number):
        if number % 2:
            return metering.meter(at=AT)
        return ingest(reservation, event(reservation, START, START + HOUR, accelerators=1))

    outcomes = race(act)
    metering.meter(at=AT)

    assert outcomes == {"ok": THREADS}
    hour = MeteredHour.objects.get()
    assert (hour.accelerator_ms, hour.dirty) == (THREADS // 2 * 3_600_000, False)
    assert 1 <= hour.version <= THREADS // 2


@pytest.mark.django_db(transaction=True)
def test_usage_of_a_reservation_that_is_being_cancelled_waits_for_the_cancellation():
    reservation = place()
    offering = reservation.offering
    held = scenes.past_reservation(
        scenes.buyer(), offering, starts_at=AT, length=1, cards=8, status=ReservationStatus.HELD
    )
    report = event(held, AT, AT + timedelta(minutes=1))

    def act(number):
        if number % 2:
            return orders.cancel(order=held.order, at=AT - timedelta(seconds=1))
        return ingest(held, report, at=AT + timedelta(minutes=2))

    race(act)

    held.refresh_from_db()
    assert (held.status == ReservationStatus.RELEASED) != Usage.objects.filter(reservation=held).exists()
