"""Set off against payments what payees owe the same authority after clawbacks: the oldest demand first, to the fen.

A payment keeps its part of what is owed while it is on its way; it counts when the payment is paid, and is free again
when the payment fails or its batch is cancelled. No payment falls below nothing: the rest waits for the next batch.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from core.constraints import refusing
from core.errors import Conflict
from core.periods import date_of
from vouchers.models import Claim, Clawback, Payment, PaymentBatch, PaymentOffset
from vouchers.services import recoveries
from vouchers.services.claims import books

Plan = dict[UUID, list[tuple[Clawback, int]]]


class OffsetsChanged(Conflict):
    """What a payee owes is another amount than it was when the batch was made."""

    code = "offsets-changed"


def plan(*, authority: Organization, claims: Sequence[Claim], at: datetime, but: Sequence[Payment] = ()) -> Plan:
    """Return what each claim's payment is to set off, by the claim's key; the demands are locked.

    :param but: payments whose own offsets do not count, to plan them anew.
    """
    owing = _owing(authority, {claim.claimant_id for claim in claims}, but, at=at)
    in_order = sorted(claims, key=lambda one: (one.programme_id, one.number))
    return {claim.pk: _part(owing[claim.claimant_id], claim.approved_fen or 0) for claim in in_order}


def keep(*, payments: Sequence[Payment], planned: Mapping[UUID, Sequence[tuple[Clawback, int]]]) -> None:
    """Write down what new payments set off."""
    beyond = OffsetsChanged(_("What a payee owes has changed meanwhile: try again."))
    with refusing(payment_offset_within_what_is_owed=beyond):
        for payment in payments:
            for clawback, amount_fen in planned[payment.claim_id]:
                PaymentOffset.objects.create(payment=payment, clawback=clawback, amount_fen=amount_fen)


def require_unchanged(
    *, authority: Organization, payments: Sequence[Payment], claims: Mapping[UUID, Claim], at: datetime
) -> None:
    """Refuse to release payments that would not be set off like this any more.

    :raises OffsetsChanged: if a payee owes more than is set off, or there is less to set off.
    """
    parts = PaymentOffset.objects.filter(payment__in=payments)
    kept = {(part.payment_id, part.clawback_id): part.amount_fen for part in parts}
    ours = [claims[payment.claim_id] for payment in payments]
    planned = plan(authority=authority, claims=ours, at=at, but=payments)
    wanted = {(one.pk, case.pk): fen for one in payments for case, fen in planned[one.claim_id]}
    if wanted != kept:
        raise OffsetsChanged(_("What a payee owes has changed since: give the batch up and make it anew."))


def lock(*, payments: Sequence[Payment]) -> None:
    """Lock the demands that payments set off, in the order of their keys, before any of them is counted."""
    parts = PaymentOffset.objects.filter(payment__in=payments)
    list(Clawback.objects.locked().filter(pk__in=parts.values("clawback")).values_list("pk"))


def count(*, payment: Payment, claim: Claim, by: User, at: datetime) -> None:
    """Count what a payment that is paid has set off: its payee is owed less, and owes less, by the same fen."""
    parts = list(PaymentOffset.objects.filter(payment=payment).select_related("clawback").order_by("pk"))
    for part in parts:
        recoveries.set_off(part=part, reference=payment.reference, by=by, at=at)
    if parts:
        facts = {"cases": [[str(part.clawback_id), part.amount_fen] for part in parts]}
        event = books.note(claim=claim, kind="set_off", by=by, at=at, amount_fen=payment.offset_fen, facts=facts)
        books.set_off(claim=claim, event=event)


def of_batch(batch: PaymentBatch) -> list[PaymentOffset]:
    """Return what the payments of a batch set off, with the cases that are the reasons."""
    parts = PaymentOffset.objects.filter(payment__batch=batch).select_related(
        "payment__claim__programme", "payment__payee", "clawback__grant__programme"
    )
    return list(parts.order_by("payment__reference", "pk"))


def reason(part: PaymentOffset) -> str:
    """Say why a part of a payment is not paid out."""
    case, claim = part.clawback, part.payment.claim
    facts = {"number": claim.display_number, "case": str(case.pk), "programme": case.grant.programme.name}
    said = _("Claim %(number)s: set off against the repayment demanded in case %(case)s of %(programme)s") % facts
    return f"{said} ({date_of(case.demanded_at)})" if case.demanded_at else said


class _Owed:
    """What may still be taken of one demand."""

    def __init__(self, clawback: Clawback, left_fen: int) -> None:
        self.clawback, self.left_fen = clawback, left_fen

    def take(self, most_fen: int) -> int:
        """Take as much as there is, at most so much, and return it."""
        taken_fen = max(min(self.left_fen, most_fen), 0)
        self.left_fen -= taken_fen
        return taken_fen


def _owing(
    authority: Organization, payees: set[UUID], but: Sequence[Payment], *, at: datetime
) -> Mapping[UUID, list[_Owed]]:
    """Return what may be set off of each payee's demands, locked, the oldest first."""
    owed = Clawback.objects.locked().enforceable().of_authority(authority).filter(debtor__in=payees)
    cases = list(owed.select_related("grant__programme").prefetch_related("instalments"))
    reserved = PaymentOffset.objects.reserved().filter(clawback__in=cases).exclude(payment__in=but)
    kept = dict(reserved.order_by().values("clawback").annotate(fen=Sum("amount_fen")).values_list("clawback", "fen"))
    found: dict[UUID, list[_Owed]] = defaultdict(list)
    for case in sorted(cases, key=lambda one: (one.demanded_at or at, one.pk)):
        due_fen = recoveries.to_set_off_fen(case, at=at)
        free_fen = min(due_fen, case.outstanding_fen - int(kept.get(case.pk, 0)))
        found[case.debtor_id].append(_Owed(case, free_fen))
    return found


def _part(owing: Sequence[_Owed], approved_fen: int) -> list[tuple[Clawback, int]]:
    """Take of what is owed until a payment is used up; it never falls below nothing."""
    parts = []
    for owed in owing:
        taken_fen = owed.take(approved_fen)
        approved_fen -= taken_fen
        if taken_fen:
            parts.append((owed.clawback, taken_fen))
    return parts
