"""The use of a grant: a hold, its captures, what comes back, and the yearly cap they share."""

from datetime import datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import Exists, ExpressionWrapper, F, OuterRef, Q, UniqueConstraint, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row, Stateful
from ledger.models import Hold
from vouchers.models.grant import Grant
from vouchers.models.programme import Programme
from vouchers.models.version import ProgrammeVersion


class EntityYear(Row):
    """What one entity has held and used of a programme in one calendar year of Shanghai; never above the cap.

    Only the trigger on redemptions writes it, so it is always their sum.
    """

    id = models.BigAutoField(primary_key=True)
    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="+")
    entity = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    year = models.SmallIntegerField(_("year"))
    cap_fen = FenField(_("cap (fen)"), null=True)
    used_fen = FenField(_("held and used (fen)"), default=0)

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("entity year")
        verbose_name_plural = _("entity years")
        constraints = [
            UniqueConstraint(fields=["programme", "entity", "year"], name="entity_year_once"),
            models.CheckConstraint(
                condition=Q(used_fen__gte=0) & (Q(cap_fen=None) | Q(used_fen__lte=F("cap_fen"))),
                name="entity_year_within_cap",
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

    def of_owner(self, owner: Organization) -> Self:
        return self.filter(grant__owner=owner)

    def past_grace(self, at: datetime) -> Self:
        """Return what is still held although the grant is over and late metering had its time, if it has any."""
        last_on = F("grant__expires_at") + F("grant__programme__grace_days") * Value(timedelta(days=1))
        ends_at = ExpressionWrapper(last_on, output_field=models.DateTimeField())
        pinned = {"programme": OuterRef("grant__programme"), "number": OuterRef("grant__version")}
        no_grace = Exists(ProgrammeVersion.objects.cutting_captures().filter(**pinned))
        # The balance tells the few grants of which something is held from all that are over.
        over = self.held().filter(grant__expires_at__lte=at, grant__account__balance__held_fen__gt=0)
        over = over.annotate(grace_ends_at=ends_at)
        return over.filter(Q(grace_ends_at__lte=at) | no_grace)


class Redemption(Entity, Stateful):
    """Value of a grant set aside for one piece of spending, with the explanation of how much and why.

    ``reference`` names that spending for the caller; vouchers do not look inside it. Every check costs a hold time, and
    others wait for it: one trigger judges what is inserted and notes the counter of its year, and what can break only
    later, when a redemption changes, is checked by triggers on updates.
    """

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        RedemptionStatus.HELD: {RedemptionStatus.RELEASED, RedemptionStatus.CAPTURED},
        RedemptionStatus.RELEASED: set(),
        RedemptionStatus.CAPTURED: set(),
    }

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="redemptions", db_constraint=False)
    hold = models.ForeignKey(Hold, on_delete=models.PROTECT, related_name="+", db_constraint=False, db_index=False)
    reference = models.CharField(_("reference"), max_length=80)
    year = models.SmallIntegerField(_("year"))
    eligible_fen = FenField(_("eligible spending (fen)"))
    amount_fen = FenField(_("held (fen)"))
    explanation = models.JSONField(_("explanation"))
    held_at = models.DateTimeField(_("held at"))
    captured_fen = FenField(_("captured (fen)"), db_default=0, editable=False)
    refunded_fen = FenField(_("refunded (fen)"), db_default=0, editable=False)
    clawed_back_fen = FenField(_("demanded back (fen)"), db_default=0, editable=False)
    closed_at = models.DateTimeField(_("closed at"), null=True, editable=False)
    entity_year = models.ForeignKey(
        EntityYear,
        on_delete=models.PROTECT,
        null=True,
        editable=False,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("entity year"),
    )
    shares_caps = models.BooleanField(_("counts towards shared caps"), db_default=False, editable=False)

    objects = RedemptionQuerySet.as_manager()

    class Meta:
        verbose_name = _("redemption")
        verbose_name_plural = _("redemptions")
        constraints = [
            UniqueConstraint(fields=["reference"], name="redemption_reference_once"),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def is_held(self) -> bool:
        """Whether value is still set aside."""
        return bool(self.status == RedemptionStatus.HELD)

    @property
    def ratio_bp(self) -> int:
        """Return the ratio it was quoted at, which is not the programme's highest where there are several."""
        return int(self.explanation.get("ratio_bp") or self.grant.programme.ratio_bp)

    @property
    def round_unit_fen(self) -> int:
        """Return the unit to which it was rounded down when it was quoted."""
        terms = self.explanation.get("terms")
        return int(terms.get("round_unit_fen", 1)) if terms else self.grant.programme.round_unit_fen

    @property
    def refundable_fen(self) -> int:
        """Return what may still be refunded: what was paid, came not back, and is not demanded back already."""
        return int(self.captured_fen - self.refunded_fen - self.clawed_back_fen)

    @property
    def borne_fen(self) -> int:
        """Return what it pays of its spending, and may still pay."""
        return int(self.captured_fen - self.refunded_fen) + self.remaining_fen

    @property
    def remaining_fen(self) -> int:
        """Return what may still be captured, in fen."""
        return self.amount_fen - self.captured_fen if self.is_held else 0


class CaptureQuerySet(models.QuerySet["Capture"]):
    """Captures by whose they are."""

    def of_programme(self, programme: Programme) -> Self:
        return self.filter(redemption__grant__programme=programme)


class Capture(models.Model):
    """A part of a redemption that paid for something really used. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    redemption = models.ForeignKey(Redemption, on_delete=models.PROTECT, related_name="captures")
    reference = models.CharField(_("reference"), max_length=80)
    provider = models.ForeignKey(
        Organization,
        on_delete=models.PROTECT,
        null=True,
        related_name="+",
        verbose_name=_("provider"),
        db_constraint=False,
        db_index=False,
    )
    amount_fen = FenField(_("amount (fen)"))
    used_at = models.DateTimeField(_("used at"))
    captured_at = models.DateTimeField(_("captured at"))

    objects = CaptureQuerySet.as_manager()

    class Meta:
        verbose_name = _("capture")
        verbose_name_plural = _("captures")
        constraints = [
            UniqueConstraint(fields=["reference"], name="capture_reference_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="capture_amount_positive"),
        ]

    def __str__(self) -> str:
        return self.reference


class Refund(models.Model):
    """Captured value that came back: to the grant while it lives, to the programme afterwards (``lapsed``)."""

    id = models.BigAutoField(primary_key=True)
    redemption = models.ForeignKey(Redemption, on_delete=models.PROTECT, related_name="refunds")
    reference = models.CharField(_("reference"), max_length=80)
    amount_fen = FenField(_("amount (fen)"))
    lapsed = models.BooleanField(_("to the programme"))
    refunded_at = models.DateTimeField(_("refunded at"))

    class Meta:
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        constraints = [
            UniqueConstraint(fields=["reference"], name="refund_reference_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="refund_amount_positive"),
        ]

    def __str__(self) -> str:
        return self.reference
