"""What an authority is asked to pay: a claim 兑付 over a frozen set of redemptions."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Stateful
from vouchers.models.programme import Programme


class ClaimStatus(models.TextChoices):
    """The way of a claim: put together, handed in, checked, sampled, decided, paid, reconciled."""

    OPEN = "open", _("Open")
    ASSEMBLED = "assembled", _("Assembled")
    SUBMITTED = "submitted", _("Submitted")
    OPERATOR_CHECK = "operator_check", _("Checked by the operator")
    AUDIT_SAMPLE = "audit_sample", _("Sample in audit")
    APPROVED = "approved", _("Approved")
    PARTLY_APPROVED = "partly_approved", _("Approved in part")
    RETURNED = "returned", _("Returned to the claimant")
    FINANCE_REVIEW = "finance_review", _("With finance")
    INSTRUCTED = "instructed", _("Payment instructed")
    PAID = "paid", _("Paid")
    PAYMENT_FAILED = "payment_failed", _("Payment failed")
    RECONCILED = "reconciled", _("Reconciled")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")


DECIDED = (
    ClaimStatus.APPROVED,
    ClaimStatus.PARTLY_APPROVED,
    ClaimStatus.FINANCE_REVIEW,
    ClaimStatus.INSTRUCTED,
    ClaimStatus.PAID,
    ClaimStatus.PAYMENT_FAILED,
    ClaimStatus.RECONCILED,
)
SETTLED = (ClaimStatus.PAID, ClaimStatus.RECONCILED)
OVER = (ClaimStatus.RECONCILED, ClaimStatus.REJECTED, ClaimStatus.WITHDRAWN)
WITH_OPERATOR = (ClaimStatus.SUBMITTED, ClaimStatus.OPERATOR_CHECK)
WITH_APPROVER = (ClaimStatus.AUDIT_SAMPLE,)
WITH_FINANCE = (
    ClaimStatus.APPROVED,
    ClaimStatus.PARTLY_APPROVED,
    ClaimStatus.FINANCE_REVIEW,
    ClaimStatus.PAYMENT_FAILED,
)
WITH_CLAIMANT = (ClaimStatus.OPEN, ClaimStatus.ASSEMBLED, ClaimStatus.RETURNED)


class ClaimantKind(models.TextChoices):
    """To whom the authority owes: to the provider who took less, or to the buyer who paid in full."""

    PROVIDER = "provider", _("Provider")
    BUYER = "buyer", _("Buyer")


class ClaimQuerySet(EntityQuerySet["Claim"]):
    """Claims by whose they are, whose turn it is, and how late it is."""

    def of_claimant(self, claimant: Organization) -> Self:
        return self.filter(claimant=claimant)

    def visible_to(self, organization: Organization) -> Self:
        return self.filter(Q(claimant=organization) | Q(programme__authority=organization))

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(programme__authority=authority)

    def overdue(self, at: datetime) -> Self:
        return self.filter(due_at__lt=at)

    def with_names(self) -> Self:
        return self.select_related("programme__authority", "claimant")


class Claim(Entity, Stateful):
    """One claimant's redemptions of one programme and period. Once assembled its lines are a frozen set."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        ClaimStatus.OPEN: {ClaimStatus.ASSEMBLED, ClaimStatus.WITHDRAWN},
        ClaimStatus.ASSEMBLED: {ClaimStatus.SUBMITTED, ClaimStatus.WITHDRAWN},
        ClaimStatus.SUBMITTED: {ClaimStatus.OPERATOR_CHECK, ClaimStatus.RETURNED},
        ClaimStatus.OPERATOR_CHECK: {ClaimStatus.AUDIT_SAMPLE, ClaimStatus.RETURNED},
        ClaimStatus.AUDIT_SAMPLE: {
            ClaimStatus.APPROVED,
            ClaimStatus.PARTLY_APPROVED,
            ClaimStatus.RETURNED,
            ClaimStatus.REJECTED,
        },
        ClaimStatus.RETURNED: {ClaimStatus.SUBMITTED, ClaimStatus.WITHDRAWN},
        ClaimStatus.APPROVED: {ClaimStatus.FINANCE_REVIEW, ClaimStatus.AUDIT_SAMPLE},
        ClaimStatus.PARTLY_APPROVED: {ClaimStatus.FINANCE_REVIEW, ClaimStatus.AUDIT_SAMPLE},
        ClaimStatus.FINANCE_REVIEW: {ClaimStatus.INSTRUCTED, ClaimStatus.AUDIT_SAMPLE},
        ClaimStatus.INSTRUCTED: {ClaimStatus.PAID, ClaimStatus.PAYMENT_FAILED},
        ClaimStatus.PAYMENT_FAILED: {ClaimStatus.FINANCE_REVIEW},
        ClaimStatus.PAID: {ClaimStatus.RECONCILED},
        ClaimStatus.RECONCILED: set(),
        ClaimStatus.REJECTED: set(),
        ClaimStatus.WITHDRAWN: set(),
    }

    programme = models.ForeignKey(Programme, on_delete=models.PROTECT, related_name="claims")
    claimant = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="claims")
    claimant_kind = models.CharField(_("claimed by"), max_length=8, choices=ClaimantKind)
    number = models.PositiveIntegerField(_("number"))
    period_starts_on = models.DateField(_("from"))
    period_ends_on = models.DateField(_("until, not included"))
    sequence = models.PositiveSmallIntegerField(_("part of the period"), default=0)
    final = models.BooleanField(_("last of its contract"), default=False)
    amount_fen = FenField(_("claimed (fen)"), default=0)
    approved_fen = FenField(_("approved (fen)"), null=True)
    digest = models.CharField(_("digest of the lines"), max_length=64, blank=True)
    seed = models.CharField(_("seed of the sample"), max_length=64, blank=True)
    note = models.TextField(_("note"), blank=True)
    due_at = models.DateTimeField(_("due"), null=True)
    assembled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    assembled_at = models.DateTimeField(_("assembled at"), null=True)
    submitted_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    submitted_at = models.DateTimeField(_("submitted at"), null=True)
    checked_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    checked_at = models.DateTimeField(_("checked at"), null=True)
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)
    finance_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    finance_at = models.DateTimeField(_("taken over by finance at"), null=True)
    paid_at = models.DateTimeField(_("paid at"), null=True)
    assigned_to = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")

    objects = ClaimQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim")
        verbose_name_plural = _("claims")
        indexes = [
            models.Index(fields=["claimant", "-created_at"], name="claim_by_claimant"),
            models.Index(fields=["status", "due_at"], name="claim_by_turn"),
        ]
        constraints = [
            UniqueConstraint(fields=["programme", "number"], name="claim_number_once"),
            UniqueConstraint(
                fields=["programme", "claimant", "period_starts_on", "sequence"], name="claim_period_once"
            ),
            models.CheckConstraint(condition=Q(number__gt=0), name="claim_number_positive"),
            models.CheckConstraint(
                condition=Q(period_starts_on__lt=F("period_ends_on")), name="claim_period_not_empty"
            ),
            models.CheckConstraint(condition=Q(claimant_kind__in=ClaimantKind.values), name="claim_claimant_known"),
            models.CheckConstraint(condition=Q(status__in=ClaimStatus.values), name="claim_status_known"),
            models.CheckConstraint(
                condition=Q(approved_fen=None) | Q(approved_fen__gt=0, approved_fen__lte=F("amount_fen")),
                name="claim_approved_within_claimed",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=DECIDED)
                | Q(decided_by__isnull=False, decided_at__isnull=False, approved_fen__isnull=False),
                name="claim_decided_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[ClaimStatus.OPEN, ClaimStatus.WITHDRAWN])
                | Q(assembled_at__isnull=False, amount_fen__gt=0) & ~Q(digest=""),
                name="claim_assembled_with_value",
            ),
        ]

    def __str__(self) -> str:
        return self.display_number

    @property
    def display_number(self) -> str:
        """Return the number as people write it: programme, gapless number."""
        return f"{self.programme.code}-{self.number:06d}"

    @property
    def is_decided(self) -> bool:
        """Whether an amount is approved."""
        return self.status in DECIDED
