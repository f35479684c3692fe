"""The lines of claims, the invoices that prove them, and what happened to a claim."""

from datetime import datetime
from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import EntityQuerySet, Row, Stateful
from vouchers.models.claim import WITH_CLAIMANT, Claim
from vouchers.models.redemption import Redemption


class LineStatus(models.TextChoices):
    """A line waits for a decision, is accepted or refused, or is left out for now."""

    INCLUDED = "included", _("Included")
    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Rejected")
    DISPUTED = "disputed", _("Disputed")
    WITHHELD = "withheld", _("Withheld")
    RESUBMITTED = "resubmitted", _("Handed in again")
    FREED = "freed", _("Free for another claim")
    REVERSED = "reversed", _("Reversed")


LIVE = (LineStatus.INCLUDED, LineStatus.ACCEPTED)
OVER = (LineStatus.FREED, LineStatus.REVERSED)


class LineKind(models.TextChoices):
    """What was redeemed is an entry; what a correction takes back is a reversal, followed by a new entry (I13)."""

    ENTRY = "entry", _("Entry")
    REVERSAL = "reversal", _("Reversal")


class Reason(models.TextChoices):
    """Why a line is not paid now."""

    NO_USAGE_PROOF = "NO_USAGE_PROOF", _("No proof of usage")
    NO_INVOICE = "NO_INVOICE", _("No invoice")
    INVOICE_MISMATCH = "INVOICE_MISMATCH", _("The invoice does not match")
    NO_PAYMENT_PROOF = "NO_PAYMENT_PROOF", _("No proof of payment")
    NO_CONTRACT = "NO_CONTRACT", _("No contract")
    NOT_ELIGIBLE = "NOT_ELIGIBLE", _("Not eligible")
    DOUBLE_FUNDING = "DOUBLE_FUNDING", _("Supported elsewhere")
    AUDIT_FAILED = "AUDIT_FAILED", _("Failed the audit of the sample")
    OTHER = "OTHER", _("Another reason")
    RELATED_PARTY = "RELATED_PARTY", _("Related parties")
    PROVIDER_SUSPENDED = "PROVIDER_SUSPENDED", _("The provider is suspended or no longer listed")
    FROZEN = "FROZEN", _("Frozen while a suspicion is looked into")
    AMOUNT_CHANGED = "AMOUNT_CHANGED", _("The amount has changed since the claim was assembled")
    SHORT = "SHORT", _("A cap leaves nothing for it")


class ClaimLineQuerySet(EntityQuerySet["ClaimLine"]):
    """Lines by where they stand."""

    def live(self) -> Self:
        return self.filter(status__in=LIVE)

    def unsettled(self) -> Self:
        """Return what is asked for, or was refused and may yet be handed in again or contested."""
        return self.exclude(status__in=OVER)

    def awaited(self, at: datetime) -> Self:
        """Return what may yet be paid: with those who check it, or with its claimant while the time for that runs."""
        late = Q(claim__status__in=WITH_CLAIMANT, claim__due_at__lte=at)
        return self.unsettled().exclude(late)

    def included(self) -> Self:
        return self.filter(status=LineStatus.INCLUDED)

    def accepted(self) -> Self:
        return self.filter(status=LineStatus.ACCEPTED)


class ClaimLine(Stateful):
    """One redemption in one claim, or for reimbursements the spending from which a redemption comes into being."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        LineStatus.INCLUDED: {LineStatus.ACCEPTED, LineStatus.REJECTED, LineStatus.WITHHELD, LineStatus.FREED},
        LineStatus.ACCEPTED: {LineStatus.INCLUDED},
        LineStatus.REJECTED: {
            LineStatus.DISPUTED,
            LineStatus.RESUBMITTED,
            LineStatus.REVERSED,
            LineStatus.INCLUDED,
        },
        LineStatus.DISPUTED: {LineStatus.REJECTED, LineStatus.RESUBMITTED},
        LineStatus.WITHHELD: {LineStatus.FREED, LineStatus.REVERSED, LineStatus.INCLUDED},
        LineStatus.RESUBMITTED: {LineStatus.FREED},
        LineStatus.FREED: set(),
        LineStatus.REVERSED: set(),
    }

    id = models.BigAutoField(primary_key=True)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="lines")
    number = models.PositiveSmallIntegerField(_("number"))
    kind = models.CharField(_("kind"), max_length=8, choices=LineKind, default=LineKind.ENTRY)
    generation = models.PositiveSmallIntegerField(_("how often corrected"), default=0)
    redemption = models.ForeignKey(Redemption, on_delete=models.PROTECT, null=True, related_name="claim_lines")
    buyer = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    provider = models.ForeignKey(Organization, on_delete=models.PROTECT, null=True, related_name="+")
    eligible_fen = FenField(_("eligible spending (fen)"))
    amount_fen = FenField(_("claimed (fen)"))
    accepted_fen = FenField(_("accepted (fen)"), null=True)
    spending = models.JSONField(_("spending"), default=dict)
    contract_no = models.CharField(_("contract number"), max_length=120, blank=True)
    sampled = models.BooleanField(_("in the sample"), default=False)
    sample_passed = models.BooleanField(_("passed the audit"), null=True)
    sampled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reason = models.CharField(_("reason"), max_length=20, choices=Reason, blank=True)
    note = models.TextField(_("note"), blank=True)
    answer = models.TextField(_("the claimant's answer"), blank=True)
    resubmit_by = models.DateTimeField(_("may be handed in again until"), null=True)

    objects = ClaimLineQuerySet.as_manager()

    class Meta:
        verbose_name = _("claim line")
        verbose_name_plural = _("claim lines")
        indexes = [
            models.Index(
                fields=["resubmit_by"], condition=Q(status=LineStatus.REJECTED), name="claim_line_to_resubmit"
            ),
        ]
        constraints = [
            UniqueConstraint(fields=["claim", "number"], name="claim_line_number_once"),
            UniqueConstraint(
                fields=["redemption", "provider", "generation", "kind"],
                condition=Q(status__in=LIVE, redemption__isnull=False),
                nulls_distinct=False,
                name="claim_line_redemption_live_once",
            ),
            models.CheckConstraint(condition=Q(status__in=LineStatus.values), name="claim_line_status_known"),
            models.CheckConstraint(
                condition=Q(kind=LineKind.ENTRY, amount_fen__gt=0)
                | Q(kind=LineKind.REVERSAL, amount_fen__lt=0, redemption__isnull=False),
                name="claim_line_sign_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(status=LineStatus.ACCEPTED, redemption__isnull=False, accepted_fen__isnull=False)
                | ~Q(status=LineStatus.ACCEPTED) & Q(accepted_fen=None),
                name="claim_line_accepted_with_amount",
            ),
            models.CheckConstraint(
                condition=Q(accepted_fen=None)
                | Q(kind=LineKind.ENTRY, accepted_fen__gt=0, accepted_fen__lte=F("amount_fen"))
                | Q(kind=LineKind.REVERSAL, accepted_fen=F("amount_fen")),
                name="claim_line_accepted_within_claimed",
            ),
            models.CheckConstraint(
                condition=~Q(status__in=[LineStatus.REJECTED, LineStatus.WITHHELD]) | ~Q(reason=""),
                name="claim_line_refused_with_reason",
            ),
        ]


class ClaimInvoice(Row):
    """An invoice that proves lines of a claim. Its number is in one live claim only, across all programmes (I14)."""

    id = models.BigAutoField(primary_key=True)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="invoices")
    lines = models.ManyToManyField(ClaimLine, related_name="invoices")
    number = models.CharField(_("number"), max_length=40)
    number_key = models.CharField(_("number as compared"), max_length=40, editable=False)
    amount_fen = FenField(_("amount (fen)"))
    issued_on = models.DateField(_("issued on"))
    live = models.BooleanField(_("proves something live"), default=True, editable=False)

    class Meta:
        verbose_name = _("claimed invoice")
        verbose_name_plural = _("claimed invoices")
        constraints = [
            UniqueConstraint(fields=["number_key"], condition=Q(live=True), name="claim_invoice_live_once"),
            models.CheckConstraint(condition=~Q(number_key=""), name="claim_invoice_number_given"),
            models.CheckConstraint(condition=Q(amount_fen__gt=0), name="claim_invoice_amount_positive"),
        ]


EVENTS: dict[str, Promise] = {
    "claim": _("Put together"),
    "submit": _("Handed in by the claimant"),
    "check": _("Taken up by the operator"),
    "sample": _("Sample drawn"),
    "decide": _("Decided"),
    "reconsider": _("Given back to the approver"),
    "return": _("Returned"),
    "finance": _("Taken over by finance"),
    "instruct": _("Sent to the bank"),
    "pay": _("Paid"),
    "set_off": _("Set off against what is owed"),
    "fail": _("Payment failed"),
    "reconcile": _("Reconciled"),
    "resubmit": _("Lines handed in again"),
    "dispute": _("Refusal contested"),
    "resolve": _("Objection answered"),
    "reverse": _("Lines reversed"),
    "drop": _("Given up"),
}


class ClaimEvent(Row):
    """What happened to a claim, in order. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="events")
    kind = models.CharField(_("kind"), max_length=16)
    amount_fen = FenField(_("amount (fen)"), default=0)
    by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    note = models.TextField(_("note"), blank=True)
    facts = models.JSONField(_("facts"), default=dict)
    at = models.DateTimeField(_("at"))

    class Meta:
        verbose_name = _("claim event")
        verbose_name_plural = _("claim events")

    @property
    def label(self) -> str:
        """Return what happened, in the reader's language."""
        return str(EVENTS.get(self.kind, self.kind))
