"""Value that nobody may use for a while, and entities that nobody trusts for a while."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from accounts.models import Organization, User
from core.models import Entity, EntityQuerySet
from vouchers.models.finding import Finding
from vouchers.models.grant import Grant


class FreezeGround(models.TextChoices):
    """Why a grant is frozen."""

    RELATED = "related", _("Related parties")
    USAGE = "usage", _("Made-up usage")
    TWICE = "twice", _("Funded twice")
    PAPERS = "papers", _("False papers")
    PRICE = "price", _("Price out of line")
    REPORT = "report", _("A report that is looked into")
    CLAWBACK = "clawback", _("A clawback")
    OTHER = "other", pgettext_lazy("of a freeze", "Other grounds")


class FreezeQuerySet(EntityQuerySet["Freeze"]):
    """Freezes by state."""

    def standing(self) -> Self:
        return self.filter(lifted_at=None)

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(grant__programme__authority=authority)


class Freeze(Entity):
    """A grant is under investigation: nothing is held or captured from it until another person lifts the freeze."""

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="freezes")
    ground = models.CharField(_("ground"), max_length=12, choices=FreezeGround, db_default=FreezeGround.OTHER)
    finding = models.ForeignKey(
        Finding, on_delete=models.PROTECT, null=True, related_name="freezes", verbose_name=_("finding")
    )
    reason = models.TextField(_("reason"))
    review_due_at = models.DateTimeField(_("to be looked at again by"), null=True)
    frozen_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("frozen by"))
    frozen_at = models.DateTimeField(_("frozen at"))
    lifted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("lifted by")
    )
    lifted_at = models.DateTimeField(_("lifted at"), null=True)
    lift_reason = models.TextField(_("reason for lifting"), blank=True)

    objects = FreezeQuerySet.as_manager()

    class Meta:
        verbose_name = _("freeze")
        verbose_name_plural = _("freezes")
        constraints = [
            UniqueConstraint(fields=["grant"], condition=Q(lifted_at=None), name="freeze_once_at_a_time"),
            models.CheckConstraint(condition=~Q(reason=""), name="freeze_has_a_reason"),
            models.CheckConstraint(condition=Q(ground__in=FreezeGround.values), name="freeze_ground_known"),
            models.CheckConstraint(
                condition=Q(review_due_at=None) | Q(review_due_at__gt=F("frozen_at")),
                name="freeze_reviewed_after_start",
            ),
            models.CheckConstraint(
                condition=Q(lifted_by=None) | ~Q(lifted_by=F("frozen_by")), name="freeze_maker_is_not_checker"
            ),
            models.CheckConstraint(
                condition=Q(lifted_at=None) | Q(lifted_at__gte=F("frozen_at")), name="freeze_lifted_after_start"
            ),
        ]

    def __str__(self) -> str:
        return str(self.grant)


class BlacklistingQuerySet(EntityQuerySet["Blacklisting"]):
    """Blacklistings by when they count."""

    def standing(self, at: datetime) -> Self:
        return self.filter(starts_at__lte=at, ends_at__gt=at, lifted_at=None)


class Blacklisting(Entity):
    """An entity gets no grants and no holds, as a buyer or as a provider, until a day."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="blacklistings")
    # Who set it and may lift it; none if it was set in the administration.
    authority = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("authority")
    )
    reason = models.TextField(_("reason"))
    starts_at = models.DateTimeField(_("from"))
    ends_at = models.DateTimeField(_("until"))
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("decided by"))
    lifted_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("lifted by")
    )
    lifted_at = models.DateTimeField(_("lifted at"), null=True)
    lift_reason = models.TextField(_("reason for lifting"), blank=True)

    objects = BlacklistingQuerySet.as_manager()

    class Meta:
        verbose_name = _("blacklisting")
        verbose_name_plural = _("blacklistings")
        indexes = [models.Index(fields=["organization", "ends_at"], name="blacklisting_by_entity")]
        constraints = [
            models.CheckConstraint(condition=Q(ends_at__gt=F("starts_at")), name="blacklisting_ends_after_start"),
            models.CheckConstraint(condition=~Q(reason=""), name="blacklisting_has_a_reason"),
            models.CheckConstraint(
                condition=Q(lifted_by=None) | ~Q(lifted_by=F("decided_by")), name="blacklisting_maker_is_not_checker"
            ),
        ]

    def __str__(self) -> str:
        return str(self.organization)
