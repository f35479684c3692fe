"""Published figures, each with its source."""

import pytest

from market.measure import RATES, STANDARD, Component, Density, Metric, Scenario
from market.reference import accelerators, figures
from market.reference.figures import read_figures

COLUMNS = "accelerator,metric,density,value,unit,source,dated_on"


def test_every_figure_is_of_a_known_card_with_a_positive_value_and_a_source():
    codes = {fact.code for fact in accelerators()}

    assert all(figure.accelerator in codes and figure.value > 0 and figure.source for figure in figures())
    assert all((figure.metric in RATES) == (figure.density is not Density.NONE) for figure in figures())


def test_no_source_says_a_figure_twice():
    said = [(one.accelerator, one.metric, one.density, one.source, one.dated_on) for one in figures()]

    assert len(set(said)) == len(said)


@pytest.mark.parametrize("scenario", Scenario)
def test_the_standard_refers_to_what_is_published_of_its_reference_card(scenario):
    recipe = STANDARD.recipes[scenario]
    dense = [
        one for one in figures() if one.accelerator == STANDARD.reference_card and one.density is not Density.SPARSE
    ]

    for component in Component:
        values = [one.value for one in dense if one.metric in recipe.metrics(component)]
        assert max(values) == recipe.reference[component]


def test_a_figure_printed_with_sparsity_is_halved_for_its_dense_rate():
    rates = {
        (one.metric, one.density): one.value
        for one in figures()
        if one.accelerator == "nvidia-h100-sxm" and one.metric in (Metric.FP16, Metric.INT8)
    }

    assert rates == {
        (Metric.FP16, Density.SPARSE): 1_979_000,
        (Metric.FP16, Density.DENSE): 989_500,
        (Metric.INT8, Density.SPARSE): 3_958_000,
        (Metric.INT8, Density.DENSE): 1_979_000,
    }


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("card,fp4,dense,1,GFLOPS,paper,2026-01-01", "line 2: 'fp4' is not a valid Metric"),
        ("card,fp16,dense,1,TFLOPS,paper,2026-01-01", "line 2: fp16 is in GFLOPS, not in TFLOPS"),
        ("card,fp16,dense,1.5,GFLOPS,paper,2026-01-01", "line 2: invalid literal"),
        ("card,fp16,dense,1,GFLOPS,,2026-01-01", "line 2: source is empty"),
        ("card,fp16,dense,1,GFLOPS,paper,January", "line 2: Invalid isoformat"),
    ],
)
def test_a_malformed_figure_is_refused_with_its_line(tmp_path, line, complaint):
    path = tmp_path / "figures.csv"
    path.write_text(f"{COLUMNS}\n{line}\n", encoding="utf-8")

    with pytest.raises(ValueError, match=complaint):
        read_figures(path)
