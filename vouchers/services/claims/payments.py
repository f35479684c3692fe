"""Pay approved claims in batches: one person makes a batch, another releases it, and neither has checked the claims."""

import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from vouchers.models import (
    BatchStatus,
    Claim,
    ClaimStatus,
    Payment,
    PaymentBatch,
    PaymentStatus,
    PayoutAccount,
)
from vouchers.services.claims import bank_files, books, clocks, evidence, hands
from vouchers.services.people import MakerIsChecker

MOST_PAYMENTS = 1_000
QUEUE = "SELECT pg_advisory_xact_lock(1121, hashtext(%s))"


class NotPayable(Conflict):
    """A claim is not with finance, or of another authority."""

    code = "claim-not-payable"


class PaidAlready(Conflict):
    """A claim is in another batch, or paid."""

    code = "claim-in-another-batch"


class AccountMissing(Conflict):
    """A claimant has no verified account."""

    code = "payout-account-missing"


class TakenBack(Conflict):
    """Something of a claim was refunded since it was approved."""

    code = "claim-taken-back"


class BadBatch(DomainError):
    """A batch holds between one and a thousand claims."""

    code = "bad-payment-batch"


@transaction.atomic
def make_batch(*, authority: Organization, claims: Sequence[Claim], actor: Actor, at: datetime) -> PaymentBatch:
    """Put claims that are with finance into a batch, each for exactly what was approved.

    :raises BadBatch, NotPayable, PaidAlready, AccountMissing: if one of them cannot be paid.
    :raises MakerIsChecker: if the person had a hand in one of them.
    """
    by = hands.finance(actor, authority)
    locked = _payable(authority, {claim.pk for claim in claims})
    accounts = _accounts(locked)
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, [str(authority.pk)])
    last = PaymentBatch.objects.filter(authority=authority).order_by("-number").values_list("number", flat=True)
    batch = PaymentBatch.objects.create(
        authority=authority,
        number=1 + (last.first() or 0),
        status=BatchStatus.DRAFT,
        payments_count=len(locked),
        total_fen=sum(claim.approved_fen or 0 for claim in locked),
        made_by=by,
    )
    with _refused():
        Payment.objects.bulk_create(_payment(batch, claim, accounts[claim.claimant_id]) for claim in locked)
    after = {"claims": [str(claim.pk) for claim in locked], "total_fen": batch.total_fen}
    audit.record(actor=actor, verb="payments.batched", thing=batch, at=at, after=after)
    return batch


@transaction.atomic
def release(*, batch: PaymentBatch, actor: Actor, at: datetime) -> PaymentBatch:
    """Release a batch to the bank: its file is written and kept, and every claim in it is instructed.

    :raises MakerIsChecker: if the person made the batch, or had a hand in one of its claims.
    :raises TakenBack: if something of a claim was refunded since it was approved.
    """
    batch = PaymentBatch.objects.locked().select_related("authority").get(pk=batch.pk)
    by = hands.finance(actor, batch.authority)
    payments = list(Payment.objects.locked().filter(batch=batch).select_related("claim__programme", "payee"))
    claims = {claim.pk: claim for claim in Claim.objects.locked().filter(payments__in=payments)}
    content = bank_files.write(batch=batch, payments=payments)
    file = evidence.keep(content=content, media_type=bank_files.MEDIA_TYPE, at=at)
    with _refused():
        batch.move_to(BatchStatus.RELEASED, released_by=by, released_at=at, file=file)
    for payment in payments:
        payment.move_to(PaymentStatus.SENT)
        _instruct(claims[payment.claim_id], by=by, at=at)
    after = {"sha256": file.sha256, "total_fen": batch.total_fen}
    audit.record(actor=actor, verb="payments.released", thing=batch, at=at, after=after)
    return batch


@transaction.atomic
def cancel(*, batch: PaymentBatch, actor: Actor, at: datetime) -> PaymentBatch:
    """Give a batch up that was not released; its claims wait for another one.

    :raises IllegalMove: if it was released.
    """
    batch = PaymentBatch.objects.locked().select_related("authority").get(pk=batch.pk)
    hands.finance(actor, batch.authority)
    batch.move_to(BatchStatus.CANCELLED)
    for payment in Payment.objects.locked().filter(batch=batch):
        payment.move_to(PaymentStatus.CANCELLED)
    audit.record(actor=actor, verb="payments.cancelled", thing=batch, at=at)
    return batch


@transaction.atomic
def reconcile(*, batch: PaymentBatch, actor: Actor, at: datetime) -> PaymentBatch:
    """Close a batch of which every payment was answered: what arrived is what the bank statement shows.

    :raises IllegalMove: if an answer is missing.
    """
    batch = PaymentBatch.objects.locked().select_related("authority").get(pk=batch.pk)
    by = hands.finance(actor, batch.authority)
    batch.move_to(BatchStatus.RECONCILED, reconciled_by=by, reconciled_at=at)
    paid = Claim.objects.locked().filter(payments__batch=batch, payments__status=PaymentStatus.PAID)
    for claim in paid:
        claim.move_to(ClaimStatus.RECONCILED, due_at=None)
        books.note(claim=claim, kind="reconcile", by=by, at=at, amount_fen=claim.approved_fen or 0)
    audit.record(actor=actor, verb="payments.reconciled", thing=batch, at=at)
    return batch


def _payable(authority: Organization, ids: set[UUID]) -> list[Claim]:
    if not 0 < len(ids) <= MOST_PAYMENTS:
        raise BadBatch(_("A batch has between 1 and %(most)d claims.") % {"most": MOST_PAYMENTS})
    locked = list(Claim.objects.locked().of_authority(authority).filter(pk__in=ids).with_names())
    if len(locked) != len(ids):
        raise NotPayable(_("A claim is not one of this authority's."))
    for claim in locked:
        if claim.status in (ClaimStatus.INSTRUCTED, ClaimStatus.PAID, ClaimStatus.RECONCILED):
            raise PaidAlready(_("The claim %(number)s is being paid already.") % {"number": claim})
        if claim.status != ClaimStatus.FINANCE_REVIEW:
            raise NotPayable(_("The claim %(number)s is not with finance.") % {"number": claim})
    return locked


def _accounts(claims: Sequence[Claim]) -> dict[UUID, PayoutAccount]:
    current = PayoutAccount.objects.current().filter(organization__in={claim.claimant_id for claim in claims})
    accounts = {account.organization_id: account for account in current}
    for claim in claims:
        if claim.claimant_id not in accounts:
            detail = _("%(name)s has no verified account to be paid to.")
            raise AccountMissing(detail % {"name": claim.claimant.name})
    return accounts


def _payment(batch: PaymentBatch, claim: Claim, account: PayoutAccount) -> Payment:
    assert claim.approved_fen is not None, "a claim with finance is approved"
    return Payment(
        batch=batch,
        claim=claim,
        status=PaymentStatus.WAITING,
        reference=f"SY{secrets.token_hex(8).upper()}",
        amount_fen=claim.approved_fen,
        payee=claim.claimant,
        holder=account.holder,
        bank=account.bank,
        account_number=account.number,
    )


def _instruct(claim: Claim, *, by: User, at: datetime) -> None:
    claim.move_to(ClaimStatus.INSTRUCTED, due_at=clocks.due(ClaimStatus.INSTRUCTED, at))
    event = books.note(claim=claim, kind="instruct", by=by, at=at, amount_fen=claim.approved_fen or 0)
    books.instruct(claim=claim, event=event)


def _refused() -> AbstractContextManager[None]:
    """Say in words what the database refuses."""
    hands = _("Whoever put a claim together, checked or approved it does not pay it.")
    return refusing(
        payment_under_way_once=PaidAlready(_("A claim is in another batch already.")),
        payment_maker_has_not_checked=MakerIsChecker(hands),
        payment_releaser_has_not_checked=MakerIsChecker(hands),
        payment_batch_maker_is_not_releaser=MakerIsChecker(_("Another person must release what you put together.")),
        payment_within_captured=TakenBack(
            _("Something of a claim was taken back since it was approved: have it looked at again.")
        ),
    )
