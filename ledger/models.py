"""Accounts, transfers with their postings, holds, and the balances that triggers keep.

Sums, floors, immutability and the closing of transfers are kept by the database: see ``migrations/``.
"""

from typing import Any, ClassVar

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, F, Q, UniqueConstraint
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from core.fields import FenField
from core.models import Row, Stateful


class Account(models.Model):
    """A place where value lies. With a floor it is bounded; without one it only collects postings."""

    code = models.CharField(_("code"), max_length=120)
    floor_fen = FenField(_("floor (fen)"), null=True, editable=False)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("account")
        verbose_name_plural = _("accounts")
        constraints = [
            UniqueConstraint(fields=["code"], name="ledger_account_code_once"),
            CheckConstraint(condition=~Q(code=""), name="ledger_account_code_given"),
            CheckConstraint(condition=Q(floor_fen__lte=0), name="ledger_account_floor_not_positive"),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def bounded(self) -> bool:
        """Whether the account has a floor, and therefore a balance row and possibly holds."""
        return self.floor_fen is not None


class Balance(Row):
    """What a bounded account holds and what is reserved of it. Only triggers write it."""

    account = models.OneToOneField(Account, on_delete=models.PROTECT, primary_key=True, verbose_name=_("account"))
    posted_fen = FenField(_("posted (fen)"))
    held_fen = FenField(_("held (fen)"))
    floor_fen = FenField(_("floor (fen)"))

    class Meta:
        verbose_name = _("balance")
        verbose_name_plural = _("balances")
        constraints = [
            CheckConstraint(
                condition=Q(posted_fen__gte=F("floor_fen") + F("held_fen")),
                name="ledger_balance_floor",
            ),
            CheckConstraint(condition=Q(held_fen__gte=0), name="ledger_balance_held_not_negative"),
        ]

    @property
    def available_fen(self) -> int:
        """Return what may still be spent, in fen."""
        return int(self.posted_fen - self.held_fen - self.floor_fen)


class HoldStatus(models.TextChoices):
    """Why a hold no longer reserves anything, or that it still does."""

    PENDING = "pending", _("pending")
    POSTED = "posted", _("posted")
    VOIDED = "voided", _("voided")
    EXPIRED = "expired", _("expired")


class Hold(Stateful):
    """Value of a bounded account set aside, captured in parts; closing it gives back the rest.

    It has no checks: triggers judge it, at no cost where it reserves its balance anyway.
    """

    MOVES: ClassVar[dict[Any, set[Any]]] = {
        HoldStatus.PENDING: {HoldStatus.POSTED, HoldStatus.VOIDED, HoldStatus.EXPIRED},
        HoldStatus.POSTED: set(),
        HoldStatus.VOIDED: set(),
        HoldStatus.EXPIRED: set(),
    }

    key = models.CharField(_("key"), max_length=200, db_collation="C")
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="holds",
        db_constraint=False,
        verbose_name=_("account"),
    )
    asked_fen = FenField(_("asked (fen)"))
    amount_fen = FenField(_("amount (fen)"))
    captured_fen = FenField(_("captured (fen)"), db_default=0)
    expires_at = models.DateTimeField(_("expires at"), null=True)
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("hold")
        verbose_name_plural = _("holds")
        indexes = [
            models.Index(
                fields=["expires_at"],
                condition=Q(status="pending", expires_at__isnull=False),
                name="ledger_hold_due",
            ),
        ]
        constraints = [
            UniqueConstraint(fields=["key"], name="ledger_hold_key_once"),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def remaining_fen(self) -> int:
        """Return what may still be captured, in fen."""
        return int(self.amount_fen - self.captured_fen) if self.status == HoldStatus.PENDING else 0


class Transfer(models.Model):
    """One movement of value with all its legs, by account. Never changed, so nothing can be added to it."""

    key = models.CharField(_("key"), max_length=200, db_collation="C")
    kind = models.CharField(_("kind"), max_length=40)
    amount_fen = FenField(_("amount (fen)"))
    account_ids = ArrayField(models.BigIntegerField(), verbose_name=_("accounts"))
    amounts_fen = ArrayField(FenField(), verbose_name=_("amounts (fen)"))
    hold = models.ForeignKey(
        Hold,
        on_delete=models.PROTECT,
        null=True,
        related_name="captures",
        db_constraint=False,
        db_index=False,
        verbose_name=_("hold"),
    )
    reverses = models.ForeignKey(
        "self",
        on_delete=models.PROTECT,
        null=True,
        related_name="reversals",
        db_constraint=False,
        db_index=False,
        verbose_name=_("reverses"),
    )
    effective_at = models.DateTimeField(_("effective at"))
    created_at = models.DateTimeField(_("created at"), db_default=Now(), editable=False)

    class Meta:
        verbose_name = _("transfer")
        verbose_name_plural = _("transfers")
        indexes = [
            models.Index(
                fields=["hold"],
                condition=Q(hold__isnull=False),
                name="ledger_transfer_by_hold",
            ),
        ]
        constraints = [
            UniqueConstraint(fields=["key"], name="ledger_transfer_key_once"),
            UniqueConstraint(
                fields=["reverses"],
                condition=Q(reverses__isnull=False),
                name="ledger_transfer_reversed_once",
            ),
            CheckConstraint(
                condition=~Q(key="") & ~Q(kind=""),
                name="ledger_transfer_key_and_kind_given",
            ),
            CheckConstraint(condition=Q(amount_fen__gt=0), name="ledger_transfer_amount_positive"),
            CheckConstraint(
                condition=Q(hold__isnull=True) | Q(reverses__isnull=True),
                name="ledger_transfer_capture_or_reversal",
            ),
        ]

    def __str__(self) -> str:
        return self.key

    @property
    def moves(self) -> dict[int, int]:
        """Return what each account gained or gave, in fen, by account id."""
        return dict(zip(self.account_ids, self.amounts_fen, strict=True))


class Posting(Row):
    """One leg of a transfer as its account sees it: gained (positive) or given (negative). Only a trigger writes it."""

    pk = models.CompositePrimaryKey("account_id", "transfer_id")
    account = models.ForeignKey(
        Account,
        on_delete=models.PROTECT,
        related_name="postings",
        db_constraint=False,
        db_index=False,
        verbose_name=_("account"),
    )
    transfer = models.ForeignKey(
        Transfer,
        on_delete=models.PROTECT,
        related_name="+",
        db_constraint=False,
        db_index=False,
        verbose_name=_("transfer"),
    )
    amount_fen = FenField(_("amount (fen)"))

    class Meta:
        verbose_name = _("posting")
        verbose_name_plural = _("postings")
        constraints = [
            CheckConstraint(condition=~Q(amount_fen=0), name="ledger_posting_amount_not_zero"),
        ]
