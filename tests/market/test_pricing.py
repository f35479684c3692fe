"""Price plans: what an hour costs, and that a quote is what the hours add up to."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import pricing
from market.pricing import Band, Electricity, Plan, Step

YUAN = 1_000_000
NIGHT = Band(from_hour=23, to_hour=7, price_micro=1_800_000)
PEAK = Band(from_hour=10, to_hour=15, price_micro=2_600_000)
CARD = Electricity(
    tariff="sichuan",
    share_bp=5_000,
    watts=700,
    pue_bp=12_000,
    reference_micro=600_000,
    lowest_micro=15_800_000,
    highest_micro=16_300_000,
)


def price(plan: Plan, *, hour: int = 12, hours: int = 1, count: int = 1, tariff: int | None = None) -> int:
    return pricing.price_micro(plan, hour_of_day=hour, hours=hours, count=count, tariff_micro=tariff)


def test_a_flat_plan_costs_its_base_in_every_hour():
    assert {price(Plan(base_micro=2_200_000), hour=hour) for hour in range(24)} == {2_200_000}


@pytest.mark.parametrize(
    ("hour", "micro"), [(22, 2_200_000), (23, 1_800_000), (0, 1_800_000), (6, 1_800_000), (7, 2_200_000)]
)
def test_a_band_may_run_over_midnight_and_ends_before_its_last_hour(hour, micro):
    plan = Plan(base_micro=2_200_000, bands=(NIGHT, PEAK))

    assert price(plan, hour=hour) == micro


def test_a_band_from_an_hour_to_itself_is_the_whole_day():
    assert Band(from_hour=5, to_hour=5, price_micro=1).hours() == [*range(5, 24), *range(5)]


@pytest.mark.parametrize(
    ("hours", "count", "micro"),
    [
        (167, 7, 2_000_000),
        (168, 7, 1_900_000),
        (720, 7, 1_800_000),
        (168, 8, 1_843_000),
    ],
)
def test_discounts_for_the_term_and_for_many_cards_multiply(hours, count, micro):
    terms = (Step(at_least=168, discount_bp=500), Step(at_least=720, discount_bp=1_000))
    plan = Plan(base_micro=2_000_000, terms=terms, volumes=(Step(at_least=8, discount_bp=300),))

    assert price(plan, hours=hours, count=count) == micro


@pytest.mark.parametrize(
    ("tariff", "micro"),
    [
        (None, 16_000_000),
        (600_000, 16_000_000),
        (1_000_000, 16_168_000),  # 0.5 × 0.7 kW × 1.2 × 0.4 yuan = 0.168 yuan
        (2_000_000, 16_300_000),  # the collar's end
        (0, 15_800_000),
    ],
)
def test_electricity_moves_the_price_within_its_collar(tariff, micro):
    assert price(Plan(base_micro=16 * YUAN, electricity=CARD), tariff=tariff) == micro


def test_electricity_and_discounts_are_rounded_together_once():
    """Half of 100.5 is 50.25, and 99.5 is 100: in two steps they were 51 and 99."""
    linked = Electricity("t", 5_000, 1_000, 10_000, 600_000, 1, 1_000)

    assert price(Plan(base_micro=100, electricity=linked, terms=(Step(1, 5_000),)), tariff=600_001) == 50
    assert price(Plan(base_micro=100, electricity=linked), tariff=599_999) == 100


def test_no_discount_makes_an_hour_free():
    assert price(Plan(base_micro=1, terms=(Step(at_least=1, discount_bp=9_000),))) == 1


@pytest.mark.parametrize(
    ("plan", "found"),
    [
        (Plan(base_micro=0), {"base_micro": "not-a-price"}),
        (Plan(base_micro=1, bands=(Band(24, 3, 1),)), {"bands": "not-an-hour"}),
        (Plan(base_micro=1, bands=(Band(2, 3, 0),)), {"bands": "not-a-price"}),
        (Plan(base_micro=1, bands=(NIGHT, Band(6, 8, 1))), {"bands": "bands-overlap"}),
        (Plan(base_micro=1, terms=(Step(5, 100), Step(5, 200))), {"terms": "steps-do-not-rise"}),
        (Plan(base_micro=1, volumes=(Step(5, 200), Step(6, 200))), {"volumes": "steps-do-not-rise"}),
        (Plan(base_micro=1, terms=(Step(0, 100),)), {"terms": "not-a-discount"}),
        (Plan(base_micro=1, terms=(Step(1, 9_001),)), {"terms": "not-a-discount"}),
        (Plan(1, electricity=Electricity("t", 1, 1, 10_000, 0, 2, 1)), {"electricity": "collar-reversed"}),
        (Plan(1, electricity=Electricity("t", 0, 1, 10_000, 0, 1, 2)), {"electricity": "out-of-range"}),
        (Plan(1, electricity=Electricity("t", 1, 1, 9_999, 0, 1, 2)), {"electricity": "out-of-range"}),
        (Plan(1, electricity=Electricity("t", 1, 1, 10_000, 0, 0, 2)), {"electricity": "not-a-price"}),
        (Plan(base_micro=2, bands=(NIGHT, PEAK), electricity=CARD), {}),
    ],
)
def test_a_plan_that_makes_no_sense_is_told_by_field(plan, found):
    assert pricing.problems(plan) == found


prices = st.integers(min_value=1, max_value=50 * YUAN)
steps = st.lists(
    st.tuples(st.integers(1, 1_000), st.integers(1, 9_000)),
    max_size=4,
    unique_by=(lambda one: one[0], lambda one: one[1]),
).map(
    lambda found: tuple(Step(*both) for both in zip(*(sorted(side) for side in zip(*found, strict=True)), strict=True))
)
cuts = st.lists(st.integers(0, 24), min_size=2, max_size=6, unique=True).map(sorted)


@st.composite
def plans(draw):
    """Draw a sound plan of any kind."""
    edges = draw(cuts)
    pairs = zip(edges[::2], edges[1::2], strict=False)
    bands = tuple(Band(first, last, draw(prices)) for first, last in pairs if first < 24)
    low, high = sorted((draw(prices), draw(prices)))
    electricity = Electricity(
        tariff="t",
        share_bp=draw(st.integers(1, 10_000)),
        watts=draw(st.integers(1, 10_000)),
        pue_bp=draw(st.integers(10_000, 30_000)),
        reference_micro=draw(st.integers(0, YUAN)),
        lowest_micro=low,
        highest_micro=high,
    )
    return Plan(
        base_micro=draw(prices),
        bands=bands,
        electricity=draw(st.sampled_from([None, electricity])),
        terms=draw(steps),
        volumes=draw(steps),
    )


@given(plans(), st.integers(0, 23), st.integers(1, 1_000), st.integers(1, 1_000), st.integers(0, 3 * YUAN))
def test_every_hour_lies_between_the_cheapest_and_the_dearest_of_its_plan(plan, hour, hours, count, tariff):
    assert pricing.problems(plan) == {}

    micro = price(plan, hour=hour, hours=hours, count=count, tariff=tariff)

    assert pricing.cheapest_micro(plan) <= micro <= pricing.dearest_micro(plan)


@given(plans(), st.integers(0, 23), st.integers(1, 999), st.integers(1, 999))
def test_more_hours_or_cards_never_cost_more_by_the_hour(plan, hour, hours, count):
    one = price(plan, hour=hour, hours=hours, count=count)

    assert price(plan, hour=hour, hours=hours + 1, count=count) <= one
    assert price(plan, hour=hour, hours=hours, count=count + 1) <= one


@given(st.lists(prices, min_size=1, max_size=50), st.integers(1, 500))
def test_the_total_rounds_once_and_the_average_stands_for_the_hours(hourly, count):
    total = pricing.total_fen(hourly, count=count)

    assert abs(total * 10_000 - sum(hourly) * count) <= 5_000
    assert abs(pricing.average_micro(hourly) * len(hourly) - sum(hourly)) * 2 <= len(hourly)
