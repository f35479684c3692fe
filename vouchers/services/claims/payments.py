"""Pay approved claims in batches: one person makes a batch, another releases it, and neither has checked the claims.

What a payee owes the authority after clawbacks is set off first; what is withheld, is not paid.
"""

import secrets
from collections.abc import Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from uuid import UUID

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.services import audit, duties
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from vouchers.models import (
    BatchStatus,
    Claim,
    ClaimStatus,
    Clawback,
    Payment,
    PaymentBatch,
    PaymentStatus,
    PayoutAccount,
)
from vouchers.services.claims import bank_files, books, clocks, evidence, hands, offsets, settling, withholding
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


class PayoutWithheld(Conflict):
    """Something of a claim is withheld: a suspended provider, a frozen grant, a clawback, related parties."""

    code = "payout-withheld"


class BadBatch(DomainError):
    """A batch holds between one and a thousand claims."""

    code = "bad-payment-batch"


@transaction.atomic
def make_batch(*, authority: Organization, claims: Sequence[Claim], actor: Actor, at: datetime) -> PaymentBatch:
    """Put claims that are with finance into a batch, each for what was approved less what its payee owes.

    :raises BadBatch, NotPayable, PaidAlready, AccountMissing, PayoutWithheld: if one of them cannot be paid.
    :raises MakerIsChecker: if the person had a hand in one of them.
    :raises Partial: if the person has an interest in a claimant.
    """
    by = hands.finance(actor, authority)
    locked = _payable(authority, {claim.pk for claim in claims})
    claimants = Organization.objects.filter(pk__in={claim.claimant_id for claim in locked})
    duties.require_impartial_among(user=by, among=claimants)
    _require_free(locked, at)
    accounts = _accounts(locked)
    planned = offsets.plan(authority=authority, claims=locked, at=at)
    with connection.cursor() as cursor:
        cursor.execute(QUEUE, [str(authority.pk)])
    offset_fen = sum(fen for parts in planned.values() for _case, fen in parts)
    last = PaymentBatch.objects.filter(authority=authority).order_by("-number").values_list("number", flat=True)
    batch = PaymentBatch.objects.create(
        authority=authority,
        number=1 + (last.first() or 0),
        status=BatchStatus.DRAFT,
        payments_count=len(locked),
        total_fen=sum(claim.approved_fen or 0 for claim in locked) - offset_fen,
        offset_fen=offset_fen,
        made_by=by,
    )
    with _refused():
        made = Payment.objects.bulk_create(
            _payment(batch, claim, accounts[claim.claimant_id], planned[claim.pk]) for claim in locked
        )
    offsets.keep(payments=made, planned=planned)
    after = {"claims": [str(claim.pk) for claim in locked], "total_fen": batch.total_fen, "offset_fen": offset_fen}
    audit.record(actor=actor, verb="payments.batched", thing=batch, at=at, after=after)
    return batch


@transaction.atomic
def release(*, batch: PaymentBatch, actor: Actor, at: datetime) -> PaymentBatch:
    """Release a batch to the bank: its file is written and kept, and every claim in it is instructed.

    What is set off whole is paid at once: the bank has nothing to do with it.

    :raises MakerIsChecker: if the person made the batch, or had a hand in one of its claims.
    :raises Partial: if the person has an interest in a payee.
    :raises TakenBack: if something of a claim was refunded since it was approved.
    :raises PayoutWithheld: if something of a claim is withheld since the batch was made.
    :raises OffsetsChanged: if a payee owes more, or less, than is set off.
    """
    batch = PaymentBatch.objects.locked().select_related("authority").get(pk=batch.pk)
    by = hands.bursar(actor, batch)
    payments = list(Payment.objects.locked().filter(batch=batch).select_related("claim__programme", "payee"))
    claims = {claim.pk: claim for claim in Claim.objects.locked().filter(payments__in=payments).with_names()}
    _require_free(list(claims.values()), at)
    offsets.require_unchanged(authority=batch.authority, payments=payments, claims=claims, at=at)
    content = bank_files.write(batch=batch, payments=payments)
    file = evidence.keep(content=content, media_type=bank_files.MEDIA_TYPE, at=at)
    with _refused():
        batch.move_to(BatchStatus.RELEASED, released_by=by, released_at=at, file=file)
    for payment in payments:
        payment.move_to(PaymentStatus.SENT)
        _instruct(payment, claims[payment.claim_id], by=by, at=at)
    settling.close_if_answered(batch=batch, payments=payments)
    after = {"sha256": file.sha256, "total_fen": batch.total_fen, "offset_fen": batch.offset_fen}
    audit.record(actor=actor, verb="payments.released", thing=batch, at=at, after=after)
    return batch


@transaction.atomic
def cancel(*, batch: PaymentBatch, actor: Actor, at: datetime) -> PaymentBatch:
    """Give a batch up that was not released; its claims wait for another one.

    It pays nobody, so whoever turns out to have an interest in a payee does it as well.

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
    :raises Partial: if the person has an interest in a payee.
    """
    batch = PaymentBatch.objects.locked().select_related("authority").get(pk=batch.pk)
    by = hands.bursar(actor, batch)
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


def _require_free(claims: Sequence[Claim], at: datetime) -> None:
    """Refuse to pay claims of which something is withheld by now, whatever was approved."""
    withheld = withholding.stops(claims, at)
    if withheld:
        claim, reason = withheld[0]
        facts = {"number": claim, "reason": reason.label}
        detail = _("Something of the claim %(number)s is withheld (%(reason)s): have it looked at again.") % facts
        raise PayoutWithheld(detail, reason=reason.value, claims=[str(one.pk) for one, _why in withheld])


def _payment(
    batch: PaymentBatch, claim: Claim, account: PayoutAccount, parts: Sequence[tuple[Clawback, int]]
) -> Payment:
    assert claim.approved_fen is not None, "a claim with finance is approved"
    offset_fen = sum(fen for _case, fen in parts)
    return Payment(
        batch=batch,
        claim=claim,
        status=PaymentStatus.WAITING,
        reference=f"SY{secrets.token_hex(8).upper()}",
        amount_fen=claim.approved_fen - offset_fen,
        offset_fen=offset_fen,
        payee=claim.claimant,
        holder=account.holder,
        bank=account.bank,
        account_number=account.number,
    )


def _instruct(payment: Payment, claim: Claim, *, by: User, at: datetime) -> None:
    claim.move_to(ClaimStatus.INSTRUCTED, due_at=clocks.due(ClaimStatus.INSTRUCTED, at))
    facts = {"set_off_fen": payment.offset_fen} if payment.offset_fen else {}
    event = books.note(claim=claim, kind="instruct", by=by, at=at, amount_fen=payment.amount_fen, facts=facts)
    if payment.amount_fen:
        books.instruct(claim=claim, event=event)
    else:
        settling.pay(payment=payment, claim=claim, serial="", by=by, at=at)


def _refused() -> AbstractContextManager[None]:
    """Say in words what the database refuses."""
    hands = _("Whoever put a claim together, checked or approved it does not pay it.")
    return refusing(
        payment_under_way_once=PaidAlready(_("A claim is in another batch already.")),
        payment_maker_has_not_checked=MakerIsChecker(hands),
        payment_releaser_has_not_checked=MakerIsChecker(hands),
        payment_hand_is_impartial=duties.Partial(_("You have an interest in a payee: somebody else has to pay.")),
        payment_batch_maker_is_not_releaser=MakerIsChecker(_("Another person must release what you put together.")),
        payment_offset_not_suspended=offsets.OffsetsChanged(
            _("What a payee owes has changed since: give the batch up and make it anew.")
        ),
        payment_payee_not_suspended=PayoutWithheld(_("What is owed to a suspended provider is withheld.")),
        payment_within_captured=TakenBack(
            _("Something of a claim was taken back since it was approved: have it looked at again.")
        ),
    )
