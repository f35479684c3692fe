"""Orders above a limit of the buyer's own: they wait until another of its people approves them."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import ApiKey, Organization, User
from billing.models.auto_extension import AutoExtension
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row, Stateful
from market.models import Order, Quote, Reservation, Rfq
from market.models.moves import StatefulQuerySet
from market.models.reservation import OVER
from vouchers.models import Grant


class SpendingLimit(Row):
    """What one order of a buyer may cost without a second person; without a row or an amount there is no limit."""

    organization = models.OneToOneField(
        Organization, on_delete=models.PROTECT, primary_key=True, related_name="spending_limit"
    )
    limit_fen = FenField(_("limit (fen)"), null=True)
    set_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    set_at = models.DateTimeField(_("set at"))

    objects = EntityQuerySet["SpendingLimit"].as_manager()

    class Meta:
        verbose_name = _("spending limit")
        verbose_name_plural = _("spending limits")
        constraints = [models.CheckConstraint(condition=Q(limit_fen__gte=0), name="spending_limit_not_negative")]


class ApprovalStatus(models.TextChoices):
    """An order waits for approval, and is approved, rejected, taken back, or too late."""

    AWAITING = "awaiting_approval", _("Awaiting approval")
    APPROVED = "approved", _("Approved")
    REJECTED = "rejected", _("Rejected")
    WITHDRAWN = "withdrawn", _("Withdrawn")
    EXPIRED = "expired", _("Expired")


class ApprovalKind(models.TextChoices):
    """What waits: an order to be placed, a quote to be accepted, an award to be made, a reservation to be extended."""

    ORDER = "order", _("Order")
    QUOTE = "quote", _("Quote")
    AWARD = "award", _("Award")
    EXTENSION = "extension", _("Extension")


class ApprovalEnd(models.TextChoices):
    """Why a request for an extension waits no more although nobody decided it."""

    OVER = "over", _("The reservation is over")
    INSTRUCTION = "instruction", _("Its automatic extension has ended")


WITHOUT_ORDER = [ApprovalKind.AWARD, ApprovalKind.EXTENSION]
"""What is approved without becoming one order: an award may be several, an extension belongs to one that there is."""


class ApprovalQuerySet(StatefulQuerySet["ApprovalRequest"]):
    """Requests by state and by whose they are."""

    def awaiting(self) -> Self:
        return self.filter(status=ApprovalStatus.AWAITING)

    def of_buyer(self, buyer: Organization) -> Self:
        return self.filter(buyer=buyer)

    def overdue(self, at: datetime) -> Self:
        return self.awaiting().filter(expires_at__lte=at)

    def without_reservation(self) -> Self:
        return self.awaiting().filter(reservation__status__in=OVER)

    def of_instruction(self, instruction: AutoExtension) -> Self:
        named = {"reservation": instruction.reservation_id, "choice__instruction": str(instruction.pk)}
        return self.awaiting().filter(**named)


class ApprovalRequest(Entity, Stateful):
    """An order that is not placed yet: what is wanted and the most it can cost. It holds neither cards nor money.

    Whoever approves it is not who asked for it, and then it goes through checkout like any other. One for a quote waits
    no longer than the quote, which holds its cards; one for an award no longer than its bids are valid; one for an
    extension until its reservation ends, or the instruction whose step it is; ``end_code`` says so. ``choice`` is what
    was chosen with them: the kind of order and lines, bids and the reason, or hours from an end. ``estimate_fen`` is
    what one order costs: of an award the dearest, with an extension all of it.
    """

    MOVES = {
        ApprovalStatus.AWAITING: {
            ApprovalStatus.APPROVED,
            ApprovalStatus.REJECTED,
            ApprovalStatus.WITHDRAWN,
            ApprovalStatus.EXPIRED,
        },
        ApprovalStatus.APPROVED: set(),
        ApprovalStatus.REJECTED: set(),
        ApprovalStatus.WITHDRAWN: set(),
        ApprovalStatus.EXPIRED: set(),
    }

    status = models.CharField(_("status"), max_length=20, choices=ApprovalStatus)
    kind = models.CharField(
        _("kind"), max_length=10, choices=ApprovalKind, default=ApprovalKind.ORDER, db_default=ApprovalKind.ORDER.value
    )
    quote = models.ForeignKey(Quote, on_delete=models.PROTECT, null=True, related_name="approvals")
    rfq = models.ForeignKey(Rfq, on_delete=models.PROTECT, null=True, related_name="approvals")
    reservation = models.ForeignKey(
        Reservation, on_delete=models.PROTECT, null=True, related_name="extension_approvals"
    )
    choice = models.JSONField(_("what was chosen"), default=dict)
    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="approval_requests")
    name = models.CharField(_("name"), max_length=120, blank=True)
    demand = models.JSONField(_("what is wanted"))
    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, null=True, related_name="+")
    estimate_fen = FenField(_("at most (fen)"))
    limit_fen = FenField(_("limit (fen)"))
    requested_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    requested_key = models.ForeignKey(ApiKey, on_delete=models.PROTECT, null=True, related_name="+")
    requested_at = models.DateTimeField(_("requested at"))
    expires_at = models.DateTimeField(_("expires at"))
    decided_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(_("decided at"), null=True)
    reason = models.CharField(_("reason"), max_length=500, blank=True)
    end_code = models.CharField(
        _("why it is over"), max_length=16, choices=ApprovalEnd, blank=True, default="", db_default=""
    )
    order = models.OneToOneField(Order, on_delete=models.PROTECT, null=True, related_name="approval")

    objects = ApprovalQuerySet.as_manager()

    class Meta:
        verbose_name = _("request for approval")
        verbose_name_plural = _("requests for approval")
        indexes = [
            models.Index(fields=["buyer", "-requested_at"], name="approval_by_buyer"),
            models.Index(fields=["expires_at"], condition=Q(status=ApprovalStatus.AWAITING), name="approval_to_expire"),
        ]
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ApprovalStatus.values), name="approval_status_known"),
            models.CheckConstraint(condition=Q(estimate_fen__gt=F("limit_fen")), name="approval_above_a_limit"),
            models.CheckConstraint(condition=Q(expires_at__gt=F("requested_at")), name="approval_waits_for_a_while"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | ~Q(decided_by=F("requested_by")), name="approval_maker_is_not_checker"
            ),
            models.CheckConstraint(
                condition=Q(status=ApprovalStatus.APPROVED, order__isnull=False)
                | Q(status=ApprovalStatus.APPROVED, kind__in=WITHOUT_ORDER)
                | ~Q(status=ApprovalStatus.APPROVED) & Q(order=None),
                name="approval_approved_has_order",
            ),
            models.CheckConstraint(
                condition=Q(kind=ApprovalKind.ORDER, quote=None, rfq=None, reservation=None)
                | Q(kind=ApprovalKind.QUOTE, quote__isnull=False, rfq=None, reservation=None)
                | Q(kind=ApprovalKind.AWARD, quote=None, rfq__isnull=False, reservation=None)
                | Q(kind=ApprovalKind.EXTENSION, quote=None, rfq=None, reservation__isnull=False),
                name="approval_names_what_it_is_for",
            ),
            UniqueConstraint(
                fields=["quote"], condition=Q(status=ApprovalStatus.AWAITING), name="approval_once_per_quote"
            ),
            UniqueConstraint(fields=["rfq"], condition=Q(status=ApprovalStatus.AWAITING), name="approval_once_per_rfq"),
            UniqueConstraint(
                fields=["reservation"],
                condition=Q(status=ApprovalStatus.AWAITING),
                name="approval_once_per_reservation",
            ),
            models.CheckConstraint(
                condition=Q(
                    status__in=[ApprovalStatus.APPROVED, ApprovalStatus.REJECTED],
                    decided_by__isnull=False,
                    decided_at__isnull=False,
                )
                | ~Q(status__in=[ApprovalStatus.APPROVED, ApprovalStatus.REJECTED]) & Q(decided_by=None),
                name="approval_decided_by_somebody",
            ),
            models.CheckConstraint(
                condition=~Q(status=ApprovalStatus.REJECTED) | ~Q(reason=""), name="approval_rejected_has_reason"
            ),
            models.CheckConstraint(
                condition=Q(end_code="")
                | Q(end_code=ApprovalEnd.OVER, status=ApprovalStatus.EXPIRED, kind=ApprovalKind.EXTENSION)
                | Q(end_code=ApprovalEnd.INSTRUCTION, status=ApprovalStatus.WITHDRAWN, kind=ApprovalKind.EXTENSION),
                name="approval_over_without_decision",
            ),
        ]

    def __str__(self) -> str:
        return self.name or str(self.id)

    def waits(self, at: datetime) -> bool:
        """Whether it can be decided at an instant."""
        is_over = self.reservation is not None and self.reservation.is_over
        return self.status == ApprovalStatus.AWAITING and self.expires_at > at and not is_over
