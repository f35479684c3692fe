"""Credits for time in which cards could not be used: by the table, to whom it was paid, never more than was charged."""

from datetime import timedelta

import pytest
from django.db.models import Sum

from accounts.services.audit import Actor
from billing.models import Charge, ServiceCredit
from billing.selectors import Wallet, wallet
from billing.services import charges, extending
from market.services import downtimes, lifecycle, reservations
from tests.billing import scenes
from tests.billing.scenes import CARD_HOUR_MS, HOUR, START

FULL = 2 * CARD_HOUR_MS
FEN_MS = CARD_HOUR_MS // 200
MINUTE = timedelta(minutes=1)


@pytest.fixture
def reservation(buyer, offering, grant):
    """Two cards for three hours at ¥2.00, half of it from a voucher."""
    return scenes.reserve(buyer, offering, voucher=grant)


@pytest.fixture
def seller(provider):
    return Actor(organization=provider)


@pytest.fixture
def customer(buyer):
    return Actor(organization=buyer)


def down(reservation, minutes, actor, *, first=0, at=None):
    start = reservation.starts_at + first * MINUTE
    return downtimes.report(
        reservation=reservation,
        starts_at=start,
        ends_at=start + minutes * MINUTE,
        code="network",
        detail="",
        actor=actor,
        at=at or reservation.ends_at,
    )


def rate(reservation):
    for waiting in charges.waiting(limit=10):
        charges.rate_reservation(reservation_id=waiting, at=reservation.ends_at)
    rows = Charge.objects.credits().filter(reservation=reservation).order_by("pk")
    return [(row.amount_fen, row.voucher_fen, row.wallet_fen, row.provider_fen) for row in rows]


def test_a_downtime_the_provider_admits_is_credited_by_the_table_in_the_proportion_paid(reservation, seller, buyer):
    scenes.meter(reservation, FULL, FULL, FULL)
    scenes.rate(reservation)
    down(reservation, 9, seller)
    assert rate(reservation) == []  # nothing before it is over

    reservations.advance(at=reservation.ends_at)

    # 9 of 180 minutes: 95 % available, a quarter of ¥12.00 comes back, half of it to the voucher.
    assert rate(reservation) == [(-300, -150, -150, -292)]
    credit = ServiceCredit.objects.get()
    assert (credit.availability_ppm, credit.credit_bp, credit.policy) == (950_000, 2_500, "2026-10")
    assert (credit.charged_fen, credit.total_fen, credit.lost_ms) == (1_200, 300, 540_000)
    assert wallet(buyer) == Wallet(balance_fen=100_000 - 450, held_fen=0, arrears_fen=0)
    assert scenes.broken() == []


def test_a_further_downtime_adds_the_difference_and_what_overlaps_counts_once(reservation, seller):
    scenes.meter(reservation, FULL, FULL, FULL)
    scenes.rate(reservation)
    reservations.advance(at=reservation.ends_at)
    down(reservation, 9, seller)
    rate(reservation)

    down(reservation, 9, seller)
    assert rate(reservation) == [(-300, -150, -150, -292)]
    down(reservation, 60, seller, first=9)

    assert rate(reservation) == [(-300, -150, -150, -292), (-300, -150, -150, -293)]
    assert scenes.broken() == []


def test_late_usage_is_credited_too_and_a_correction_takes_its_part_of_the_credit_back(reservation, seller):
    scenes.meter(reservation, FULL, FULL)
    scenes.rate(reservation)
    reservations.advance(at=reservation.ends_at)
    down(reservation, 9, seller)
    assert rate(reservation) == [(-200, -100, -100, -195)]

    scenes.meter(reservation, FULL, first=2)
    scenes.rate(reservation)
    assert rate(reservation)[1:] == [(-100, -50, -50, -97)]
    scenes.meter(reservation, 0, 0, 0)
    scenes.rate(reservation)

    assert rate(reservation)[2:] == [(300, 150, 150, 292)]
    assert sum(charge.amount_fen for charge in Charge.objects.all()) == 0
    assert scenes.broken() == []


def test_a_credit_that_stays_while_its_commission_moves_by_a_fen_is_posted_all_the_same(
    buyer, provider, offering, seller
):
    reservation = scenes.reserve(buyer, offering)
    scenes.meter(reservation, FULL, 342_000)
    scenes.rate(reservation)
    reservations.advance(at=reservation.ends_at)
    down(reservation, 9, seller)
    assert rate(reservation) == [(-105, 0, -105, -100)]

    scenes.meter(reservation, FULL, 360_000)

    # ¥4.20 instead of ¥4.19: a quarter is ¥1.05 of either, but of ¥0.21 of commission ¥0.06 come back, not ¥0.05.
    assert rate(reservation)[1:] == [(0, 0, 0, 1)]
    assert scenes.fen(f"provider-payable/{provider.pk}") == 420 - 21 - (105 - 6)
    assert scenes.broken() == []


def test_added_hours_that_corrections_left_a_fen_below_nothing_are_credited_nothing_and_hold_up_no_charge(
    buyer, offering, seller
):
    reservation = scenes.reserve(buyer, offering)
    extending.extend(reservation=reservation, hours=1, grant=None, actor=Actor(organization=buyer), at=START)
    reservation.refresh_from_db()
    reservations.advance(at=reservation.ends_at)
    for metered in ((9_000, 0, 0, 0), (9_000, 0, 0, 16_200), (0, 0, 0, 16_200), (FULL, 18_000, 0, 0)):
        scenes.meter(reservation, *metered)
        scenes.rate(reservation)
    by_purse = Charge.objects.order_by("supplement").values_list("supplement__number").annotate(fen=Sum("amount_fen"))
    assert dict(by_purse) == {None: 402, 1: -1}

    down(reservation, 9, seller)

    assert rate(reservation) == [(-100, 0, -100, -95)]
    assert scenes.broken() == []


def test_a_correction_of_other_hours_takes_no_fen_of_a_credit_back_from_a_voucher(
    reservation, buyer, offering, grant, seller
):
    extending.extend(reservation=reservation, hours=1, grant=grant, actor=Actor(organization=buyer), at=START)
    reservation.refresh_from_db()
    reservations.advance(at=reservation.ends_at)
    scenes.meter(reservation, 5 * FEN_MS, 0, 0, 2 * FEN_MS)
    scenes.rate(reservation)
    down(reservation, 9, seller)
    assert rate(reservation) == [(-1, -1, 0, -1), (-1, -1, 0, -1)]

    scenes.meter(reservation, 3 * FEN_MS)

    # A quarter of 3 and of 5 fen is 1 in all, but the voucher of the added hour has its fen back already: it stays.
    scenes.rate(reservation)
    assert rate(reservation)[2:] == []
    assert scenes.broken() == []


def test_an_interruption_by_the_provider_counts_to_the_end_that_was_promised(reservation, seller):
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)

    at = START + HOUR
    lifecycle.stop(reservation=reservation, code="hardware-fault", detail="", actor=seller, at=at)

    # One of three hours was delivered: all that was charged comes back.
    assert rate(reservation) == [(-400, -200, -200, -390)]
    assert scenes.broken() == []


@pytest.mark.parametrize("code", ["buyer-breach", "force-majeure", "finished"])
def test_an_end_that_is_not_the_providers_fault_is_not_credited(reservation, seller, code):
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)

    lifecycle.stop(reservation=reservation, code=code, detail="", actor=seller, at=START + HOUR)

    assert rate(reservation) == []


def test_what_a_buyer_claims_is_credited_once_it_is_accepted(reservation, seller, customer):
    scenes.meter(reservation, FULL, FULL, FULL)
    scenes.rate(reservation)
    reservations.advance(at=reservation.ends_at)
    claimed = down(reservation, 9, customer)
    assert rate(reservation) == []

    downtimes.accept(downtime=claimed, actor=seller, at=reservation.ends_at)

    assert rate(reservation) == [(-300, -150, -150, -292)]


def test_cards_that_never_worked_cost_nothing(reservation, seller, customer):
    scenes.meter(reservation, FULL)
    scenes.rate(reservation)
    at = START + HOUR
    claimed = downtimes.dispute_access(reservation=reservation, detail="no route", actor=customer, at=at)

    downtimes.accept(downtime=claimed, actor=seller, at=at)

    assert rate(reservation) == [(-400, -200, -200, -390)]
    reservation.refresh_from_db()
    assert (reservation.status, reservation.stop_code) == ("failed", "not-usable")
    assert scenes.broken() == []
