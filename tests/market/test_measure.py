"""The unified measure: exact, monotone, and ranked alike whatever the reference card."""

from datetime import date, timedelta
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market import measure
from market.measure import STANDARD, Component, Density, Figure, Kind, Measure, Metric, Recipe, Scenario, Status

ON = date(2026, 10, 1)
METRICS = {
    Component.COMPUTE: Metric.FP16,
    Component.MEMORY_BANDWIDTH: Metric.MEMORY_BANDWIDTH,
    Component.MEMORY_CAPACITY: Metric.MEMORY_CAPACITY,
    Component.INTERCONNECT: Metric.INTERCONNECT,
}
TRAIN = STANDARD.recipes[Scenario.TRAIN_FP16]

values = st.integers(min_value=1, max_value=10**9)
cards = st.fixed_dictionaries(dict.fromkeys(Component, values))


@st.composite
def weightings(draw):
    """Draw weights in per cent that add up to the whole, some of them perhaps nothing."""
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=3, max_size=3)))
    parts = [end - start for start, end in zip([0, *cuts], [*cuts, 100], strict=True)]
    return dict(zip(Component, parts, strict=True))


def figure(metric, value, *, kind=Kind.PUBLISHED, density=None, dated_on=date(2026, 1, 1), expires_on=None):
    rated = Density.DENSE if metric in measure.RATES else Density.NONE
    return Figure(metric, kind, rated if density is None else density, value, dated_on, expires_on)


def card(compute=312_000, bandwidth=1_935_000, capacity=81_920, interconnect=600_000):
    """Return the published figures of a training card; the defaults are the reference card's."""
    given_values = (compute, bandwidth, capacity, interconnect)
    return [figure(METRICS[name], value) for name, value in zip(Component, given_values, strict=True) if value]


def figures_of(values_of):
    return [figure(METRICS[component], value) for component, value in values_of.items()]


def ppm(figures, recipe=TRAIN):
    return measure.measure(figures, recipe=recipe, on=ON).ppm


def order(left, right):
    return (left > right) - (left < right)


def test_the_reference_card_is_worth_exactly_one():
    assert measure.measure(card(), recipe=TRAIN, on=ON) == Measure(
        Status.PROVISIONAL, measure.WHOLE_PPM, used=tuple(card())
    )


def test_the_weights_are_the_published_ones():
    assert STANDARD.version == "2026-1"
    assert {scenario: tuple(recipe.weights.values()) for scenario, recipe in STANDARD.recipes.items()} == {
        Scenario.HPC_FP64: (60, 30, 0, 10),
        Scenario.TRAIN_FP16: (55, 20, 10, 15),
        Scenario.FINETUNE_FP32: (60, 25, 10, 5),
        Scenario.INFER_INT8: (35, 45, 20, 0),
    }


@pytest.mark.parametrize("recipe", STANDARD.recipes.values(), ids=list(STANDARD.recipes))
def test_the_weights_of_every_scenario_add_up_to_one(recipe):
    assert sum(recipe.weights.values()) == 100
    assert min(recipe.weights.values()) >= 0


@pytest.mark.parametrize(
    ("weights", "reference"),
    [
        ({Component.COMPUTE: 99}, {Component.COMPUTE: 1}),
        ({Component.COMPUTE: 101}, {Component.COMPUTE: 1}),
        ({Component.COMPUTE: 110, Component.INTERCONNECT: -10}, {Component.COMPUTE: 1}),
        ({Component.COMPUTE: 50, Component.INTERCONNECT: 50}, {Component.COMPUTE: 1}),
        ({Component.COMPUTE: 100}, {Component.COMPUTE: 0}),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(weights, reference):
    with pytest.raises(ValueError, match=r"weights|reference"):
        Recipe((Metric.FP16,), weights, reference)


def test_a_card_twice_as_fast_in_everything_is_worth_two():
    assert ppm(card(624_000, 3_870_000, 163_840, 1_200_000)) == 2_000_000


def test_one_component_alone_counts_with_its_weight():
    # 4 ^ 0.55 = 2.143546925…
    assert ppm(card(compute=4 * 312_000)) == 2_143_547


def test_a_card_without_the_precision_is_infeasible_however_good_the_rest_is():
    figures = [*card(compute=0, bandwidth=10**9), figure(Metric.INT8, 10**9)]

    assert measure.measure(figures, recipe=TRAIN, on=ON) == Measure(Status.INFEASIBLE, missing=(Component.COMPUTE,))


def test_a_card_that_lacks_another_figure_is_not_comparable_and_says_which():
    measured = measure.measure(card(bandwidth=0, interconnect=0), recipe=TRAIN, on=ON)

    assert measured == Measure(Status.NOT_COMPARABLE, missing=(Component.MEMORY_BANDWIDTH, Component.INTERCONNECT))


def test_a_figure_without_weight_may_be_missing():
    figures = [figure(Metric.INT8, 624_000), *card(compute=0, interconnect=0)]

    assert ppm(figures, STANDARD.recipes[Scenario.INFER_INT8]) == measure.WHOLE_PPM


def test_figures_with_sparsity_never_count():
    sparse = figure(Metric.FP16, 624_000, density=Density.SPARSE)

    assert ppm([*card(), sparse]) == measure.WHOLE_PPM
    assert measure.measure([*card(compute=0), sparse], recipe=TRAIN, on=ON).status is Status.INFEASIBLE


def test_the_better_of_a_scenarios_precisions_counts():
    assert ppm([*card(), figure(Metric.BF16, 2 * 312_000)]) == ppm(card(compute=2 * 312_000))


def test_a_measured_figure_beats_a_published_one_even_if_it_is_lower():
    figures = [*card(), figure(Metric.FP16, 156_000, kind=Kind.MEASURED, expires_on=date(2027, 1, 1))]

    assert ppm(figures) == ppm(card(compute=156_000))
    assert measure.measure(figures, recipe=TRAIN, on=ON).status is Status.PROVISIONAL


def test_a_card_with_measured_figures_only_is_not_provisional():
    figures = [Figure(one.metric, Kind.MEASURED, one.density, one.value, one.dated_on) for one in card()]

    assert measure.measure(figures, recipe=TRAIN, on=ON).status is Status.MEASURED


def test_a_figure_counts_from_its_day_until_its_expiry():
    expires_on = ON + timedelta(days=90)
    figures = [*card(), figure(Metric.FP16, 156_000, kind=Kind.MEASURED, dated_on=ON, expires_on=expires_on)]

    counted = {
        on: measure.measure(figures, recipe=TRAIN, on=on).ppm == measure.WHOLE_PPM
        for on in (ON - timedelta(days=1), ON, expires_on - timedelta(days=1), expires_on)
    }

    assert list(counted.values()) == [True, False, False, True]


def test_a_later_figure_replaces_an_earlier_one():
    assert ppm([figure(Metric.FP16, 1, dated_on=date(2025, 1, 1)), *card()]) == measure.WHOLE_PPM


@pytest.mark.parametrize(
    ("card_hour_micro", "per_million", "expected"),
    [(2_200_000, 1_000_000, 2_200_000), (2_000_000, 2_500_000, 800_000), (1, 2_000_000, 1), (1, 2_000_001, 0)],
)
def test_a_price_per_standard_card_hour_is_rounded_half_up(card_hour_micro, per_million, expected):
    assert measure.price_micro(card_hour_micro=card_hour_micro, ppm=per_million) == expected


@given(first=cards, second=cards, one=cards, other=cards, weights=weightings())
def test_the_ranking_does_not_depend_on_the_reference_card(first, second, one, other, weights):
    orders = set()
    for reference in (one, other):
        recipe = Recipe((Metric.FP16,), weights, reference)
        orders.add(order(ppm(figures_of(first), recipe), ppm(figures_of(second), recipe)))

    assert orders != {-1, 1}


@given(values_of=cards, component=st.sampled_from(Component), more=values, weights=weightings(), reference=cards)
def test_a_better_figure_never_lowers_the_measure(values_of, component, more, weights, reference):
    recipe = Recipe((Metric.FP16,), weights, reference)
    better = values_of | {component: values_of[component] + more}

    assert ppm(figures_of(better), recipe) >= ppm(figures_of(values_of), recipe)


@given(values_of=cards, reference=cards, weights=weightings())
def test_the_measure_is_the_exact_root_rounded_half_up(values_of, reference, weights):
    recipe = Recipe((Metric.FP16,), weights, reference)

    found = ppm(figures_of(values_of), recipe)

    exact = Fraction(1)
    for component, weight in weights.items():
        exact *= Fraction(values_of[component], reference[component]) ** weight
    assert exact < Fraction(2 * found + 1, 2 * measure.WHOLE_PPM) ** 100
    assert found == 1 or exact >= Fraction(2 * found - 1, 2 * measure.WHOLE_PPM) ** 100


@given(values_of=cards, lacking=st.sets(st.sampled_from(Component), min_size=1), weights=weightings())
def test_a_card_that_lacks_a_weighted_figure_has_no_number_to_be_ranked_by(values_of, lacking, weights):
    recipe = Recipe((Metric.FP16,), weights, values_of)
    known = {component: value for component, value in values_of.items() if component not in lacking}

    measured = measure.measure(figures_of(known), recipe=recipe, on=ON)

    assert (measured.ppm is None) == bool(lacking & set(recipe.weighted))
    assert (measured.status is Status.INFEASIBLE) == (Component.COMPUTE in lacking & set(recipe.weighted))


@given(price=st.integers(1, 10**12), dearer=st.integers(0, 10**12), per_million=st.integers(1, 10**9))
def test_a_dearer_card_hour_never_makes_a_cheaper_standard_one(price, dearer, per_million):
    cheap = measure.price_micro(card_hour_micro=price, ppm=per_million)

    assert measure.price_micro(card_hour_micro=price + dearer, ppm=per_million) >= cheap
