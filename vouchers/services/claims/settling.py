"""Settle a payment: it has arrived, or there was nothing to send, and what it set off counts with it."""

from collections.abc import Iterable
from datetime import datetime

from django.utils.translation import gettext as _

from accounts.models import User
from core.constraints import refusing
from core.errors import Conflict
from vouchers import ports
from vouchers.models import BatchStatus, Claim, ClaimantKind, ClaimStatus, Payment, PaymentBatch, PaymentStatus
from vouchers.services.claims import books, clocks, offsets


class SerialUsed(Conflict):
    """The bank's number stands for another payment."""

    code = "bank-serial-used"


def pay(*, payment: Payment, claim: Claim, serial: str, by: User, at: datetime) -> None:
    """Settle a payment that was sent, with the bank's number unless all of it was set off.

    :raises SerialUsed: if the number stands for another payment.
    """
    with refusing(payment_bank_serial_once=SerialUsed(_("A number of the bank stands for another payment."))):
        payment.move_to(PaymentStatus.PAID, bank_serial=serial, settled_at=at)
    claim.move_to(ClaimStatus.PAID, paid_at=at, due_at=clocks.due(ClaimStatus.PAID, at))
    offsets.count(payment=payment, claim=claim, by=by, at=at)
    event = books.note(claim=claim, kind="pay", by=by, at=at, amount_fen=payment.amount_fen)
    if payment.amount_fen:
        books.pay(claim=claim, event=event)
    _tell(payment, claim, at)


def close_if_answered(*, batch: PaymentBatch, payments: Iterable[Payment]) -> None:
    """Let a batch wait for its reconciliation once every payment of it was answered."""
    if all(one.status in (PaymentStatus.PAID, PaymentStatus.FAILED) for one in payments):
        batch.move_to(BatchStatus.ANSWERED)


def _tell(payment: Payment, claim: Claim, at: datetime) -> None:
    """Let whoever bills a provider know that the authority owes it that much less: paid out and set off."""
    if claim.claimant_kind == ClaimantKind.PROVIDER:
        ports.deliveries().authority_paid(
            programme=claim.programme,
            provider=claim.claimant,
            amount_fen=payment.whole_fen,
            key=f"payment/{payment.pk}",
            at=at,
        )
