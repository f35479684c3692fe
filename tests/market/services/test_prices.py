"""Publishing price plans and tariffs, and the prices that reservations are agreed at."""

from datetime import datetime

import pytest
from django.db import IntegrityError, connection, transaction

from accounts.models import AuditEntry
from accounts.services.audit import SYSTEM
from core.periods import SHANGHAI
from market.models import AgreedPrice, Offering, Order, OrderStatus, PricePlan, Reservation, Tariff, UnmatchedReason
from market.pricing import Band, Electricity, Plan, Step
from market.services import matching, offerings, orders, prices
from tests.market import scenes
from tests.market.scenes import AT, hours
from tests.owning import as_owner

YUAN = 1_000_000
SOON = AT + hours(1)
# AT is 10:00 in Shanghai.
FLAT = Plan(base_micro=2_500_000)
BY_THE_CLOCK = Plan(base_micro=2_000_000, bands=(Band(from_hour=12, to_hour=14, price_micro=3_000_000),))


def publish(offering: Offering, plan: Plan, *, starts_at: datetime = SOON) -> PricePlan:
    return scenes.priced(offering, plan, starts_at=starts_at)


def tariff(code: str = "sichuan", *, micro: int = 500_000, starts_at: datetime = AT) -> Tariff:
    return prices.publish_tariff(
        code=code, starts_at=starts_at, hourly_micro=[micro] * 24, source="发改委", actor=SYSTEM, at=AT
    )


def electric(code: str = "sichuan") -> Plan:
    linked = Electricity(
        tariff=code,
        share_bp=10_000,
        watts=1_000,
        pue_bp=10_000,
        reference_micro=400_000,
        lowest_micro=1_000_000,
        highest_micro=3_000_000,
    )
    return Plan(base_micro=2_000_000, electricity=linked)


def agreed(reservation: Reservation) -> list[tuple[int, int]]:
    """Return the hours from the start at which the price changes, and to what."""
    rows = AgreedPrice.objects.filter(reservation=reservation).order_by("starts_at")
    return [((row.starts_at - reservation.starts_at) // hours(1), row.price_micro) for row in rows]


def test_a_published_plan_is_kept_with_its_terms_and_an_audit_entry(offering):
    published = publish(offering, BY_THE_CLOCK)

    assert PricePlan.objects.get().terms["bands"] == [{"from_hour": 12, "to_hour": 14, "price_micro": 3_000_000}]
    assert AuditEntry.objects.get(verb="price-plan.published").object_id == str(published.pk)


@pytest.mark.parametrize("starts_at", [AT, AT - hours(1), AT + hours(1) / 2], ids=["now", "past", "half past"])
def test_a_plan_begins_at_a_full_hour_to_come(offering, starts_at):
    with pytest.raises(prices.BadPlan) as refusal:
        publish(offering, FLAT, starts_at=starts_at)

    assert list(refusal.value.fields) == ["starts_at"]
    assert not PricePlan.objects.exists()


@pytest.mark.parametrize(
    ("plan", "field"),
    [(Plan(base_micro=0), "base_micro"), (electric("nowhere"), "electricity"), (Plan(1, terms=(Step(0, 1),)), "terms")],
)
def test_terms_that_make_no_sense_are_refused_by_field(offering, plan, field):
    with pytest.raises(prices.BadPlan) as refusal:
        publish(offering, plan)

    assert list(refusal.value.fields) == [field]
    assert not PricePlan.objects.exists()


def test_what_is_published_for_an_hour_stays(offering):
    publish(offering, FLAT)

    with pytest.raises(prices.PlanTaken):
        publish(offering, BY_THE_CLOCK)

    assert PricePlan.objects.get().terms["base_micro"] == 2_500_000


def test_an_archived_offering_gets_no_plan(offering):
    offerings.archive(offering=offering, actor=SYSTEM, at=AT)

    with pytest.raises(prices.BadPlan):
        publish(offering, FLAT)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE market_priceplan SET terms = '{}'",
        "DELETE FROM market_priceplan",
        "UPDATE market_tariff SET source = ''",
        "DELETE FROM market_agreedprice",
    ],
)
def test_prices_are_kept_as_written(buyer, offering, statement):
    publish(offering, BY_THE_CLOCK)
    tariff()
    scenes.reserved(buyer, offering)

    with as_owner(), pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)


def test_a_reservation_is_agreed_at_the_prices_of_its_hours(buyer, offering):
    publish(offering, BY_THE_CLOCK)

    reservation = scenes.reserved(buyer, offering, start_min=AT + hours(1), start_max=AT + hours(1), hours=5)

    assert reservation.starts_at.astimezone(SHANGHAI).hour == 11
    assert agreed(reservation) == [(0, 2_000_000), (1, 3_000_000), (3, 2_000_000)]
    assert reservation.price_micro == reservation.match.price_micro == 2_400_000
    price_at = prices.agreed(reservation)
    assert [price_at(reservation.starts_at + hours(n)) for n in range(5)] == [
        2 * YUAN,
        3 * YUAN,
        3 * YUAN,
        2 * YUAN,
        2 * YUAN,
    ]


def test_a_reservation_at_one_price_needs_no_rows(buyer, offering):
    publish(offering, FLAT)

    reservation = scenes.reserved(buyer, offering)

    assert (reservation.price_micro, agreed(reservation)) == (2_500_000, [])
    assert prices.agreed(reservation)(reservation.ends_at) == 2_500_000


def test_a_plan_counts_from_its_hour_and_the_flat_price_before(buyer, offering):
    publish(offering, FLAT, starts_at=AT + hours(2))

    reservation = scenes.reserved(buyer, offering, start_min=AT + hours(1), start_max=AT + hours(1))

    assert agreed(reservation) == [(0, 2_000_000), (1, 2_500_000)]


def test_discounts_look_at_the_order(buyer, offering):
    terms, volumes = (Step(at_least=3, discount_bp=1_000),), (Step(at_least=3, discount_bp=5_000),)
    publish(offering, Plan(base_micro=2_000_000, terms=terms, volumes=volumes))

    short = scenes.reserved(buyer, offering, hours=2)
    long = scenes.reserved(buyer, offering, hours=3)
    wide = scenes.reserved(buyer, offering, hours=3, count=3)

    assert [one.price_micro for one in (short, long, wide)] == [2_000_000, 1_800_000, 900_000]


def test_a_tariff_moves_the_hours_that_it_counts_for_and_no_reservation_that_is_agreed(buyer, offering):
    tariff(micro=500_000)
    tariff(micro=900_000, starts_at=AT + hours(3))
    publish(offering, electric())

    reservation = scenes.reserved(buyer, offering, start_min=AT + hours(1), start_max=AT + hours(1), hours=4)
    tariff(micro=100_000, starts_at=AT + hours(2))

    assert agreed(reservation) == [(0, 2_100_000), (2, 2_500_000)]


def test_a_limit_below_the_dearest_hour_is_refused_with_its_price(buyer, offering, card):
    publish(offering, BY_THE_CLOCK)

    with pytest.raises(orders.NoPriceInReach) as refusal:
        scenes.order(buyer, card, limit_micro=3_000_000 - 1)

    assert refusal.value.extra == {"lowest_ask_micro": 3_000_000}


def test_an_order_waits_when_a_plan_makes_the_offering_too_dear(buyer, offering, card):
    placed = scenes.order(buyer, card, limit_micro=2_000_000)
    publish(offering, BY_THE_CLOCK)

    matching.run(at=AT)

    waiting = Order.objects.get(pk=placed.pk)
    assert (waiting.status, waiting.unmatched_reason) == (OrderStatus.OPEN, UnmatchedReason.PRICE_GAP)
    assert waiting.unmatched_detail["lowest_ask_micro"] == 3_000_000


def test_the_offering_shows_the_plan_that_has_come_into_effect(offering):
    publish(offering, FLAT)
    publish(offering, BY_THE_CLOCK, starts_at=AT + hours(5))

    changed = [prices.take_effect(at=AT + hours(passed)) for passed in (0, 1, 4, 5)]

    assert changed == [0, 1, 0, 1]
    assert Offering.objects.get(pk=offering.pk).price_micro == 2_000_000


@pytest.mark.parametrize("hourly", [[1] * 23, [1] * 25, [-1] * 24, []])
def test_a_tariff_has_24_prices(db, hourly):
    with pytest.raises(prices.BadTariff):
        prices.publish_tariff(code="x", starts_at=AT, hourly_micro=hourly, source="", actor=SYSTEM, at=AT)

    assert not Tariff.objects.exists()


def test_a_tariff_is_published_once_per_start(db):
    tariff()

    with pytest.raises(prices.TariffTaken):
        tariff(micro=1)
