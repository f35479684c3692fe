"""Reputations: delivered ÷ promised, from what was written down, once a day, with too few to say."""

from datetime import date, timedelta

import pytest

from accounts.models import Membership, Role, User
from accounts.services import relations
from accounts.services.audit import SYSTEM, Actor
from core.periods import date_of
from market.models import MeteredHour, Offering, Reputation, Reservation
from market.selectors import standing
from market.services import downtimes, lifecycle, reputations, reservations
from tests.market import scenes
from tests.market.scenes import AT, hours

TOMORROW = date_of(AT) + timedelta(days=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def seller(provider):
    return Actor(organization=provider)


def used(buyer, offering, *, length=2):
    reservation = scenes.past_reservation(buyer, offering, starts_at=AT, length=length, cards=1)
    meter(reservation)
    return reservation


def meter(reservation):
    MeteredHour.objects.create(
        reservation=reservation, hour=AT, accelerator_ms=1, version=1, dirty=False, reported_until=AT + hours(1)
    )


def told(offering=None):
    found = Reputation.objects.get(offering=offering)
    return found.observations, found.promised_ms // 60_000, found.delivered_ms // 60_000


def test_what_was_delivered_of_what_was_promised(buyer, offering, seller):
    whole, down, broken = (used(buyer, offering) for _ in range(3))
    span = {"starts_at": AT, "ends_at": AT + 30 * MINUTE, "code": "network", "detail": ""}
    downtimes.report(reservation=down, actor=seller, at=AT + hours(1), **span)
    lifecycle.stop(reservation=broken, code="hardware-fault", detail="", actor=seller, at=AT + hours(1))
    reservations.advance(at=whole.ends_at)

    reputations.refresh(as_of=TOMORROW)

    assert told() == told(offering) == (3, 360, 270)
    assert Reputation.objects.get(offering=None).interruptions == 1
    assert standing.of_offering(offering).reliability_bp is None  # too few to say
    assert Offering.objects.get().reliability_bp is None


def test_enough_reservations_say_something_and_the_offering_shows_it(buyer, offering, seller):
    for _ in range(4):
        used(buyer, offering)
    reservations.advance(at=AT + hours(2))
    failed = scenes.past_reservation(buyer, offering, starts_at=AT, length=2, cards=1, status="held")
    lifecycle.stop(reservation=failed, code="no-capacity", detail="", actor=seller, at=AT)

    reputations.refresh(as_of=TOMORROW)
    reputations.refresh(as_of=TOMORROW)

    assert told() == (5, 600, 480)
    assert (Offering.objects.get().reliability_bp, Reputation.objects.count()) == (8_000, 2)
    assert standing.of_offering(offering).failures == 1
    reputations.refresh(as_of=TOMORROW + timedelta(days=91))
    assert Offering.objects.get().reliability_bp is None


def test_how_late_cards_were_handed_over(buyer, offering, seller):
    late = scenes.past_reservation(buyer, offering, starts_at=AT, length=2, cards=1, status="held")
    lifecycle.report_access(reservation=late, details="x", actor=seller, at=AT + 6 * MINUTE)
    meter(late)
    used(buyer, offering)  # by the clock: its start says nothing
    reservations.advance(at=late.ends_at)

    reputations.refresh(as_of=TOMORROW)

    assert Reputation.objects.get(offering=None).mean_start_delay_seconds == 360
    assert told() == (2, 240, 234)


@pytest.mark.parametrize("code", ["buyer-breach", "force-majeure"])
def test_what_others_broke_off_is_promised_only_so_far(buyer, offering, seller, code):
    broken = used(buyer, offering)
    lifecycle.stop(reservation=broken, code=code, detail="", actor=seller, at=AT + hours(1))

    reputations.refresh(as_of=TOMORROW)

    assert told() == (1, 60, 60)


def test_nothing_is_said_of_what_began_by_the_clock_and_was_never_used(buyer, offering):
    scenes.past_reservation(buyer, offering, starts_at=AT, length=2, cards=1)
    reservations.advance(at=AT + hours(2))

    reputations.refresh(as_of=TOMORROW)

    assert not Reputation.objects.exists()
    assert Reservation.objects.get().status == "ended"


def test_a_buyer_who_shares_a_member_with_the_provider_does_not_count(buyer, offering, provider):
    used(buyer, offering)
    reservations.advance(at=AT + hours(2))
    both = User.objects.create_user(username="both")
    for one in (buyer, provider):
        Membership.objects.create(user=both, organization=one, role=Role.VIEWER)

    reputations.refresh(as_of=TOMORROW)

    assert not Reputation.objects.exists()


def test_what_related_parties_do_does_not_count(buyer, offering, provider):
    used(buyer, offering)
    reservations.advance(at=AT + hours(2))
    terms = {"ground": "representative", "source": "register", "actor": SYSTEM}
    relations.declare(first=buyer, second=provider, **terms, at=AT + hours(3))

    reputations.refresh(as_of=TOMORROW)

    assert not Reputation.objects.exists()


def test_what_was_lost_counts_though_nothing_could_be_used(buyer, offering, seller):
    dark = scenes.past_reservation(buyer, offering, starts_at=AT, length=2, cards=1)
    span = {"starts_at": AT, "ends_at": AT + hours(2), "code": "network", "detail": ""}
    claim = downtimes.report(reservation=dark, actor=Actor(organization=buyer), at=AT + hours(2), **span)
    downtimes.accept(downtime=claim, actor=seller, at=AT + hours(2))
    reservations.advance(at=AT + hours(2))

    reputations.refresh(as_of=TOMORROW)

    assert told() == told(offering) == (1, 120, 0)


def test_disputes_that_were_upheld_are_counted(buyer, offering, seller):
    reservation = used(buyer, offering)
    span = {"starts_at": AT, "ends_at": AT + 30 * MINUTE, "code": "network", "detail": ""}
    claim = downtimes.report(reservation=reservation, actor=Actor(organization=buyer), at=AT + hours(1), **span)
    downtimes.contest(downtime=claim, answer="no", actor=seller, at=AT + hours(1))
    downtimes.decide(downtime=claim, upheld=True, decision="yes", actor=scenes.operator(), at=AT + hours(1))
    reservations.advance(at=reservation.ends_at)

    reputations.refresh(as_of=TOMORROW)

    assert Reputation.objects.get(offering=None).disputes_upheld == 1
    assert told() == (1, 120, 90)


def test_days_are_those_of_shanghai():
    assert date(2026, 10, 2) == TOMORROW
