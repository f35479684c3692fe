"""A buyer's standing instruction to extend a reservation before it ends, within a budget."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import ExpressionWrapper, F, Q, UniqueConstraint, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from billing.models.supplement import Supplement
from core.fields import FenField, MicroField
from core.models import Entity, Row, Stateful
from core.periods import HOUR
from market.models import Reservation
from market.models.hours import duration
from market.models.moves import StatefulQuerySet
from market.models.reservation import OVER
from vouchers.models import Grant

MOST_STEP_HOURS = 24 * 31
MOST_LEAD_HOURS = 24 * 14


class AutoExtensionStatus(models.TextChoices):
    """It extends until something ends it, or its buyer does."""

    ACTIVE = "active", _("Extends")
    ENDED = "ended", _("Ended")
    CANCELLED = "cancelled", _("Cancelled")


class AutoExtensionEnd(models.TextChoices):
    """Why an instruction extends no more."""

    UNTIL = "until", _("The time until which it extends has been reached")
    BUDGET = "budget", _("The next step would exceed the budget")
    OVER = "over", _("The reservation is over")
    REVOKED = "revoked", _("The buyer ended it")


class AutoExtensionQuerySet(StatefulQuerySet["AutoExtension"]):
    """Instructions by state, and those whose next step, or end, is due."""

    def active(self) -> Self:
        return self.filter(status=AutoExtensionStatus.ACTIVE)

    def of_buyer(self, buyer: Organization) -> Self:
        return self.filter(buyer=buyer)

    def due(self, at: datetime) -> Self:
        lead = duration(F("lead_hours") * Value(HOUR))
        next_at = ExpressionWrapper(F("reservation__ends_at") - lead, output_field=models.DateTimeField())
        return self.active().annotate(next_at=next_at).filter(Q(next_at__lte=at) | Q(reservation__status__in=OVER))


class AutoExtension(Entity, Stateful):
    """Extend by ``step_hours`` when ``lead_hours`` are left, at most until, at most at a price, at most for a budget.

    ``spent_fen`` is what its steps set aside in all; only the trigger on steps writes it. What hours do not use comes
    back to the buyer, but not to the budget. In the name of ``instructed_by`` a second person is asked for a step above
    the buyer's limit. ``problem`` is what kept the last try from extending.
    """

    MOVES = {
        AutoExtensionStatus.ACTIVE: {AutoExtensionStatus.ENDED, AutoExtensionStatus.CANCELLED},
        AutoExtensionStatus.ENDED: set(),
        AutoExtensionStatus.CANCELLED: set(),
    }

    reservation = models.ForeignKey(Reservation, on_delete=models.PROTECT, related_name="auto_extensions")
    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    budget_fen = FenField(_("budget (fen)"))
    spent_fen = FenField(_("set aside (fen)"), default=0, editable=False)
    limit_micro = MicroField(_("limit per card-hour (micro-yuan)"))
    until = models.DateTimeField(_("at most until"))
    step_hours = models.PositiveIntegerField(_("hours of a step"))
    lead_hours = models.PositiveIntegerField(_("hours before the end"))
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, related_name="+")
    instructed_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField(_("from"))
    problem = models.CharField(_("problem"), max_length=40, blank=True)
    problem_detail = models.CharField(_("what kept it from extending"), max_length=500, blank=True)
    problem_at = models.DateTimeField(_("tried at"), null=True)
    ended_at = models.DateTimeField(_("ended at"), null=True)
    end_code = models.CharField(_("reason"), max_length=16, choices=AutoExtensionEnd, blank=True)

    objects = AutoExtensionQuerySet.as_manager()

    class Meta:
        verbose_name = _("automatic extension")
        verbose_name_plural = _("automatic extensions")
        constraints = [
            UniqueConstraint(
                fields=["reservation"],
                condition=Q(status=AutoExtensionStatus.ACTIVE),
                name="auto_extension_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(spent_fen__gte=0, spent_fen__lte=F("budget_fen")), name="auto_extension_within_budget"
            ),
            models.CheckConstraint(condition=Q(limit_micro__gt=0), name="auto_extension_limit_positive"),
            models.CheckConstraint(
                condition=Q(step_hours__gte=1, step_hours__lte=MOST_STEP_HOURS)
                & Q(lead_hours__gte=1, lead_hours__lte=MOST_LEAD_HOURS),
                name="auto_extension_hours_in_range",
            ),
            models.CheckConstraint(
                condition=Q(status__in=AutoExtensionStatus.values), name="auto_extension_status_known"
            ),
            models.CheckConstraint(
                condition=Q(status=AutoExtensionStatus.ACTIVE, ended_at=None, end_code="")
                | ~Q(status=AutoExtensionStatus.ACTIVE)
                & Q(ended_at__isnull=False, end_code__in=AutoExtensionEnd.values),
                name="auto_extension_ended_has_reason",
            ),
        ]


class AutoExtensionStep(Row):
    """One extension that an instruction made. Never changed, never deleted."""

    supplement = models.OneToOneField(
        Supplement, on_delete=models.PROTECT, primary_key=True, related_name="auto_extension_step"
    )
    instruction = models.ForeignKey(AutoExtension, on_delete=models.PROTECT, related_name="steps")
    number = models.PositiveIntegerField(_("number"))
    estimate_fen = FenField(_("set aside (fen)"))
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("step of an automatic extension")
        verbose_name_plural = _("steps of automatic extensions")
        constraints = [
            UniqueConstraint(fields=["instruction", "number"], name="auto_extension_step_in_turn"),
            models.CheckConstraint(condition=Q(estimate_fen__gte=0), name="auto_extension_step_not_negative"),
        ]
