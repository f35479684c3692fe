"""Going on after the end: the following hours are held at prices fixed now, by one only."""

import pytest

from accounts.models import Onboarding
from accounts.services import onboardings
from market.models import AgreedPrice, CalendarHour, Reservation, ReservationEvent
from market.pricing import Band, Plan
from market.services import extensions, offerings, prices, reservations
from tests.market import scenes
from tests.market.races import THREADS, race, without_constraint
from tests.market.scenes import AT, SYSTEM, hours


def calendar():
    return list(CalendarHour.objects.order_by("hour").values_list("reserved", flat=True))


@pytest.fixture
def reservation(buyer, offering):
    return scenes.past_reservation(buyer, offering, starts_at=AT, length=2)


def test_the_following_hours_are_held_at_the_same_price(reservation):
    extended = extensions.extend(reservation=reservation, hours=2, at=AT)

    assert Reservation.objects.get().ends_at == AT + hours(4) == extended.ends_at
    assert calendar() == [2, 2, 2, 2]
    assert not AgreedPrice.objects.exists()
    assert ReservationEvent.objects.get().detail == "+2 h"


def test_the_prices_of_the_following_hours_are_those_of_the_plan(reservation, offering):
    plan = Plan(base_micro=1_000_000, bands=[Band(from_hour=13, to_hour=14, price_micro=3_000_000)])
    scenes.priced(offering, plan, starts_at=AT + hours(1))

    extensions.extend(reservation=reservation, hours=2, at=AT)

    price_at = prices.agreed(Reservation.objects.get())  # 10:00 to 14:00 in Shanghai
    assert [price_at(AT + hours(number)) for number in range(4)] == [2_000_000, 2_000_000, 1_000_000, 3_000_000]


def test_what_is_full_over_or_off_sale_is_not_extended(reservation, offering, buyer):
    with pytest.raises(extensions.BadHours):
        extensions.extend(reservation=reservation, hours=0, at=AT)
    with pytest.raises(extensions.NotExtendable):
        extensions.extend(reservation=reservation, hours=1, at=reservation.ends_at)
    scenes.past_reservation(buyer, offering, starts_at=AT + hours(3), length=1, cards=7)
    with pytest.raises(reservations.Overbooked):
        extensions.extend(reservation=reservation, hours=2, at=AT)
    offerings.pause(offering=offering, actor=SYSTEM, at=AT)
    with pytest.raises(extensions.NotExtendable):
        extensions.extend(reservation=reservation, hours=1, at=AT)

    assert calendar() == [2, 2, 7]


def test_a_provider_that_is_suspended_sells_no_further_hours(reservation, provider):
    onboarding = Onboarding.objects.get(organization=provider)
    onboardings.suspend(onboarding=onboarding, reason="Licence withdrawn", actor=scenes.operator(), at=AT)

    with pytest.raises(extensions.NotExtendable):
        extensions.extend(reservation=reservation, hours=1, at=AT)

    assert calendar() == [2, 2]


@pytest.fixture
def neighbours(transactional_db):
    """A reservation of one card for every thread, and one card free after them."""
    offering = scenes.listed(scenes.provider(), scenes.accelerator(), count=THREADS)
    who = scenes.buyer()
    scenes.past_reservation(who, offering, starts_at=AT + hours(1), length=1, cards=THREADS - 1)
    return [scenes.past_reservation(who, offering, starts_at=AT, length=1, cards=1) for _ in range(THREADS)]


def test_the_last_card_of_the_following_hour_goes_to_one(neighbours):
    outcomes = race(lambda number: extensions.extend(reservation=neighbours[number], hours=1, at=AT))

    assert outcomes == {"ok": 1, "overbooked": THREADS - 1}
    assert calendar() == [THREADS, THREADS]


def test_without_its_constraint_the_following_hour_is_sold_to_everybody(neighbours):
    with without_constraint("market_calendarhour", "calendar_hour_not_overbooked"):
        outcomes = race(lambda number: extensions.extend(reservation=neighbours[number], hours=1, at=AT))

        assert outcomes == {"ok": THREADS}
        assert calendar() == [THREADS, 2 * THREADS - 1]
