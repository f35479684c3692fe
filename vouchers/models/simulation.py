"""A draft of rules played against the past: asked for by a person, played by a worker, kept with its outcome."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.models import Entity, EntityQuerySet, Stateful
from vouchers.models.parameters import ParametersField
from vouchers.models.programme import Programme
from vouchers.models.version import ProgrammeVersion

SILENT = timedelta(minutes=10)


class SimulationStatus(models.TextChoices):
    """A simulation waits for a worker, is played, and has an outcome or the reason why there is none."""

    QUEUED = "queued", _("Waiting")
    RUNNING = "running", _("Running")
    DONE = "done", _("Done")
    FAILED = "failed", _("Failed")


class SimulationQuerySet(EntityQuerySet["Simulation"]):
    """Simulations by whose they are and what waits for a worker."""

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(programme__authority=authority)

    def unfinished(self) -> Self:
        return self.filter(status__in=[SimulationStatus.QUEUED, SimulationStatus.RUNNING])

    def to_play(self, at: datetime) -> Self:
        """Keep those that no worker plays: not begun, or begun by one that has been silent for long."""
        silent = Q(status=SimulationStatus.RUNNING, told_at__lte=at - SILENT)
        return self.filter(Q(status=SimulationStatus.QUEUED) | silent)


class Simulation(Entity, Stateful):
    """What other rules would have cost and reached in a past period, beside the rules in force when it was asked."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        SimulationStatus.QUEUED: {SimulationStatus.RUNNING},
        SimulationStatus.RUNNING: {SimulationStatus.RUNNING, SimulationStatus.DONE, SimulationStatus.FAILED},
        SimulationStatus.DONE: set(),
        SimulationStatus.FAILED: set(),
    }

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="simulations")
    version = models.ForeignKey(ProgrammeVersion, on_delete=models.PROTECT, null=True, related_name="+")
    before = ParametersField(_("rules in force"), editable=False)
    parameters = ParametersField(_("parameters"), editable=False)
    first_on = models.DateField(_("from"))
    closes_on = models.DateField(_("until, not included"))
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("asked by"))
    asked_at = models.DateTimeField(_("asked at"))
    attempts = models.PositiveSmallIntegerField(default=0)
    told_at = models.DateTimeField(null=True)
    done = models.PositiveIntegerField(default=0)
    total = models.PositiveIntegerField(default=0)
    outcome = models.JSONField(_("outcome"), null=True, editable=False)
    finished_at = models.DateTimeField(_("finished at"), null=True)

    objects = SimulationQuerySet.as_manager()

    class Meta:
        verbose_name = _("simulation")
        verbose_name_plural = _("simulations")
        indexes = [
            models.Index(fields=["asked_at"], condition=Q(status__in=["queued", "running"]), name="simulation_to_play")
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=SimulationStatus.values), name="simulation_status_known"),
            models.CheckConstraint(condition=Q(first_on__lt=F("closes_on")), name="simulation_period_not_empty"),
            models.CheckConstraint(
                condition=Q(status="done", outcome__isnull=False) | (~Q(status="done") & Q(outcome__isnull=True)),
                name="simulation_done_with_an_outcome",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["queued", "running"], finished_at=None)
                | Q(status__in=["done", "failed"], finished_at__isnull=False),
                name="simulation_finished_once",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme.code} · {self.first_on} – {self.closes_on}"

    @property
    def percent(self) -> int:
        """Return how much of it was played, in per cent."""
        return min(self.done * 100 // self.total, 100) if self.total else 0
