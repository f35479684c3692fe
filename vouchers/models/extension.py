"""A later last day for a grant: proposed by one person with a reason, approved or turned down by another."""

from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.models import EntityQuerySet, Stateful
from core.periods import date_of
from vouchers.models.grant import Grant


class ExtensionStatus(models.TextChoices):
    """An extension is proposed by one person, and approved or turned down by another."""

    PROPOSED = "proposed", _("Waiting for approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")


class ExtensionQuerySet(EntityQuerySet["Extension"]):
    """Extensions by state and authority."""

    def proposed(self) -> Self:
        return self.filter(status=ExtensionStatus.PROPOSED)

    def approved(self) -> Self:
        return self.filter(status=ExtensionStatus.APPROVED)

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(grant__programme__authority=authority)


class Extension(Stateful):
    """A grant that ended at ``was_at`` ends at ``until_at``, once it is approved. Never deleted."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        ExtensionStatus.PROPOSED: {ExtensionStatus.APPROVED, ExtensionStatus.REJECTED},
        ExtensionStatus.APPROVED: set(),
        ExtensionStatus.REJECTED: set(),
    }

    id = models.BigAutoField(primary_key=True)
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="extensions")
    was_at = models.DateTimeField(_("ended at"))
    until_at = models.DateTimeField(_("ends at"))
    reason = models.CharField(_("reason"), max_length=500)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("proposed by"))
    proposed_at = models.DateTimeField(_("proposed at"))
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)

    objects = ExtensionQuerySet.as_manager()

    class Meta:
        verbose_name = _("extension of a grant")
        verbose_name_plural = _("extensions of grants")
        constraints = [
            UniqueConstraint(
                fields=["grant"], condition=Q(status=ExtensionStatus.PROPOSED), name="extension_once_at_a_time"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="extension_has_a_reason"),
            models.CheckConstraint(condition=Q(until_at__gt=F("was_at")), name="extension_ends_later"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("proposed_by")), name="extension_maker_is_not_checker"
            ),
            models.CheckConstraint(
                condition=Q(status=ExtensionStatus.PROPOSED, decided_by=None, decided_at=None)
                | Q(
                    status=ExtensionStatus.APPROVED,
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                    decided_at__lt=F("was_at"),
                )
                | Q(status=ExtensionStatus.REJECTED, decided_by__isnull=False, decided_at__isnull=False),
                name="extension_decided_in_time",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.grant} → {self.last_on}"

    @property
    def last_on(self) -> date:
        """The last day on which the grant is used, once this is approved."""
        return _last_day(self.until_at)

    @property
    def was_last_on(self) -> date:
        """The last day that the grant had before."""
        return _last_day(self.was_at)


def _last_day(ends_at: datetime) -> date:
    return date_of(ends_at - timedelta(microseconds=1))
