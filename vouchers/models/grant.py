"""The value an authority grants to one firm."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Stateful
from ledger.models import Account
from vouchers.models.programme import Programme, ProgrammeMode


class GrantStatus(models.TextChoices):
    """A grant is proposed by one person, approved by another, used or frozen, and ends in one of many ways."""

    PROPOSED = "proposed", _("Waiting for approval")
    ACTIVE = "active", _("Active")
    FROZEN = "frozen", _("Frozen")
    EXPIRED = "expired", _("Expired")
    REVOKED = "revoked", _("Revoked")
    REJECTED = "rejected", _("Rejected")
    SURRENDERED = "surrendered", _("Given up")
    SUPERSEDED = "superseded", _("Issued anew")
    UNUSED = "unused", _("Taken back unused")


LIVING = (GrantStatus.ACTIVE, GrantStatus.FROZEN)


class GrantQuerySet(EntityQuerySet["Grant"]):
    """Grants by state and owner."""

    def usable(self, at: datetime) -> Self:
        return self.filter(status=GrantStatus.ACTIVE, expires_at__gt=at)

    def at_checkout(self) -> Self:
        return self.filter(programme__mode=ProgrammeMode.INSTANT_DEDUCT)

    def due_to_expire(self, at: datetime) -> Self:
        return self.filter(status__in=LIVING, expires_at__lte=at)

    def of_owner(self, owner: Organization) -> Self:
        return self.filter(owner=owner)

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(programme__authority=authority)

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(owner=organization) | Q(programme__authority=organization))


class Grant(Entity, Stateful):
    """A firm's voucher 券: a face value it alone may redeem until the grant expires.

    ``pool`` is the part of the budget that it counts in; it is unknown where an application counts there for it.
    ``days_from_first_use`` is how long it lasts once it is used; its first hold fixes the end with it (``FirstUse``).
    """

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        GrantStatus.PROPOSED: {GrantStatus.ACTIVE, GrantStatus.REJECTED},
        GrantStatus.ACTIVE: {
            GrantStatus.FROZEN,
            GrantStatus.EXPIRED,
            GrantStatus.REVOKED,
            GrantStatus.SURRENDERED,
            GrantStatus.SUPERSEDED,
            GrantStatus.UNUSED,
        },
        GrantStatus.FROZEN: {GrantStatus.ACTIVE, GrantStatus.EXPIRED, GrantStatus.REVOKED},
        GrantStatus.EXPIRED: set(),
        GrantStatus.REVOKED: set(),
        GrantStatus.REJECTED: set(),
        GrantStatus.SURRENDERED: set(),
        GrantStatus.SUPERSEDED: set(),
        GrantStatus.UNUSED: set(),
    }

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="grants")
    owner = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="grants")
    face_fen = FenField(_("face value (fen)"))
    version = models.PositiveSmallIntegerField(_("version of the programme"), db_default=1, editable=False)
    pool = models.CharField(_("pool of the budget"), max_length=40, null=True, default="", editable=False)  # noqa: DJ001
    account = models.OneToOneField(Account, on_delete=models.PROTECT, null=True, related_name="+", editable=False)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("proposed by"))
    approved_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("approved by")
    )
    approved_at = models.DateTimeField(_("approved at"), null=True)
    expires_at = models.DateTimeField(_("expires at"), null=True)
    days_from_first_use = models.PositiveIntegerField(_("days from its first use on"), null=True, editable=False)

    objects = GrantQuerySet.as_manager()

    class Meta:
        verbose_name = _("grant")
        verbose_name_plural = _("grants")
        indexes = [
            models.Index(fields=["owner", "status", "expires_at"], name="grant_by_owner"),
            models.Index(fields=["expires_at"], condition=Q(status__in=LIVING), name="grant_to_expire"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(face_fen__gt=0), name="grant_face_positive"),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=F("proposed_by")), name="grant_maker_is_not_checker"
            ),
            models.CheckConstraint(
                condition=Q(status__in=[GrantStatus.PROPOSED, GrantStatus.REJECTED])
                | Q(
                    approved_by__isnull=False,
                    approved_at__isnull=False,
                    account__isnull=False,
                    expires_at__gt=F("approved_at"),
                ),
                name="grant_approved_before_use",
            ),
            models.CheckConstraint(condition=Q(status__in=GrantStatus.values), name="grant_status_known"),
            models.CheckConstraint(
                condition=Q(days_from_first_use=None) | Q(days_from_first_use__gt=0, expires_at__isnull=False),
                name="grant_days_before_first_use",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.programme.code} · {self.id}"

    def is_living(self, at: datetime) -> bool:
        """Whether value may return to the grant at this instant: it is active or frozen, and not expired."""
        return self.status in LIVING and self.expires_at is not None and at < self.expires_at

    def is_usable(self, at: datetime) -> bool:
        """Whether value of the grant may be held at this instant."""
        return self.status == GrantStatus.ACTIVE and self.expires_at is not None and at < self.expires_at
