"""Who gives way: as many as are needed, by bid, exactly; and nobody frees the same hours twice."""

from datetime import timedelta
from threading import Barrier
from unittest import mock

import numpy as np
import pytest
from django.db import IntegrityError
from hypothesis import given
from hypothesis import strategies as st

from accounts.services.audit import SYSTEM, Actor
from core.periods import HOUR
from market.models import CalendarHour, Offering, Order, OrderKind, Reservation
from market.services import floors, lifecycle, matching, reclaims, reservations
from market.services.reclaims import Spare
from tests.market import scenes
from tests.market.races import race
from tests.market.scenes import AT, hours

HELD = st.tuples(st.integers(1, 4), st.integers(0, 5), st.integers(1, 6), st.integers(1, 9))


@given(held=st.lists(HELD, max_size=5), lack=st.lists(st.integers(-2, 12), min_size=8, max_size=8))
def test_no_hour_lacks_a_card_that_somebody_could_give_and_nobody_gives_way_for_nothing(held, lack):
    rows = []
    for number, (count, start, length, bid) in enumerate(held):
        order = Order(kind=OrderKind.INTERRUPTIBLE, limit_micro=bid, sequence=number)
        span = {"starts_at": AT + start * HOUR, "ends_at": AT + min(start + length, 8) * HOUR}
        rows.append(Reservation(order=order, count=count, reclaim_minutes=60, **span))
    rows.sort(key=reclaims._rank)
    spare, left, before = Spare(AT), np.array(lack), np.array(lack)

    given_way = list(reclaims._give_way(spare, rows, left, AT))

    could = before.copy()
    for one in rows:
        could[spare.hours(one, hour0=AT, length=8)] -= one.count
    assert ((left <= 0) | (could > 0)).all()
    assert all(before[(one.hour - AT) // HOUR] > 0 and one.hour >= AT + HOUR for one in given_way)
    bids = [one.reservation.bid_micro for one in given_way]
    assert bids == sorted(bids)


def contested():
    """Return an interruptible reservation that runs, its buyer, and a firm order that wants all its cards."""
    who, card = scenes.buyer(), scenes.accelerator()
    offering = scenes.listed(scenes.provider(), card)
    floors.offer(offering=offering, floor_micro=500_000, reclaim_minutes=0, actor=SYSTEM, at=AT)
    window = {"start_min": AT + hours(1), "start_max": AT + hours(1)}
    scenes.order(who, card, count=8, hours=6, kind=OrderKind.INTERRUPTIBLE, limit_micro=600_000, **window)
    matching.run_interruptible(at=AT)
    held = Reservation.objects.select_related("order").get()
    reservations.advance(at=held.starts_at)
    later = {"start_min": AT + hours(3), "start_max": AT + hours(3)}
    scenes.order(scenes.buyer(), card, count=8, hours=2, **later)
    return held, Actor(organization=who)


def exact():
    """Tell whether the hours to come hold what live reservations hold."""
    for hour, reserved in CalendarHour.objects.filter(hour__gte=AT + hours(2)).values_list("hour", "reserved"):
        live = Reservation.objects.live().filter(starts_at__lte=hour, ends_at__gt=hour)
        if reserved != sum(live.values_list("count", flat=True)):
            return False
    return True


@pytest.mark.django_db(transaction=True)
def test_a_buyer_who_ends_what_is_being_reclaimed_frees_nothing_twice():
    held, who = contested()
    at = AT + timedelta(minutes=61)

    def act(number):
        if number % 2:
            lifecycle.terminate(reservation=held, actor=who, at=at)
        else:
            matching.run(at=at)

    outcomes = race(act)

    assert outcomes["ok"] >= 17
    assert exact()
    assert Reservation.objects.filter(order__kind=OrderKind.INSTANT).count() == 1


@pytest.mark.django_db(transaction=True)
def test_without_the_lock_the_same_hours_would_be_freed_twice():
    held, who = contested()
    at, read, lacking = AT + timedelta(minutes=61), Barrier(2), reclaims.lacking

    def unlocked(keys):
        return list(Reservation.objects.reclaimable().filter(pk__in=list(keys)).select_related("order"))

    def late(**terms):
        read.wait(timeout=60)
        read.wait(timeout=60)
        return lacking(**terms)

    def act(number):
        if number:
            read.wait(timeout=60)
            lifecycle.terminate(reservation=held, actor=who, at=at)
            read.wait(timeout=60)
        else:
            matching.run(at=at)

    patches = mock.patch.multiple(reclaims, _locked=unlocked, lacking=late)
    with patches, pytest.raises(IntegrityError, match="market_calendarhour_reserved_check"):
        race(act, threads=2)


@pytest.mark.parametrize(("floor", "minutes", "field"), [(0, 60, "floor_micro"), (1, 1_441, "reclaim_minutes")])
def test_a_floor_that_makes_no_sense_changes_nothing(offering, floor, minutes, field):
    with pytest.raises(floors.BadFloor) as refused:
        floors.offer(offering=offering, floor_micro=floor, reclaim_minutes=minutes, actor=SYSTEM, at=AT)

    assert (list(refused.value.fields), Offering.objects.get().floor_micro) == ([field], None)


def test_an_order_by_performance_bids_for_a_card_what_its_limit_leaves_it():
    order = Order(limit_micro=1_000_001, tflops=5)

    assert Reservation(order=order, count=4).bid_micro == 250_000
