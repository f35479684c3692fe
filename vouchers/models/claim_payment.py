"""How an approved claim is paid: accounts, batches for the bank, single payments, and what the bank answered."""

from typing import Any, ClassVar, Self

from django.db import models
from django.db.models import F, Q, UniqueConstraint
from django.utils.translation import gettext_lazy as _

from accounts.models import Organization, User
from core.fields import FenField
from core.models import Entity, EntityQuerySet, Row, Stateful
from vouchers.models.claim import Claim
from vouchers.models.claim_evidence import KeptFile


class AccountState(models.TextChoices):
    """What became of an account that was declared."""

    DECLARED = "declared", _("Waiting to be verified")
    VERIFIED = "verified", _("In use")
    RETIRED = "retired", _("Replaced")
    REJECTED = "rejected", _("Turned down")


class PayoutAccountQuerySet(EntityQuerySet["PayoutAccount"]):
    """Accounts by whether money may go there."""

    def current(self) -> Self:
        return self.filter(verified_at__isnull=False, retired_at=None)

    def in_state(self, state: str) -> Self:
        if state == AccountState.REJECTED:
            return self.filter(refused_by__isnull=False)
        return self.filter(
            refused_by=None,
            verified_at__isnull=state == AccountState.DECLARED,
            retired_at__isnull=state != AccountState.RETIRED,
        )

    def told(self) -> Self:
        """Return what a claimant is told of: what waits, what is used, and what was turned down, with the reason."""
        return self.filter(Q(retired_at=None) | Q(refused_by__isnull=False))


class PayoutAccount(Entity):
    """Where an organisation is paid: declared by its people, verified or turned down by somebody else."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="payout_accounts")
    holder = models.CharField(_("account holder"), max_length=200)
    bank = models.CharField(_("bank and branch"), max_length=200)
    number = models.CharField(_("account number"), max_length=40)
    declared_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField(_("declared at"))
    verified_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    verified_at = models.DateTimeField(_("verified at"), null=True)
    # What whoever verified it typed, and from which paper; nothing of accounts that were verified by four digits.
    confirmed_number = models.CharField(_("number that its verifier typed"), max_length=40, default="", db_default="")
    compared_with = models.CharField(_("compared with"), max_length=200, default="", db_default="")
    retired_at = models.DateTimeField(_("retired at"), null=True)
    refused_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    refusal = models.CharField(_("why it was turned down"), max_length=500, default="", db_default="")

    objects = PayoutAccountQuerySet.as_manager()

    class Meta:
        verbose_name = _("payout account")
        verbose_name_plural = _("payout accounts")
        constraints = [
            UniqueConstraint(
                fields=["organization"],
                condition=Q(verified_at__isnull=False, retired_at=None),
                name="payout_account_current_once",
            ),
            models.CheckConstraint(
                condition=Q(verified_by=None, verified_at=None)
                | Q(verified_by__isnull=False, verified_at__isnull=False) & ~Q(verified_by=F("declared_by")),
                name="payout_account_maker_is_not_checker",
            ),
            models.CheckConstraint(
                condition=Q(verified_at__isnull=False) | Q(confirmed_number="", compared_with=""),
                name="payout_account_confirmed_when_verified",
            ),
            models.CheckConstraint(condition=Q(number__regex=r"^[0-9]{6,32}$"), name="payout_account_number_digits"),
            models.CheckConstraint(
                condition=Q(refused_by=None, refusal="")
                | Q(refused_by__isnull=False, verified_by=None, retired_at__isnull=False)
                & ~Q(refusal="")
                & ~Q(refused_by=F("declared_by")),
                name="payout_account_refused_by_another_with_reason",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.holder} ···{self.number[-4:]}"

    @property
    def ends_with(self) -> str:
        """Return the digits by which the account is told from others where its number is nobody's business."""
        return self.number[-4:]

    @property
    def state(self) -> AccountState:
        if self.refused_by_id:
            return AccountState.REJECTED
        if self.retired_at:
            return AccountState.RETIRED
        return AccountState.VERIFIED if self.verified_at else AccountState.DECLARED


class BatchStatus(models.TextChoices):
    """One person makes a batch, another one releases it, the bank answers, and a person reconciles it."""

    DRAFT = "draft", _("Waiting for release")
    RELEASED = "released", _("Released to the bank")
    ANSWERED = "answered", _("Answered by the bank")
    RECONCILED = "reconciled", _("Reconciled")
    CANCELLED = "cancelled", _("Cancelled")


class PaymentBatchQuerySet(EntityQuerySet["PaymentBatch"]):
    """Batches by whose money they move."""

    def of_authority(self, authority: Organization) -> Self:
        return self.filter(authority=authority)


class PaymentBatch(Entity, Stateful):
    """Payments that go to the bank in one file with check totals; ``total_fen`` is what the bank is asked to pay."""

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        BatchStatus.DRAFT: {BatchStatus.RELEASED, BatchStatus.CANCELLED},
        BatchStatus.RELEASED: {BatchStatus.ANSWERED},
        BatchStatus.ANSWERED: {BatchStatus.RECONCILED},
        BatchStatus.RECONCILED: set(),
        BatchStatus.CANCELLED: set(),
    }

    authority = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="payment_batches")
    number = models.PositiveIntegerField(_("number"))
    payments_count = models.PositiveIntegerField(_("payments"))
    total_fen = FenField(_("total (fen)"))
    offset_fen = FenField(_("set off (fen)"), default=0, db_default=0)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+", verbose_name=_("made by"))
    released_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    released_at = models.DateTimeField(_("released at"), null=True)
    file = models.ForeignKey(KeptFile, on_delete=models.PROTECT, null=True, related_name="+")
    reconciled_by = models.ForeignKey(User, on_delete=models.PROTECT, null=True, related_name="+")
    reconciled_at = models.DateTimeField(_("reconciled at"), null=True)

    objects = PaymentBatchQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment batch")
        verbose_name_plural = _("payment batches")
        constraints = [
            UniqueConstraint(fields=["authority", "number"], name="payment_batch_number_once"),
            models.CheckConstraint(condition=Q(status__in=BatchStatus.values), name="payment_batch_status_known"),
            models.CheckConstraint(
                condition=Q(released_by=None) | ~Q(released_by=F("made_by")),
                name="payment_batch_maker_is_not_releaser",
            ),
            models.CheckConstraint(
                condition=Q(status__in=[BatchStatus.DRAFT, BatchStatus.CANCELLED])
                | Q(released_by__isnull=False, released_at__isnull=False, file__isnull=False),
                name="payment_batch_released_by_someone",
            ),
            models.CheckConstraint(
                condition=Q(payments_count__gt=0, total_fen__gte=0, offset_fen__gte=0) & ~Q(total_fen=0, offset_fen=0),
                name="payment_batch_not_empty",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number:06d}"


class PaymentStatus(models.TextChoices):
    """A payment waits, is with the bank, and arrives or bounces."""

    WAITING = "waiting", _("Waiting for release")
    SENT = "sent", _("With the bank")
    PAID = "paid", _("Paid")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")


UNDER_WAY = (PaymentStatus.WAITING, PaymentStatus.SENT, PaymentStatus.PAID)


class Payment(Entity, Stateful):
    """One try to pay one claim. Whom it pays and how much never changes; a failed one is followed by another.

    What was approved is ``amount_fen``, which the bank pays, and ``offset_fen``, which is set off against what the
    payee owes after clawbacks: perhaps all of it, and then no bank is asked.
    """

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        PaymentStatus.WAITING: {PaymentStatus.SENT, PaymentStatus.CANCELLED},
        PaymentStatus.SENT: {PaymentStatus.PAID, PaymentStatus.FAILED},
        PaymentStatus.PAID: set(),
        PaymentStatus.FAILED: set(),
        PaymentStatus.CANCELLED: set(),
    }

    batch = models.ForeignKey(PaymentBatch, on_delete=models.PROTECT, related_name="payments")
    claim = models.ForeignKey(Claim, on_delete=models.PROTECT, related_name="payments")
    reference = models.CharField(_("reference"), max_length=32)
    amount_fen = FenField(_("amount (fen)"))
    offset_fen = FenField(_("set off (fen)"), default=0, db_default=0)
    payee = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="+")
    holder = models.CharField(_("account holder"), max_length=200)
    bank = models.CharField(_("bank and branch"), max_length=200)
    account_number = models.CharField(_("account number"), max_length=40)
    bank_serial = models.CharField(_("the bank's own number"), max_length=64, blank=True)
    failure = models.CharField(_("why it failed"), max_length=200, blank=True)
    settled_at = models.DateTimeField(_("answered at"), null=True)

    objects = EntityQuerySet.as_manager()

    class Meta:
        verbose_name = _("payment")
        verbose_name_plural = _("payments")
        constraints = [
            UniqueConstraint(fields=["claim"], condition=Q(status__in=UNDER_WAY), name="payment_under_way_once"),
            UniqueConstraint(fields=["reference"], name="payment_reference_once"),
            UniqueConstraint(fields=["bank_serial"], condition=~Q(bank_serial=""), name="payment_bank_serial_once"),
            models.CheckConstraint(
                condition=Q(amount_fen__gte=0, offset_fen__gte=0) & ~Q(amount_fen=0, offset_fen=0),
                name="payment_amount_positive",
            ),
            models.CheckConstraint(condition=Q(status__in=PaymentStatus.values), name="payment_status_known"),
            models.CheckConstraint(
                condition=~Q(status=PaymentStatus.FAILED) | ~Q(failure=""), name="payment_failed_with_reason"
            ),
            models.CheckConstraint(
                condition=~Q(status=PaymentStatus.PAID) | ~Q(bank_serial="") | Q(amount_fen=0),
                name="payment_paid_with_serial",
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    @property
    def whole_fen(self) -> int:
        """Return what was approved: what the bank pays, and what is set off."""
        return int(self.amount_fen + self.offset_fen)


class BankResult(Row):
    """A file in which the bank says what became of payments. Never changed, never deleted."""

    id = models.BigAutoField(primary_key=True)
    batch = models.ForeignKey(PaymentBatch, on_delete=models.PROTECT, related_name="results")
    file = models.ForeignKey(KeptFile, on_delete=models.PROTECT, related_name="+")
    imported_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    imported_at = models.DateTimeField(_("imported at"))
    paid_count = models.PositiveIntegerField(_("paid"))
    failed_count = models.PositiveIntegerField(_("failed"))
    paid_fen = FenField(_("paid (fen)"))

    class Meta:
        verbose_name = _("bank result")
        verbose_name_plural = _("bank results")
        constraints = [UniqueConstraint(fields=["batch", "file"], name="bank_result_once")]
