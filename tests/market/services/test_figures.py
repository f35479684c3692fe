"""Figures of card models with their sources, and the measures that follow from them."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError

from accounts.models import AuditEntry
from accounts.services.audit import SYSTEM
from market import measure, reference
from market.models import (
    SCENARIO_OF,
    Accelerator,
    Category,
    Density,
    Figure,
    FigureKind,
    MeasureStatus,
    Metric,
    Scenario,
    StandardMeasure,
)
from market.services import catalogue, figures
from tests.market import scenes
from tests.market.scenes import AT

ON = AT.date()
EXPIRY = ON + timedelta(days=90)


@pytest.fixture
def published(db):
    catalogue.load_reference()
    figures.refresh_measures(on=ON)


def measure_of(code, scenario=Scenario.TRAIN_FP16):
    return StandardMeasure.objects.get(accelerator__code=code, scenario=scenario)


def measured(code, metric=Metric.FP16, **changes):
    terms = {"density": Density.DENSE, "value": 280_000, "source": "GEMM, 5 runs", "measured_on": ON} | changes
    card = Accelerator.objects.get(code=code)
    return figures.record_measured(
        accelerator=card, metric=metric, actor=SYSTEM, at=AT, **({"expires_on": EXPIRY} | terms)
    )


def test_the_models_name_what_the_rules_know():
    assert Metric.values == [metric.value for metric in measure.Metric]
    assert FigureKind.values == [kind.value for kind in measure.Kind]
    assert ["", *Density.values] == [density.value for density in measure.Density]
    assert Scenario.values == [scenario.value for scenario in measure.Scenario]
    assert MeasureStatus.values == [status.value for status in measure.Status]
    assert set(SCENARIO_OF) == set(Category)


def test_the_published_figures_are_loaded_with_their_sources(published):
    assert Figure.objects.count() == len(reference.figures())
    bandwidth = Figure.objects.get(accelerator__code="nvidia-a100-80gb-pcie", metric=Metric.MEMORY_BANDWIDTH)
    assert (bandwidth.value, bandwidth.unit, bandwidth.kind) == (1_935_000, "MB/s", FigureKind.PUBLISHED)
    assert bandwidth.source.startswith("NVIDIA A100 datasheet")


def test_a_figure_printed_with_sparsity_is_kept_apart_and_its_dense_half_counts(published):
    rates = Figure.objects.filter(accelerator__code="nvidia-h100-sxm", metric=Metric.FP16)

    assert dict(rates.values_list("density", "value")) == {Density.SPARSE: 1_979_000, Density.DENSE: 989_500}


def test_loading_again_changes_nothing_but_brings_a_figure_up_to_date(published):
    before = set(Figure.objects.values_list("pk", "value"))
    Figure.objects.filter(metric=Metric.MEMORY_BANDWIDTH).update(value=1)

    catalogue.load_reference()

    assert set(Figure.objects.values_list("pk", "value")) == before


def test_the_reference_card_is_worth_one_in_every_scenario(published):
    rows = StandardMeasure.objects.filter(accelerator__code=measure.STANDARD.reference_card)

    assert set(rows.values_list("ppm", "status", "version")) == {(1_000_000, MeasureStatus.PROVISIONAL, "2026-1")}


def test_a_card_without_bandwidth_is_not_comparable_and_one_without_the_precision_is_infeasible(published):
    ascend, tpu = measure_of("huawei-ascend-910b"), measure_of("google-tpu-v5p", Scenario.HPC_FP64)

    assert (ascend.status, ascend.ppm) == (MeasureStatus.NOT_COMPARABLE, None)
    assert ascend.missing == ["memory-bandwidth", "memory-capacity", "interconnect"]
    assert (tpu.status, tpu.ppm, tpu.missing) == (MeasureStatus.INFEASIBLE, None, ["compute"])


def test_refreshing_again_changes_nothing(published):
    assert figures.refresh_measures(on=ON) == 0


def test_a_measured_figure_counts_until_it_expires(published):
    before = measure_of("nvidia-h100-sxm").ppm
    figure = measured("nvidia-h100-sxm", value=494_750)

    figures.refresh_measures(on=EXPIRY - timedelta(days=1))
    meanwhile = measure_of("nvidia-h100-sxm").ppm
    figures.refresh_measures(on=EXPIRY)

    assert meanwhile < before == measure_of("nvidia-h100-sxm").ppm
    assert AuditEntry.objects.get(verb="figure.measured").object_id == str(figure.pk)


def test_a_card_with_measured_figures_only_is_not_provisional(published):
    for metric, value in [
        (Metric.FP16, 280_000),
        (Metric.MEMORY_BANDWIDTH, 1_700_000),
        (Metric.MEMORY_CAPACITY, 80_000),
        (Metric.INTERCONNECT, 480_000),
    ]:
        measured("nvidia-a100-80gb-pcie", metric, value=value, density="dense" if metric == Metric.FP16 else "")

    figures.refresh_measures(on=ON)

    assert measure_of("nvidia-a100-80gb-pcie").status == MeasureStatus.MEASURED


@pytest.mark.parametrize(
    "changes",
    [{"value": 0}, {"density": ""}, {"metric": Metric.INTERCONNECT}, {"expires_on": ON}],
)
def test_a_measured_figure_that_makes_no_sense_is_refused(published, changes):
    with pytest.raises(figures.BadFigure):
        measured("nvidia-h100-sxm", **changes)

    assert not Figure.objects.filter(kind=FigureKind.MEASURED).exists()


def test_a_source_measures_once_a_day(published):
    measured("nvidia-h100-sxm")

    with pytest.raises(figures.FigureExists):
        measured("nvidia-h100-sxm", value=1)

    assert Figure.objects.get(kind=FigureKind.MEASURED).value == 280_000


@pytest.mark.parametrize(
    "changes",
    [
        {"value": 0},
        {"metric": "fp4"},
        {"density": ""},
        {"metric": "interconnect"},
        {"kind": "measured"},
        {"expires_on": date(2026, 1, 1)},
    ],
)
@pytest.mark.django_db
def test_the_database_refuses_a_figure_that_makes_no_sense(changes):
    fields = {"metric": "fp16", "kind": "published", "density": "dense", "value": 1, "dated_on": date(2026, 1, 1)}

    with pytest.raises(IntegrityError):
        Figure.objects.create(accelerator=scenes.accelerator(), source="test", **(fields | changes))


@pytest.mark.parametrize("changes", [{"ppm": None}, {"ppm": 0}, {"status": "infeasible"}, {"scenario": "mining"}])
@pytest.mark.django_db
def test_a_measure_has_a_number_or_a_reason(changes):
    fields = {"scenario": "train-fp16", "status": "measured", "ppm": 1, "version": "1", "computed_on": ON}

    with pytest.raises(IntegrityError):
        StandardMeasure.objects.create(accelerator=scenes.accelerator(), **(fields | changes))
