"""What a provider has measured on its cards, until an operator lets it count."""

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.models import Entity, EntityQuerySet, Stateful
from market.models.catalogue import Accelerator
from market.models.figure import Density, Figure, Metric

LEAST_RUNS = 5


class MeasurementStatus(models.TextChoices):
    """A measurement is handed in, and counts or not."""

    SUBMITTED = "submitted", _("Waiting to be checked")
    ACCEPTED = "accepted", _("Counts")
    REJECTED = "rejected", _("Turned down")


class Measurement(Entity, Stateful):
    """The median of runs of a benchmark on a card model, as its provider reports it; another person lets it count."""

    MOVES = {
        MeasurementStatus.SUBMITTED: {MeasurementStatus.ACCEPTED, MeasurementStatus.REJECTED},
        MeasurementStatus.ACCEPTED: set(),
        MeasurementStatus.REJECTED: set(),
    }

    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="measurements")
    accelerator = models.ForeignKey(Accelerator, on_delete=models.PROTECT, related_name="+")
    metric = models.CharField(_("metric"), max_length=20, choices=Metric)
    density = models.CharField(_("density"), max_length=6, choices=Density, blank=True)
    value = models.BigIntegerField(_("median"))
    runs = models.PositiveIntegerField(_("runs"))
    source = models.CharField(_("source"), max_length=200)
    measured_on = models.DateField(_("measured"))
    expires_on = models.DateField(_("expires"))
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(_("submitted at"))
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    figure = models.OneToOneField(Figure, on_delete=models.PROTECT, null=True, related_name="measurement")

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("measurement of a provider")
        verbose_name_plural = _("measurements of providers")
        constraints = [
            UniqueConstraint(
                fields=["provider", "accelerator", "metric", "density", "measured_on"],
                condition=~Q(status="rejected"),
                name="measurement_once_a_day",
            ),
            models.CheckConstraint(condition=Q(value__gt=0), name="measurement_value_positive"),
            models.CheckConstraint(condition=Q(runs__gte=LEAST_RUNS), name="measurement_of_enough_runs"),
            models.CheckConstraint(condition=Q(expires_on__gt=F("measured_on")), name="measurement_expires_later"),
            models.CheckConstraint(condition=Q(status__in=MeasurementStatus.values), name="measurement_status_known"),
            models.CheckConstraint(condition=~Q(decided_by=F("submitted_by")), name="measurement_decided_by_another"),
            models.CheckConstraint(
                condition=Q(status=MeasurementStatus.ACCEPTED, figure__isnull=False, decided_by__isnull=False)
                | ~Q(status=MeasurementStatus.ACCEPTED) & Q(figure=None),
                name="measurement_accepted_is_a_figure",
            ),
        ]

    @property
    def unit(self) -> str:
        """Return the unit of the value."""
        return Figure(metric=self.metric).unit
