"""What is known of a card model, figure by figure, and what follows from it: its unified measure per scenario."""

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from core.models import Row
from market import measure
from market.models.catalogue import Accelerator
from market.models.offering import Category


class Metric(models.TextChoices):
    """What a figure is about."""

    FP64 = measure.Metric.FP64.value, "FP64"
    FP32 = measure.Metric.FP32.value, "FP32"
    TF32 = measure.Metric.TF32.value, "TF32"
    FP16 = measure.Metric.FP16.value, "FP16"
    BF16 = measure.Metric.BF16.value, "BF16"
    INT8 = measure.Metric.INT8.value, "INT8"
    FP8 = measure.Metric.FP8.value, "FP8"
    MEMORY_BANDWIDTH = measure.Metric.MEMORY_BANDWIDTH.value, _("Memory bandwidth")
    MEMORY_CAPACITY = measure.Metric.MEMORY_CAPACITY.value, _("Memory capacity")
    INTERCONNECT = measure.Metric.INTERCONNECT.value, _("Interconnect, both directions")


class FigureKind(models.TextChoices):
    """Who says so."""

    PUBLISHED = measure.Kind.PUBLISHED.value, _("As published")
    MEASURED = measure.Kind.MEASURED.value, _("Measured")


class Density(models.TextChoices):
    """Whether a rate counts structured sparsity; figures other than rates leave it empty."""

    DENSE = measure.Density.DENSE.value, _("dense")
    SPARSE = measure.Density.SPARSE.value, _("with sparsity")


class Scenario(models.TextChoices):
    """What a measure is for."""

    HPC_FP64 = measure.Scenario.HPC_FP64.value, _("High-performance computing (FP64)")
    TRAIN_FP16 = measure.Scenario.TRAIN_FP16.value, _("Training (FP16/BF16)")
    FINETUNE_FP32 = measure.Scenario.FINETUNE_FP32.value, _("Fine-tuning (FP32/TF32)")
    INFER_INT8 = measure.Scenario.INFER_INT8.value, _("Inference (INT8/FP8)")


class MeasureStatus(models.TextChoices):
    """How far a measure can be trusted, or why there is none."""

    MEASURED = measure.Status.MEASURED.value, _("Measured")
    PROVISIONAL = measure.Status.PROVISIONAL.value, _("Provisional")
    NOT_COMPARABLE = measure.Status.NOT_COMPARABLE.value, _("Not comparable")
    INFEASIBLE = measure.Status.INFEASIBLE.value, _("Not at this precision")


SCENARIO_OF = {
    Category.HPC: Scenario.HPC_FP64,
    Category.GPU_TRAIN: Scenario.TRAIN_FP16,
    Category.GPU_INFER: Scenario.INFER_INT8,
}
"""The scenario in which the cards of an offering are compared."""

RATES = [rate.value for rate in measure.RATES]
WITH_NUMBER = [MeasureStatus.MEASURED, MeasureStatus.PROVISIONAL]


class Figure(Row):
    """One figure of a card model, with its source and date; measured ones expire."""

    id = models.BigAutoField(primary_key=True)
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="figures", db_index=False)
    metric = models.CharField(_("metric"), max_length=20, choices=Metric)
    kind = models.CharField(_("kind"), max_length=10, choices=FigureKind)
    density = models.CharField(_("density"), max_length=6, choices=Density, blank=True)
    value = models.BigIntegerField(_("value"))
    source = models.CharField(_("source"), max_length=200)
    dated_on = models.DateField(_("dated"))
    expires_on = models.DateField(_("expires"), null=True, blank=True)

    class Meta:
        verbose_name = _("figure")
        verbose_name_plural = _("figures")
        constraints = [
            UniqueConstraint(
                fields=["accelerator", "metric", "kind", "density", "source", "dated_on"], name="figure_once"
            ),
            models.CheckConstraint(condition=Q(value__gt=0), name="figure_value_positive"),
            models.CheckConstraint(condition=Q(metric__in=Metric.values), name="figure_metric_known"),
            models.CheckConstraint(
                condition=Q(metric__in=RATES, density__in=Density.values) | (~Q(metric__in=RATES) & Q(density="")),
                name="figure_rates_have_a_density",
            ),
            models.CheckConstraint(
                condition=Q(kind=FigureKind.PUBLISHED) | Q(kind=FigureKind.MEASURED, expires_on__isnull=False),
                name="figure_measured_expires",
            ),
            models.CheckConstraint(
                condition=Q(expires_on=None) | Q(expires_on__gt=F("dated_on")), name="figure_expires_after_its_day"
            ),
        ]

    @property
    def unit(self) -> str:
        """Return the unit of the value."""
        return measure.UNITS[measure.Metric(self.metric)]

    @property
    def fact(self) -> measure.Figure:
        """Return the figure as the rules see it."""
        return measure.Figure(
            metric=measure.Metric(self.metric),
            kind=measure.Kind(self.kind),
            density=measure.Density(self.density),
            value=self.value,
            dated_on=self.dated_on,
            expires_on=self.expires_on,
        )


class StandardMeasure(Row):
    """What a card model is worth in a scenario, computed from its figures; kept so that prices can be sorted.

    A model without a row is not comparable: nobody has measured it yet.
    """

    id = models.BigAutoField(primary_key=True)
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="measures", db_index=False)
    scenario = models.CharField(_("scenario"), max_length=16, choices=Scenario)
    status = models.CharField(_("how sure"), max_length=16, choices=MeasureStatus)
    ppm = models.BigIntegerField(_("millionths of the reference card"), null=True)
    missing = models.JSONField(_("missing"), default=list)
    version = models.CharField(_("version"), max_length=16)
    computed_on = models.DateField(_("computed"))

    class Meta:
        verbose_name = _("unified measure")
        verbose_name_plural = _("unified measures")
        constraints = [
            UniqueConstraint(fields=["accelerator", "scenario"], name="measure_once_per_scenario"),
            models.CheckConstraint(condition=Q(scenario__in=Scenario.values), name="measure_scenario_known"),
            models.CheckConstraint(
                condition=Q(status__in=WITH_NUMBER, ppm__isnull=False, ppm__gt=0)
                | Q(status__in=[MeasureStatus.NOT_COMPARABLE, MeasureStatus.INFEASIBLE], ppm__isnull=True),
                name="measure_has_a_number_or_a_reason",
            ),
        ]
