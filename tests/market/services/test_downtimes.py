"""Downtimes: the provider's own count, the buyer's are answered, and the operator decides what is contested."""

from datetime import timedelta

import pytest
from django.db import connection

from accounts.models import AuditEntry, Membership, User
from accounts.services.audit import Actor
from core.errors import Forbidden, IllegalMove, NotFound
from market.models import Downtime, Reservation, ReservationStatus
from market.services import downtimes, lifecycle
from market.tasks import accept_unanswered_downtimes
from tests.billing.conftest import set_clock  # noqa: F401 - a fixture
from tests.market import scenes
from tests.market.scenes import AT, hours
from tests.owning import as_owner

LATER = AT + hours(2)


@pytest.fixture
def reservation(buyer, offering):
    return scenes.past_reservation(buyer, offering, starts_at=AT)


@pytest.fixture
def seller(provider):
    return Actor(organization=provider)


@pytest.fixture
def customer(buyer):
    return Actor(organization=buyer)


@pytest.fixture
def operator(db):
    return scenes.operator()


def report(reservation, actor, *, first=0, length=1, at=LATER):
    return downtimes.report(
        reservation=reservation,
        starts_at=AT + hours(first),
        ends_at=AT + hours(first + length),
        code="network",
        detail="switch",
        actor=actor,
        at=at,
    )


def test_who_says_it_decides_whether_it_counts_at_once(reservation, seller, customer):
    assert report(reservation, seller).status == "accepted"
    assert report(reservation, customer).status == "claimed"


@pytest.mark.parametrize(
    ("first", "length", "at"),
    [
        (-1, 2, LATER),
        (1, 2, LATER),
        (0, 0, LATER),
        (1, -1, LATER),
        (0, 1, AT + hours(24) + timedelta(days=14, hours=1)),
    ],
)
def test_only_a_past_part_of_the_reservation_can_be_reported_in_time(reservation, customer, first, length, at):
    with pytest.raises(downtimes.OutsideReservation):
        report(reservation, customer, first=first, length=length, at=at)

    assert not Downtime.objects.exists()


def test_a_buyer_who_left_early_misses_nothing_after_that(reservation, customer):
    lifecycle.terminate(reservation=reservation, actor=customer, at=AT + hours(1))

    with pytest.raises(downtimes.OutsideReservation):
        report(reservation, customer, first=1)

    assert report(reservation, customer).status == "claimed"


def test_who_left_at_the_very_start_disputes_nothing(reservation, customer):
    lifecycle.terminate(reservation=reservation, actor=customer, at=AT)

    with pytest.raises(downtimes.NotDisputable):
        downtimes.dispute_access(reservation=reservation, detail="dark", actor=customer, at=AT)


def test_what_a_provider_broke_off_can_be_claimed_to_the_promised_end(reservation, seller, customer):
    lifecycle.stop(reservation=reservation, code="finished", detail="", actor=seller, at=AT + hours(1))

    assert report(reservation, customer, first=1).status == "claimed"


def test_downtimes_are_not_without_number(reservation, customer, monkeypatch):
    monkeypatch.setattr(downtimes, "MOST_REPORTED", 1)
    report(reservation, customer)

    with pytest.raises(downtimes.TooManyReports):
        report(reservation, customer)


def test_a_provider_that_reports_many_keeps_its_buyer_from_none(reservation, seller, customer, monkeypatch):
    monkeypatch.setattr(downtimes, "MOST_REPORTED", 1)
    report(reservation, seller)

    assert report(reservation, customer).status == "claimed"


def test_a_provider_contests_with_reasons_and_the_operator_decides_so(reservation, seller, customer, operator):
    claimed = report(reservation, customer)
    with pytest.raises(downtimes.TextNeeded):
        downtimes.contest(downtime=claimed, answer=" ", actor=seller, at=LATER)
    with pytest.raises(downtimes.NotContested):
        downtimes.decide(downtime=claimed, upheld=True, decision="log", actor=operator, at=LATER)

    downtimes.contest(downtime=claimed, answer="it was up", actor=seller, at=LATER)
    with pytest.raises(downtimes.TextNeeded):
        downtimes.decide(downtime=claimed, upheld=True, decision="", actor=operator, at=LATER)
    for party in (seller.organization, customer.organization):
        theirs = User.objects.create_user(username=f"member of {party}")
        Membership.objects.create(user=theirs, organization=party, role="owner")
        for organization in (operator.organization, party):
            partial = Actor(user=theirs, organization=organization)
            with pytest.raises(Forbidden):
                downtimes.decide(downtime=claimed, upheld=True, decision="mine", actor=partial, at=LATER)
    downtimes.decide(downtime=claimed, upheld=True, decision="the log says no", actor=operator, at=LATER)

    found = Downtime.objects.get()
    assert (found.status, found.answer, found.decision) == ("accepted", "it was up", "the log says no")
    with pytest.raises(IllegalMove):
        downtimes.contest(downtime=found, answer="again", actor=seller, at=LATER)


def test_a_dismissed_claim_fails_nothing(reservation, seller, customer, operator):
    claimed = downtimes.dispute_access(reservation=reservation, detail="dark", actor=customer, at=LATER)
    downtimes.contest(downtime=claimed, answer="it was up", actor=seller, at=LATER)

    downtimes.decide(downtime=claimed, upheld=False, decision="logins seen", actor=operator, at=LATER)

    assert Downtime.objects.get().status == "dismissed"
    assert Reservation.objects.get().status == ReservationStatus.ACTIVE


def test_what_nobody_answers_is_accepted(reservation, customer, set_clock):
    claimed = report(reservation, customer)
    set_clock(LATER + timedelta(hours=71))
    accept_unanswered_downtimes()
    assert Downtime.objects.get().status == "claimed"

    set_clock(LATER + timedelta(hours=72))
    accept_unanswered_downtimes()

    claimed.refresh_from_db()
    assert claimed.status == "accepted"


def test_a_claim_that_cannot_be_accepted_stops_no_other(reservation, customer, set_clock, caplog):
    stuck, other = report(reservation, customer), report(reservation, customer)
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute(f"ALTER TABLE market_downtime ADD CHECK (status = 'claimed' OR id <> '{stuck.pk}')")
    set_clock(LATER + timedelta(hours=72))

    accept_unanswered_downtimes()

    assert [Downtime.objects.get(pk=one.pk).status for one in (stuck, other)] == ["claimed", "accepted"]
    assert f"downtime {stuck.pk} is left to the next sweep" in caplog.text
    verbs = AuditEntry.objects.filter(object_id=other.pk).order_by("pk").values_list("verb", flat=True)
    assert list(verbs) == ["downtime.reported", "downtime.accepted"]


def test_access_that_was_confirmed_or_is_old_or_was_disputed_is_not_disputed(reservation, customer):
    def dispute(at):
        with pytest.raises(downtimes.NotDisputable):
            downtimes.dispute_access(reservation=reservation, detail="dark", actor=customer, at=at)

    dispute(AT + timedelta(hours=25))
    downtimes.dispute_access(reservation=reservation, detail="dark", actor=customer, at=LATER)
    dispute(LATER)
    lifecycle.confirm(reservation=reservation, actor=customer, at=LATER)
    dispute(LATER)


def test_strangers_and_the_wrong_side_have_no_say(reservation, seller, customer):
    claimed = report(reservation, customer)
    with pytest.raises(NotFound):
        report(reservation, Actor(organization=scenes.buyer()))
    for act in (downtimes.accept, downtimes.contest):
        terms = {"answer": "x"} if act is downtimes.contest else {}
        with pytest.raises(NotFound):
            act(downtime=claimed, actor=customer, at=LATER, **terms)

    assert Downtime.objects.get().status == "claimed"
