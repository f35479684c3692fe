"""What looks like misuse of public money, with its evidence, and what people made of it."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Stateful
from vouchers.models.grant import Grant
from vouchers.models.programme import Programme
from vouchers.models.redemption import Redemption


class FindingRule(models.TextChoices):
    """What was found, by the rule that found it."""

    RELATED_PARTY = "RELATED_PARTY", _("Related parties")
    RELATED_FLAG = "RELATED_FLAG", _("Shares held below the threshold")
    CIRCULAR_TRADE = "CIRCULAR_TRADE", _("Circular trade")
    SPLITTING = "SPLITTING", _("Splitting under one controller")
    BOTH_SIDES = "BOTH_SIDES", _("Both sides claim")
    DUPLICATE_CONTRACT = "DUPLICATE_CONTRACT", _("Contract used twice")
    DUPLICATE_INVOICE = "DUPLICATE_INVOICE", _("Invoice used twice")
    PRICE_OUTLIER = "PRICE_OUTLIER", _("Price far above others")
    PRICE_RAISED = "PRICE_RAISED", _("Price raised just after a grant")
    IDLE_USAGE = "IDLE_USAGE", _("Billed but idle")
    SAME_JOB = "SAME_JOB", _("The same job again and again")
    LAST_HOURS = "LAST_HOURS", _("Used up just before the expiry")
    METER_MISMATCH = "METER_MISMATCH", _("Meter and bill differ")
    KICKBACK = "KICKBACK", _("Money came back from a linked account")
    FRESH_ENTITY = "FRESH_ENTITY", _("New entity, largest grant, one provider")
    TIP = "TIP", _("Reported by somebody")
    MANUAL = "MANUAL", _("Found by a person")


class Severity(models.TextChoices):
    """How soon somebody should look."""

    LOW = "low", _("Low")
    MEDIUM = "medium", _("Medium")
    HIGH = "high", _("High")


class FindingStatus(models.TextChoices):
    """A finding is open, somebody's, and in the end explained, upheld or dismissed."""

    OPEN = "open", _("To be looked at")
    ASSIGNED = "assigned", _("Assigned")
    EXPLAINED = "explained", _("Explained")
    UPHELD = "upheld", _("Upheld")
    DISMISSED = "dismissed", _("Dismissed")


LIVE = (FindingStatus.OPEN, FindingStatus.ASSIGNED)


class FindingQuerySet(EntityQuerySet["Finding"]):
    """Findings by state and by whom they concern."""

    def live(self) -> Self:
        return self.filter(status__in=LIVE)

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(Q(programme__authority=authority) | Q(grant__programme__authority=authority))

    def asked_of(self, organization: Organization) -> Self:
        """Return what an organisation was asked to explain: it sees nothing else."""
        return self.filter(subject=organization, asked_at__isnull=False)


class Finding(Entity, Stateful):
    """A suspicion with its evidence. One for each key, however often a rule finds it again; its facts never change."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        FindingStatus.OPEN: {FindingStatus.ASSIGNED},
        FindingStatus.ASSIGNED: {
            FindingStatus.OPEN,
            FindingStatus.EXPLAINED,
            FindingStatus.UPHELD,
            FindingStatus.DISMISSED,
        },
        FindingStatus.EXPLAINED: set(),
        FindingStatus.UPHELD: set(),
        FindingStatus.DISMISSED: set(),
    }

    rule = models.CharField(_("rule"), max_length=24, choices=FindingRule)
    severity = models.CharField(_("severity"), max_length=8, choices=Severity)
    dedupe_key = models.CharField(max_length=200, editable=False)
    subject = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, related_name="findings", verbose_name=_("concerns")
    )
    counterparty = models.ForeignKey(
        Organization, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("other party")
    )
    programme = models.ForeignKey(
        Programme, on_delete=models.PROTECT, null=True, related_name="findings", verbose_name=_("programme")
    )
    grant = models.ForeignKey(
        Grant, on_delete=models.PROTECT, null=True, related_name="findings", verbose_name=_("grant")
    )
    redemption = models.ForeignKey(
        Redemption, on_delete=models.PROTECT, null=True, related_name="findings", verbose_name=_("redemption")
    )
    amount_fen = FenField(_("amount (fen)"), default=0)
    evidence = models.JSONField(_("evidence"))
    found_at = models.DateTimeField(_("found at"))
    found_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("found by")
    )
    due_at = models.DateTimeField(_("to be decided by"), null=True)
    assigned_to = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("assigned to")
    )
    assigned_at = models.DateTimeField(_("assigned at"), null=True)
    asked_at = models.DateTimeField(_("asked to explain at"), null=True)
    answer_due_at = models.DateTimeField(_("answer due"), null=True)
    answer = models.TextField(_("answer"), blank=True)
    answered_at = models.DateTimeField(_("answered at"), null=True)
    decided_by = models.ForeignKey(
        User, on_delete=models.PROTECT, null=True, related_name="+", verbose_name=_("decided by")
    )
    decided_at = models.DateTimeField(_("decided at"), null=True)
    reason = models.TextField(_("reason"), blank=True)

    objects = FindingQuerySet.as_manager()

    class Meta:
        verbose_name = _("finding")
        verbose_name_plural = _("findings")
        indexes = [models.Index(fields=["status", "severity", "-found_at"], name="finding_queue")]
        constraints = [
            UniqueConstraint(fields=["dedupe_key"], name="finding_once"),
            models.CheckConstraint(condition=Q(rule__in=FindingRule.values), name="finding_rule_known"),
            models.CheckConstraint(condition=Q(severity__in=Severity.values), name="finding_severity_known"),
            models.CheckConstraint(condition=Q(status__in=FindingStatus.values), name="finding_status_known"),
            models.CheckConstraint(condition=Q(amount_fen__gte=0), name="finding_amount_not_negative"),
            models.CheckConstraint(
                condition=Q(status=FindingStatus.OPEN)
                | Q(status=FindingStatus.ASSIGNED, assigned_to__isnull=False)
                | (Q(decided_by__isnull=False, decided_at__isnull=False) & ~Q(reason="")),
                name="finding_decided_with_a_reason",
            ),
            models.CheckConstraint(
                condition=Q(decided_by=None) | Q(found_by=None) | ~Q(decided_by=F("found_by")),
                name="finding_maker_is_not_checker",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_rule_display()} · {self.id}"


class Tip(Entity):
    """What somebody reported, without having to say who they are. Never changed, never deleted."""

    text = models.TextField(_("what happened"))
    about = models.CharField(_("which firm"), max_length=200, blank=True)
    contact = models.CharField(_("how to reach you"), max_length=200, blank=True)
    finding = models.OneToOneField(Finding, on_delete=models.PROTECT, related_name="tip")
    received_at = models.DateTimeField(_("received at"))

    class Meta:
        verbose_name = _("tip")
        verbose_name_plural = _("tips")
        constraints = [models.CheckConstraint(condition=~Q(text=""), name="tip_says_something")]

    def __str__(self) -> str:
        return str(self.id)


class ForeignClaim(Entity):
    """A contract or an invoice that another department has paid for: its list finds what is claimed twice."""

    department = models.CharField(_("department"), max_length=120)
    kind = models.CharField(_("kind"), max_length=8, choices=[("contract", _("Contract")), ("invoice", _("Invoice"))])
    number = models.CharField(_("number"), max_length=80)
    entity_code = models.CharField(_("unified social credit code"), max_length=18, blank=True)
    amount_fen = FenField(_("amount (fen)"), default=0)
    imported_at = models.DateTimeField(_("imported at"))
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("imported by"))

    class Meta:
        verbose_name = _("claim elsewhere")
        verbose_name_plural = _("claims elsewhere")
        constraints = [
            UniqueConstraint(fields=["department", "kind", "number"], name="foreign_claim_once"),
            models.CheckConstraint(condition=~Q(number=""), name="foreign_claim_has_a_number"),
            models.CheckConstraint(condition=Q(kind__in=["contract", "invoice"]), name="foreign_claim_kind_known"),
        ]

    def __str__(self) -> str:
        return f"{self.department} {self.number}"
