"""What the parties of a reservation do with it, and what becomes of its cards, its order and its secrets."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.services.audit import Actor
from core.errors import NotFound
from market.models import (
    CalendarHour,
    Handover,
    Order,
    OrderStatus,
    Reservation,
    ReservationAccess,
    ReservationEvent,
    ReservationStatus,
)
from market.services import lifecycle, matching, offerings, orders, reservations
from tests.gathering import FEW, look_instead_of_locking
from tests.market import scenes
from tests.market.agents import event
from tests.market.races import THREADS, race
from tests.market.scenes import AT, SYSTEM, hours
from tests.market.services.test_metering import ingest
from tests.owning import as_owner

START = AT + hours(1)
LIMIT = timedelta(minutes=30)
SECRET = "ssh gpu@10.0.0.7 key 7f3a"


@pytest.fixture
def strict(offering):
    """An offering whose provider promises to report access."""
    return offerings.set_handover(offering=offering, handover=Handover.REPORTED, actor=SYSTEM, at=AT)


@pytest.fixture
def reservation(buyer, strict):
    return scenes.reserved(buyer, strict, start_max=START)


@pytest.fixture
def seller(provider):
    return Actor(organization=provider)


@pytest.fixture
def customer(buyer):
    return Actor(organization=buyer)


def state(reservation):
    row = Reservation.objects.select_related("order").get(pk=reservation.pk)
    return row.status, row.stop_code, row.order.status


def reserved():
    return list(CalendarHour.objects.order_by("hour").values_list("reserved", flat=True))


def steps(reservation):
    rows = ReservationEvent.objects.filter(reservation=reservation).order_by("pk")
    return list(rows.values_list("kind", "old_status", "new_status", "code"))


def hand_over(reservation, seller, at):
    return lifecycle.report_access(reservation=reservation, details=SECRET, actor=seller, at=at)


def test_a_reservation_is_claimed_handed_over_confirmed_and_ends(reservation, seller, customer):
    lifecycle.claim(reservation=reservation, actor=seller, at=AT)
    hand_over(reservation, seller, START + timedelta(minutes=10))
    lifecycle.confirm(reservation=reservation, actor=customer, at=START + timedelta(minutes=20))

    assert reservations.advance(at=reservation.ends_at) == 1

    assert state(reservation) == ("ended", "completed", OrderStatus.COMPLETED)
    assert Reservation.objects.get().access_at == START + timedelta(minutes=10)
    assert steps(reservation) == [
        ("claimed", "held", "provisioning", ""),
        ("access", "provisioning", "active", ""),
        ("confirmed", "active", "active", ""),
        ("stopped", "active", "ended", "completed"),
    ]


def test_access_reported_before_the_start_counts_from_the_start(reservation, seller):
    hand_over(reservation, seller, AT)
    assert state(reservation)[0] == ReservationStatus.PROVISIONING

    assert reservations.advance(at=START) == 1

    assert state(reservation)[0] == ReservationStatus.ACTIVE
    assert Reservation.objects.get().access_at == START


def test_what_is_not_handed_over_in_time_has_failed_and_gives_everything_back(reservation):
    assert reservations.advance(at=START + LIMIT - timedelta(seconds=1)) == 0
    assert reserved() == [2, 2, 2]

    assert reservations.advance(at=START + LIMIT) == 1

    assert state(reservation) == ("failed", "not-provisioned", OrderStatus.FAILED)
    assert reserved() == [2, 0, 0]


def test_a_claim_that_leads_to_nothing_fails_too_whatever_was_promised(buyer, offering, seller):
    reservation = scenes.reserved(buyer, offering, start_max=START)
    lifecycle.claim(reservation=reservation, actor=seller, at=AT)

    reservations.advance(at=START + LIMIT)

    assert state(reservation) == ("failed", "not-provisioned", OrderStatus.FAILED)


def test_a_provider_without_reports_hands_over_by_the_clock(buyer, offering):
    reservation = scenes.reserved(buyer, offering, start_max=START)

    reservations.advance(at=START + LIMIT)

    assert state(reservation)[0] == ReservationStatus.ACTIVE
    assert Reservation.objects.get().access_at == START


def test_usage_counts_as_access(reservation):
    at = START + timedelta(minutes=20)

    ingest(reservation, event(reservation, START, at), at=at)

    assert state(reservation)[0] == ReservationStatus.ACTIVE
    assert Reservation.objects.get().access_at == at
    assert steps(reservation) == [("started", "held", "active", "usage")]
    assert reservations.advance(at=START + LIMIT) == 0


def test_usage_after_the_end_of_an_interrupted_reservation_is_refused(reservation, seller):
    hand_over(reservation, seller, START)
    stopped_at = START + hours(1)
    lifecycle.stop(reservation=reservation, code="network-fault", detail="", actor=seller, at=stopped_at)
    late = START + hours(3)

    batch = ingest(
        reservation,
        event(reservation, START, stopped_at),
        event(reservation, stopped_at, stopped_at + hours(1)),
        at=late,
    ).batch

    assert (batch.accepted, batch.rejected) == (1, 1)


def test_too_late_is_too_late_before_the_sweep_sees_it(reservation, seller):
    with pytest.raises(lifecycle.WrongState):
        lifecycle.claim(reservation=reservation, actor=seller, at=START + LIMIT)
    with pytest.raises(lifecycle.WrongState):
        hand_over(reservation, seller, START + LIMIT)

    assert not ReservationEvent.objects.exists()
    assert not ReservationAccess.objects.exists()


@pytest.mark.parametrize(
    ("code", "status"),
    [("network-fault", "interrupted"), ("buyer-breach", "interrupted"), ("finished", "ended")],
)
def test_a_provider_ends_what_is_used_for_a_reason_and_the_hours_to_come_are_free(reservation, seller, code, status):
    hand_over(reservation, seller, START)

    lifecycle.stop(
        reservation=reservation, code=code, detail="switch 4", actor=seller, at=START + timedelta(minutes=90)
    )

    assert state(reservation) == (status, code, OrderStatus.COMPLETED)
    assert reserved() == [2, 2, 0]
    assert ReservationEvent.objects.last().detail == "switch 4"


def test_a_provider_that_gives_up_before_the_start_has_failed(reservation, seller):
    lifecycle.stop(reservation=reservation, code="no-capacity", detail="", actor=seller, at=AT)

    assert state(reservation) == ("failed", "no-capacity", OrderStatus.FAILED)
    assert reserved() == [0, 0, 0]


@pytest.mark.parametrize("code", ["completed", "not-provisioned", "nonsense", "", "finished"])
def test_a_reason_that_is_not_the_providers_is_refused(reservation, seller, code):
    with pytest.raises(lifecycle.BadReason):
        lifecycle.stop(reservation=reservation, code=code, detail="", actor=seller, at=START)

    assert state(reservation)[0] == ReservationStatus.HELD


def test_a_buyer_ends_early_and_pays_for_what_was_used(reservation, seller, customer):
    hand_over(reservation, seller, START)

    lifecycle.terminate(reservation=reservation, actor=customer, at=START + hours(1))

    assert state(reservation) == ("ended", "finished", OrderStatus.COMPLETED)
    assert reserved() == [2, 0, 0]


def test_a_buyer_need_not_wait_for_cards_that_do_not_come(reservation, customer):
    lifecycle.terminate(reservation=reservation, actor=customer, at=START + timedelta(minutes=5))

    assert state(reservation) == ("released", "gave-up", OrderStatus.CANCELLED)
    assert reserved() == [2, 0, 0]


def test_before_the_start_the_order_is_cancelled_instead(reservation, customer):
    with pytest.raises(lifecycle.NotStarted):
        lifecycle.terminate(reservation=reservation, actor=customer, at=AT)

    orders.cancel(order=reservation.order, at=AT)

    assert state(reservation) == ("released", "cancelled", OrderStatus.CANCELLED)


def test_nothing_ends_twice(reservation, seller, customer):
    hand_over(reservation, seller, START)
    lifecycle.terminate(reservation=reservation, actor=customer, at=START + hours(1))

    with pytest.raises(reservations.NothingToStop):
        lifecycle.terminate(reservation=reservation, actor=customer, at=START + hours(1))
    with pytest.raises(reservations.NothingToStop):
        lifecycle.stop(reservation=reservation, code="network-fault", detail="", actor=seller, at=START + hours(1))

    assert reserved() == [2, 0, 0]


def test_only_the_buyer_sees_how_to_get_in_and_the_database_never_does(reservation, seller, customer):
    hand_over(reservation, seller, START)

    assert lifecycle.show_access(reservation=reservation, actor=customer, at=START) == SECRET
    with pytest.raises(NotFound):
        lifecycle.show_access(reservation=reservation, actor=seller, at=START)
    assert b"10.0.0.7" not in bytes(ReservationAccess.objects.get().sealed)


def test_how_to_get_in_is_erased_with_the_end(reservation, seller, customer):
    hand_over(reservation, seller, START)

    reservations.advance(at=reservation.ends_at)

    assert not ReservationAccess.objects.exists()
    with pytest.raises(lifecycle.NothingToShow):
        lifecycle.show_access(reservation=reservation, actor=customer, at=reservation.ends_at)


def test_an_older_key_still_opens_what_it_sealed_and_a_lost_one_says_so(reservation, seller, customer, settings):
    hand_over(reservation, seller, START)

    settings.ACCESS_KEYS = ["newer", *settings.ACCESS_KEYS]
    assert lifecycle.show_access(reservation=reservation, actor=customer, at=START) == SECRET
    settings.ACCESS_KEYS = ["newer"]
    with pytest.raises(lifecycle.access.Unreadable):
        lifecycle.show_access(reservation=reservation, actor=customer, at=START)


def test_strangers_find_no_reservation(reservation, seller, customer):
    stranger = Actor(organization=scenes.provider())
    with pytest.raises(NotFound):
        lifecycle.claim(reservation=reservation, actor=customer, at=AT)
    for act in (lifecycle.claim, lifecycle.confirm, lifecycle.terminate):
        with pytest.raises(NotFound):
            act(reservation=reservation, actor=stranger, at=AT)

    assert not ReservationEvent.objects.exists()


def test_steps_are_never_rewritten(reservation, seller):
    lifecycle.claim(reservation=reservation, actor=seller, at=AT)

    for statement in ("UPDATE market_reservationevent SET code = 'x'", "DELETE FROM market_reservationevent"):
        with (
            as_owner(),
            pytest.raises(IntegrityError, match="refused"),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute(statement)


# What befell the users of Akash and Golem


def test_one_nodes_network_error_does_not_end_the_other_reservations(buyer, strict, seller):
    first, second = (scenes.reserved(buyer, strict, start_max=START) for _ in range(2))
    for one in (first, second):
        hand_over(one, seller, START)

    lifecycle.stop(reservation=first, code="network-fault", detail="", actor=seller, at=START + hours(1))

    assert state(first)[0] == ReservationStatus.INTERRUPTED
    assert state(second)[0] == ReservationStatus.ACTIVE
    assert reserved() == [4, 2, 2]


def test_a_missed_closing_event_does_not_keep_cards_locked(buyer, strict, seller):
    silent = scenes.reserved(buyer, strict, start_max=START)
    lifecycle.claim(reservation=silent, actor=seller, at=AT)
    forgotten = scenes.reserved(buyer, strict, start_max=START)
    hand_over(forgotten, seller, START)

    reservations.advance(at=START + LIMIT)
    reservations.advance(at=forgotten.ends_at)

    assert (state(silent)[0], state(forgotten)[0]) == (ReservationStatus.FAILED, ReservationStatus.ENDED)
    assert not Reservation.objects.live().exists()
    assert reserved() == [4, 2, 2]  # the hours that had begun, and no hour to come


def test_an_unaccepted_order_locks_nothing(buyer, offering):
    scenes.order(buyer, offering.accelerator, count=9, start_max=START)

    matching.run(at=AT)

    assert reserved() == []
    assert Order.objects.get().status == OrderStatus.OPEN
    orders.expire_overdue(at=START + timedelta(seconds=1))
    assert Order.objects.get().status == OrderStatus.EXPIRED


# Everybody at once


@pytest.fixture
def shared(transactional_db):
    """A reservation of one card that is in use, beside enough others of the same hours."""
    offering = scenes.listed(scenes.provider(), scenes.accelerator(), count=THREADS + 1)
    who = scenes.buyer()
    scenes.past_reservation(who, offering, starts_at=AT, length=2, cards=THREADS)
    return scenes.past_reservation(who, offering, starts_at=AT, length=2, cards=1)


def end_at_once(reservation, threads=THREADS):
    """Let the buyer and the provider end it at the same moment."""
    buyer, seller = Actor(organization=reservation.order.buyer), Actor(organization=reservation.provider)

    def act(number):
        if number % 2:
            lifecycle.terminate(reservation=reservation, actor=buyer, at=AT)
        else:
            lifecycle.stop(reservation=reservation, code="network-fault", detail="", actor=seller, at=AT)

    return race(act, threads=threads)


def test_what_everybody_ends_at_once_frees_its_cards_once(shared):
    outcomes = end_at_once(shared)

    assert outcomes == {"ok": 1, "nothing-to-stop": THREADS - 1}
    assert reserved() == [THREADS, THREADS]
    assert ReservationEvent.objects.count() == 1


def test_without_its_locks_it_frees_the_cards_of_others_too(shared, monkeypatch):
    look_instead_of_locking(monkeypatch, parties=FEW)

    outcomes = end_at_once(shared, FEW)

    assert outcomes["ok"] > 1
    assert max(reserved()) < THREADS
