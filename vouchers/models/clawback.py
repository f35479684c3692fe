"""Taking public money back: a suspicion, a notice and time to answer, another person's decision, and its recovery."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row, Stateful
from ledger.models import Account
from vouchers.models.finding import Finding
from vouchers.models.freeze import Blacklisting
from vouchers.models.grant import Grant
from vouchers.models.redemption import Capture


class ClawbackStatus(models.TextChoices):
    """Where a clawback stands."""

    SUSPECTED = "suspected", _("Suspected")
    HOLD_PLACED = "hold_placed", _("Value frozen")
    NOTICE_SENT = "notice_sent", _("Notice sent")
    RESPONDED = "responded", _("Answered")
    UPHELD = "upheld", _("Upheld")
    DISMISSED = "dismissed", _("Dismissed")
    DEMANDED = "demanded", _("Repayment demanded")
    RECOVERED = "recovered", _("Recovered")
    REFERRED = "referred", _("Referred to court or credit system")
    QUASHED = "quashed", _("Quashed on appeal")


CASES_OPEN = (
    ClawbackStatus.SUSPECTED,
    ClawbackStatus.HOLD_PLACED,
    ClawbackStatus.NOTICE_SENT,
    ClawbackStatus.RESPONDED,
)
OWED = (ClawbackStatus.DEMANDED, ClawbackStatus.REFERRED)
DROPPED = (ClawbackStatus.DISMISSED, ClawbackStatus.QUASHED)
NOTICED = Q(notified_at__isnull=False, response_due_at__isnull=False)
DECIDED = Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(decision="")
# What was demanded less what was set off and remitted, and what of it is given back: repayments are at most this.
OWED_WITHOUT_REPAYMENTS = (
    F("principal_fen") + F("interest_fen") - F("offset_fen") - F("remitted_fen") + F("restored_fen")
)


class ClawbackQuerySet(EntityQuerySet["Clawback"]):
    """Clawbacks by state and party."""

    def undecided(self) -> Self:
        return self.filter(status__in=CASES_OPEN)

    def withholding(self) -> Self:
        """Return those that keep what they concern from being paid: all but those dismissed or quashed."""
        return self.exclude(status__in=DROPPED)

    def owed(self) -> Self:
        return self.filter(status__in=OWED)

    def enforceable(self) -> Self:
        """Return what is owed and may be taken: nothing is while an appeal waits for its decision."""
        return self.owed().filter(suspended_at=None)

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(grant__programme__authority=authority)

    def told_to(self, organization: Organization) -> Self:
        """Return those of which an organisation was given notice."""
        return self.filter(debtor=organization, notified_at__isnull=False)


class Clawback(Entity, Stateful):
    """A case to take back what a grant has paid. What is owed lies on an account of its own, with floor 0."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        ClawbackStatus.SUSPECTED: {ClawbackStatus.HOLD_PLACED, ClawbackStatus.DISMISSED},
        ClawbackStatus.HOLD_PLACED: {ClawbackStatus.NOTICE_SENT, ClawbackStatus.DISMISSED},
        ClawbackStatus.NOTICE_SENT: {
            ClawbackStatus.RESPONDED,
            ClawbackStatus.UPHELD,
            ClawbackStatus.DISMISSED,
        },
        ClawbackStatus.RESPONDED: {ClawbackStatus.UPHELD, ClawbackStatus.DISMISSED},
        ClawbackStatus.UPHELD: {ClawbackStatus.DEMANDED},
        ClawbackStatus.DISMISSED: set(),
        ClawbackStatus.DEMANDED: {ClawbackStatus.RECOVERED, ClawbackStatus.REFERRED, ClawbackStatus.QUASHED},
        ClawbackStatus.REFERRED: {ClawbackStatus.RECOVERED, ClawbackStatus.QUASHED},
        ClawbackStatus.RECOVERED: {ClawbackStatus.QUASHED},
        ClawbackStatus.QUASHED: set(),
    }

    grant = models.ForeignKey(Grant, on_delete=models.PROTECT, related_name="clawbacks", verbose_name=_("grant"))
    debtor = models.ForeignKey(
        Organization, on_delete=models.PROTECT, related_name="clawbacks", verbose_name=_("who owes")
    )
    finding = models.ForeignKey(
        Finding, on_delete=models.PROTECT, null=True, related_name="clawbacks", verbose_name=_("finding")
    )
    reason = models.TextField(_("reason"))
    raised_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("raised by")
    )
    raised_at = models.DateTimeField(_("raised at"))
    held_at = models.DateTimeField(_("value frozen at"), null=True)
    notice = models.TextField(_("notice"), blank=True)
    notified_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("notified by")
    )
    notified_at = models.DateTimeField(_("notified at"), null=True)
    response_due_at = models.DateTimeField(_("answer due"), null=True)
    responded_at = models.DateTimeField(_("answered at"), null=True)
    decision = models.TextField(_("decision"), blank=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    calculation = models.JSONField(_("calculation"), default=dict, editable=False)
    principal_fen = FenField(_("principal (fen)"), default=0)
    interest_fen = FenField(_("interest (fen)"), default=0)
    revoked_fen = FenField(_("revoked of the grant (fen)"), default=0)
    recovered_fen = FenField(_("repaid (fen)"), db_default=0, editable=False)
    offset_fen = FenField(_("offset (fen)"), db_default=0, editable=False)
    remitted_fen = FenField(_("no longer demanded after an appeal (fen)"), db_default=0, editable=False)
    restored_fen = FenField(_("to be given back after an appeal (fen)"), db_default=0, editable=False)
    pay_by = models.DateTimeField(_("to be paid by"), null=True)
    appeal_until = models.DateTimeField(_("appeal until"), null=True)
    suspended_at = models.DateTimeField(_("not enforced since"), null=True, editable=False)
    demanded_at = models.DateTimeField(_("demanded at"), null=True)
    closed_at = models.DateTimeField(_("closed at"), null=True)
    referred_to = models.CharField(_("referred to"), max_length=200, blank=True)
    blacklisting = models.OneToOneField(
        Blacklisting, on_delete=models.PROTECT, null=True, related_name="clawback", verbose_name=_("blacklisting")
    )
    account = models.OneToOneField(Account, on_delete=models.PROTECT, null=True, related_name="+", editable=False)

    objects = ClawbackQuerySet.as_manager()

    class Meta:
        verbose_name = _("clawback")
        verbose_name_plural = _("clawbacks")
        constraints = [
            models.CheckConstraint(condition=Q(status__in=ClawbackStatus.values), name="clawback_status_known"),
            models.CheckConstraint(condition=~Q(reason=""), name="clawback_has_a_reason"),
            models.CheckConstraint(
                condition=Q(decided_by=None) | Q(raised_by=None) | ~Q(decided_by=F("raised_by")),
                name="clawback_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(status__in=["suspected", "hold_placed", "dismissed"]) | NOTICED,
                name="clawback_decided_after_a_notice",
            ),
            models.CheckConstraint(condition=Q(status__in=CASES_OPEN) | DECIDED, name="clawback_decided_by_someone"),
            models.CheckConstraint(
                condition=Q(status__in=[*CASES_OPEN, ClawbackStatus.DISMISSED])
                | Q(responded_at__isnull=False)
                | Q(decided_at__gte=F("response_due_at")),
                name="clawback_time_to_answer",
            ),
            models.CheckConstraint(
                condition=Q(principal_fen__gte=0, interest_fen__gte=0, revoked_fen__gte=0),
                name="clawback_amounts_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(recovered_fen__gte=0, offset_fen__gte=0) & Q(recovered_fen__lte=OWED_WITHOUT_REPAYMENTS),
                name="clawback_recovered_within_demand",
            ),
            models.CheckConstraint(
                condition=~Q(status=ClawbackStatus.RECOVERED)
                | Q(recovered_fen=OWED_WITHOUT_REPAYMENTS, closed_at__isnull=False),
                name="clawback_recovered_whole",
            ),
            models.CheckConstraint(
                condition=Q(remitted_fen__gte=0, remitted_fen__lte=F("principal_fen") + F("interest_fen"))
                & Q(restored_fen__gte=0, restored_fen__lte=F("recovered_fen") + F("offset_fen")),
                name="clawback_remitted_within_demand",
            ),
            models.CheckConstraint(
                condition=~Q(status=ClawbackStatus.QUASHED)
                | Q(
                    remitted_fen=F("principal_fen") + F("interest_fen"),
                    recovered_fen=OWED_WITHOUT_REPAYMENTS,
                    closed_at__isnull=False,
                ),
                name="clawback_quashed_whole",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.debtor} · {self.id}"

    @property
    def demand_fen(self) -> int:
        """Return what is demanded: principal and interest."""
        return int(self.principal_fen + self.interest_fen)

    @property
    def outstanding_fen(self) -> int:
        """Return what is still owed."""
        return int(self.demand_fen - self.settled_fen)

    @property
    def settled_fen(self) -> int:
        """Return what is not owed any more: it came back and stays, or was remitted."""
        return int(self.recovered_fen + self.offset_fen + self.remitted_fen - self.restored_fen)

    def appealable(self, at: datetime) -> bool:
        """Whether the debtor may still appeal at an instant, if it has not: once, and in time."""
        decided = self.status in (*OWED, ClawbackStatus.RECOVERED)
        return decided and self.appeal_until is not None and at < self.appeal_until


class ClawbackItem(Row):
    """A capture that a clawback takes back, and how much of it. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="items")
    capture = models.ForeignKey(Capture, on_delete=models.PROTECT, related_name="clawback_items")
    amount_fen = FenField(_("amount (fen)"))

    class Meta:
        verbose_name = _("captured value taken back")
        verbose_name_plural = _("captured values taken back")
        constraints = [
            UniqueConstraint(fields=["clawback", "capture"], name="clawback_item_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="clawback_item_positive"),
        ]


class ClawbackAnswer(Row):
    """What the organisation concerned says to a notice. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="answers")
    text = models.TextField(_("answer"))
    answered_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    answered_at = models.DateTimeField(_("answered at"))

    class Meta:
        verbose_name = _("answer to a notice")
        verbose_name_plural = _("answers to notices")
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="clawback_answer_says_something")]


class RecoveryKind(models.TextChoices):
    """How something was recovered."""

    REPAYMENT = "repayment", _("Repaid")
    OFFSET = "offset", _("Offset against a claim")


class ClawbackRecovery(Row):
    """A part of what was owed that came back. Never changed, never deleted.

    An offset names the part of a payment that was withheld for it: what no payment has withheld is no offset.
    """

    id = models.BigAutoField(primary_key=True)
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="recoveries")
    kind = models.CharField(_("kind"), max_length=12, choices=RecoveryKind)
    reference = models.CharField(_("reference"), max_length=80)
    amount_fen = FenField(_("amount (fen)"))
    payment_offset = models.OneToOneField(
        "vouchers.PaymentOffset", on_delete=models.PROTECT, null=True, related_name="recovery", editable=False
    )
    recorded_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    recovered_at = models.DateTimeField(_("recovered at"))

    class Meta:
        verbose_name = _("recovery")
        verbose_name_plural = _("recoveries")
        constraints = [
            UniqueConstraint(fields=["clawback", "reference"], name="clawback_recovery_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="clawback_recovery_positive"),
            models.CheckConstraint(condition=Q(kind__in=RecoveryKind.values), name="clawback_recovery_kind_known"),
        ]


class ClawbackInstalment(Row):
    """A part of what is owed that may be paid by a later day. Never changed; a plan is made once."""

    id = models.BigAutoField(primary_key=True)
    clawback = models.ForeignKey(Clawback, on_delete=models.PROTECT, related_name="instalments")
    number = models.PositiveSmallIntegerField(_("number"))
    due_at = models.DateTimeField(_("due"))
    amount_fen = FenField(_("amount (fen)"))

    class Meta:
        verbose_name = _("instalment")
        verbose_name_plural = _("instalments")
        constraints = [
            UniqueConstraint(fields=["clawback", "number"], name="clawback_instalment_once"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="clawback_instalment_positive"),
        ]
