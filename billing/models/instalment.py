"""Blocks that are paid month by month: each period's money is set aside before the period begins."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import ExpressionWrapper, F, Q, UniqueConstraint, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from billing.models.supplement import Supplement
from core.fields import FenField
from core.models import Entity, Row, Stateful
from core.periods import HOUR
from market.models import Reservation
from market.models.hours import duration
from market.models.moves import StatefulQuerySet
from market.models.reservation import OVER
from vouchers.models import Grant


class InstalmentStatus(models.TextChoices):
    """Periods are paid one after the other until all are, or one is missed."""

    ACTIVE = "active", _("Paid month by month")
    DONE = "done", _("All set aside")
    MISSED = "missed", _("An instalment was missed")


class InstalmentQuerySet(StatefulQuerySet["InstalmentPlan"]):
    """Plans by state, and those whose next period comes near."""

    def active(self) -> Self:
        return self.filter(status=InstalmentStatus.ACTIVE)

    def due(self, at: datetime, *, lead_hours: int) -> Self:
        """Keep those whose next period is as near as the lead, or the listing's notice if longer; or that are over."""
        hours = Greatest(F("reservation__notice_hours"), Value(lead_hours))
        tried_from = ExpressionWrapper(F("next_at") - duration(hours * Value(HOUR)), models.DateTimeField())
        near = self.active().annotate(tried_from=tried_from)
        return near.filter(Q(tried_from__lte=at) | Q(reservation__status__in=OVER))


class InstalmentPlan(Entity, Stateful):
    """Of a block, ``periods`` have their money set aside; the next begins at ``next_at``.

    ``to_come_fen`` is what the others set aside at most: it falls with each, and with hours or cards given back.
    ``problem`` is what kept the last try from setting it aside.
    """

    MOVES = {
        InstalmentStatus.ACTIVE: {InstalmentStatus.DONE, InstalmentStatus.MISSED},
        InstalmentStatus.DONE: set(),
        InstalmentStatus.MISSED: set(),
    }

    reservation = models.OneToOneField(Reservation, on_delete=models.PROTECT, related_name="instalment_plan")
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, related_name="+")
    periods = models.PositiveIntegerField(_("periods set aside"), default=1)
    to_come_fen = FenField(_("still to be set aside"), default=0)
    next_at = models.DateTimeField(_("next period from"))
    problem = models.CharField(_("problem"), max_length=40, blank=True)
    problem_detail = models.CharField(_("what kept it from being set aside"), max_length=500, blank=True)
    problem_at = models.DateTimeField(_("tried at"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)

    objects = InstalmentQuerySet.as_manager()

    class Meta:
        verbose_name = _("plan of instalments")
        verbose_name_plural = _("plans of instalments")
        indexes = [
            models.Index(fields=["next_at"], condition=Q(status=InstalmentStatus.ACTIVE), name="instalment_plan_due")
        ]
        constraints = [
            models.CheckConstraint(
                condition=Q(status__in=InstalmentStatus.values), name="instalment_plan_status_known"
            ),
            models.CheckConstraint(condition=Q(to_come_fen__gte=0), name="instalment_plan_to_come_not_negative"),
            models.CheckConstraint(condition=Q(periods__gte=1), name="instalment_plan_first_is_paid"),
            models.CheckConstraint(
                condition=Q(status=InstalmentStatus.ACTIVE, ended_at=None)
                | ~Q(status=InstalmentStatus.ACTIVE) & Q(ended_at__isnull=False),
                name="instalment_plan_ended_has_time",
            ),
        ]


class Instalment(Row):
    """A period whose money was set aside after the first. Never changed, never deleted."""

    supplement = models.OneToOneField(Supplement, on_delete=models.PROTECT, primary_key=True, related_name="instalment")
    plan = models.ForeignKey(InstalmentPlan, on_delete=models.PROTECT, related_name="instalments")
    number = models.PositiveIntegerField(_("period"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        constraints = [
            UniqueConstraint(fields=["plan", "number"], name="instalment_once"),
            models.CheckConstraint(condition=Q(number__gte=2), name="instalment_after_the_first"),
        ]
