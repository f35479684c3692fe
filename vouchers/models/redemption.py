"""The use of a grant: a hold, its captures, what comes back, and the yearly cap they share."""

from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Stateful
from ledger.models import Hold
from vouchers.models.grant import Grant
from vouchers.models.programme import Programme


class EntityYear(models.Model):
    """What one entity has held and used of a programme in one calendar year of Shanghai; never above the cap."""

    id = models.BigAutoField(primary_key=True)
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="+")
    entity = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    year = models.PositiveSmallIntegerField(_("year"))
    cap_fen = FenField(_("cap (fen)"), null=True)
    used_fen = FenField(_("held and used (fen)"), default=0)

    class Meta:
        verbose_name = _("entity year")
        verbose_name_plural = _("entity years")
        constraints = [
            UniqueConstraint(fields=["programme", "entity", "year"], name="entity_year_once"),
            models.CheckConstraint(condition=Q(used_fen__gte=0), name="entity_year_not_negative"),
            models.CheckConstraint(
                condition=Q(cap_fen=None) | Q(used_fen__lte=F("cap_fen")), name="entity_year_within_cap"
            ),
        ]


class RedemptionStatus(models.TextChoices):
    """Value is held, captured in parts, and what was not captured is released."""

    HELD = "held", _("Held")
    RELEASED = "released", _("Released")
    CAPTURED = "captured", _("Captured")


class RedemptionQuerySet(EntityQuerySet["Redemption"]):
    """Redemptions by state."""

    def held(self) -> Self:
        return self.filter(status=RedemptionStatus.HELD)


class Redemption(Entity, Stateful):
    """Value of a grant set aside for one piece of spending, with the explanation of how much and why.

    ``reference`` names that spending for the caller; vouchers do not look inside it.
    """

    MOVES = {
        RedemptionStatus.HELD: {RedemptionStatus.RELEASED, RedemptionStatus.CAPTURED},
        RedemptionStatus.RELEASED: set(),
        RedemptionStatus.CAPTURED: set(),
    }

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="redemptions", db_constraint=False)
    hold = models.OneToOneField(Hold, on_delete=models.PROTECT, related_name="+")
    reference = models.CharField(_("reference"), max_length=80, unique=True)
    year = models.PositiveSmallIntegerField(_("year"))
    eligible_fen = FenField(_("eligible spending (fen)"))
    amount_fen = FenField(_("held (fen)"))
    explanation = models.JSONField(_("explanation"))
    held_at = models.DateTimeField(_("held at"))

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints = [
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="redemption_amount_positive"),
            models.CheckConstraint(
                condition=Q(amount_fen__lte=F("eligible_fen")), name="redemption_within_eligible_spending"
            ),
            models.CheckConstraint(condition=Q(status__in=RedemptionStatus.values), name="redemption_status_known"),
        ]


class CaptureQuerySet(models.QuerySet["Capture"]):
    """Captures by whose they are."""

    def of_programme(self, programme: Programme) -> Self:
        return self.filter(redemption__grant__programme=programme)


class Capture(models.Model):
    """A part of a redemption that paid for something really used. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    redemption = models.ForeignKey(Redemption, on_delete=models.PROTECT, related_name="captures")
    reference = models.CharField(_("reference"), max_length=80, unique=True)
    amount_fen = FenField(_("amount (fen)"))
    used_at = models.DateTimeField(_("used at"))
    captured_at = models.DateTimeField(_("captured at"))

    objects = CaptureQuerySet.as_manager()

    class Meta:
        verbose_name = _("capture")
        verbose_name_plural = _("captures")
        constraints = [models.CheckConstraint(condition=Q(amount_fen__gt=0), name="capture_amount_positive")]


class Refund(models.Model):
    """Captured value that came back: to the grant while it lives, to the programme afterwards."""

    id = models.BigAutoField(primary_key=True)
    redemption = models.ForeignKey(Redemption, on_delete=models.PROTECT, related_name="refunds")
    reference = models.CharField(_("reference"), max_length=80, unique=True)
    amount_fen = FenField(_("amount (fen)"))
    lapsed = models.BooleanField(_("to the programme"))
    refunded_at = models.DateTimeField(_("refunded at"))

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [models.CheckConstraint(condition=Q(amount_fen__gt=0), name="refund_amount_positive")]
