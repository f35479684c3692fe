"""Which price is far from the one that an operator looked at, whatever form it has."""

import pytest

from market.price_reviews import is_far
from market.pricing import Band, Electricity, Plan, Step

YUAN = 1_000_000
FLAT = Plan(base_micro=2 * YUAN)
PEAK = Plan(base_micro=2 * YUAN, bands=(Band(from_hour=18, to_hour=20, price_micro=4 * YUAN),))


def linked(base: int, highest: int, *, reference: int = 500_000) -> Plan:
    electricity = Electricity(
        tariff="grid",
        share_bp=10_000,
        watts=1_000,
        pue_bp=10_000,
        reference_micro=reference,
        lowest_micro=YUAN,
        highest_micro=highest,
    )
    return Plan(base_micro=base, electricity=electricity)


def off(bp: int, at_least: int) -> tuple[Step, ...]:
    return (Step(at_least=at_least, discount_bp=bp),)


@pytest.mark.parametrize(
    ("new", "far"),
    [
        (Plan(base_micro=2_400_000), False),
        (Plan(base_micro=2_400_001), True),
        (Plan(base_micro=1_000_000), False),
        (Plan(base_micro=999_999), True),
        (Plan(base_micro=2 * YUAN, bands=(Band(from_hour=0, to_hour=24, price_micro=2_400_000),)), False),
        (Plan(base_micro=2 * YUAN, bands=(Band(from_hour=12, to_hour=13, price_micro=2_400_001),)), True),
        # A low base that no hour costs is what the market shows.
        (Plan(base_micro=900_000, bands=(Band(from_hour=0, to_hour=24, price_micro=2 * YUAN),)), True),
        (Plan(base_micro=2 * YUAN, terms=off(3_000, 720), volumes=off(4_000, 64)), False),
        (Plan(base_micro=2 * YUAN, terms=off(5_001, 1)), True),
        (linked(2 * YUAN, 2_400_000), False),
        (linked(2 * YUAN, 2_400_001), True),
    ],
)
def test_a_flat_price_is_measured_by_the_dearest_hour_and_by_a_day(new, far):
    assert is_far(FLAT, new) is far


@pytest.mark.parametrize(
    ("new", "far"),
    [
        (Plan(base_micro=2 * YUAN, bands=(Band(from_hour=9, to_hour=11, price_micro=4 * YUAN),)), False),
        # The dearest hour was looked at, a day of such hours was not: 52 yuan then, 62.40 at most.
        (Plan(base_micro=2_600_000), False),
        (Plan(base_micro=2_600_001), True),
        (Plan(base_micro=4 * YUAN), True),
    ],
)
def test_an_hour_of_the_evening_makes_no_room_for_a_whole_day(new, far):
    assert is_far(PEAK, new) is far


@pytest.mark.parametrize(
    ("new", "far"),
    [
        (linked(2_400_000, 8 * YUAN), False),
        (linked(2_400_001, 8 * YUAN), True),
        (linked(2 * YUAN, 9_600_001), True),
        (Plan(base_micro=8 * YUAN), True),
    ],
)
def test_a_wide_collar_makes_no_room_for_a_higher_price(new, far):
    assert is_far(linked(2 * YUAN, 8 * YUAN), new) is far


@pytest.mark.parametrize(
    ("terms", "volumes", "far"),
    [
        (off(4_000, 720), (), False),
        (off(3_999, 720), (), True),
        (off(5_000, 721), (), True),
        ((), (), True),
    ],
)
def test_a_discount_that_goes_is_a_rise_for_who_had_it(terms, volumes, far):
    reviewed = Plan(base_micro=2 * YUAN, terms=off(5_000, 720))

    assert is_far(reviewed, Plan(base_micro=2 * YUAN, terms=terms, volumes=volumes)) is far


def test_discounts_for_term_and_number_count_together():
    reviewed = Plan(base_micro=2 * YUAN, terms=off(1_000, 720), volumes=off(1_000, 8))

    assert not is_far(reviewed, Plan(base_micro=2 * YUAN, terms=off(1_000, 720)))
    assert is_far(reviewed, Plan(base_micro=2 * YUAN))
