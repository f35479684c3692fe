"""Audit the sample and decide: what is accepted is redeemed and owed, in one transaction, to the fen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services import audit, duties
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, IllegalMove
from vouchers import ports
from vouchers.models import Claim, ClaimantKind, ClaimLine, ClaimStatus, Grant, LineKind, LineStatus, Reason, Redemption
from vouchers.models.claim import WITH_APPROVER, WITH_FINANCE
from vouchers.services.claims import books, clocks, drafts, flows, hands, proofs, steps, terms, withholding


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why a line is not accepted."""

    reason: Reason
    note: str = ""


class NotAudited(Conflict):
    """A line of the sample has no finding yet."""

    code = "sample-not-audited"


class UnknownLine(DomainError):
    """A claim has no such line, or it waits for no decision."""

    code = "unknown-claim-line"


class BeyondCaptured(Conflict):
    """More would be accepted than was captured."""

    code = "claim-beyond-captured"


class UnderWay(Conflict):
    """The claim is being paid."""

    code = "payment-under-way"


@transaction.atomic
def audit_line(*, line: ClaimLine, passed: bool, note: str, actor: Actor, at: datetime) -> ClaimLine:
    """Write down what the audit of a line in the sample found.

    :raises UnknownLine: if the line is not in the sample, or its claim not in audit.
    """
    claim = steps.locked(line.claim)
    by = hands.auditor(actor, claim)
    found = ClaimLine.objects.locked().filter(pk=line.pk, sampled=True, status=LineStatus.INCLUDED).first()
    if found is None or claim.status != ClaimStatus.AUDIT_SAMPLE:
        raise UnknownLine(_("This line is not in a sample that waits for its audit."))
    ClaimLine.objects.filter(pk=found.pk).update(sample_passed=passed, note=note, sampled_by=by)
    found.sample_passed, found.note, found.sampled_by = passed, note, by
    after = {"line": found.number, "passed": passed, "note": note}
    audit.record(actor=actor, verb="claim.line_audited", thing=claim, at=at, after=after)
    return found


@transaction.atomic
def decide(*, claim: Claim, refusals: Mapping[int, Refusal] | None = None, actor: Actor, at: datetime) -> Claim:
    """Accept the lines of a claim but those refused, by their number, and owe the claimant their sum exactly.

    Withheld are lines of related parties, suspended providers and frozen grants; left for the next claim are those
    whose amount has changed. With nothing left to pay the claim is rejected.

    :raises IllegalMove: if it does not wait for a decision: somebody was faster.
    :raises NotAudited: if the sample has lines without a finding.
    :raises UnknownLine: if a refused line is not there.
    :raises MakerIsChecker: if the same person handed it in, assembled or checked it.
    """
    claim = steps.locked(claim)
    by = hands.approver(actor, claim)
    if claim.status not in WITH_APPROVER:
        raise IllegalMove(_("This claim does not wait for a decision."))
    lines = _lines(claim)
    refused = _refused(lines, refusals or {})
    withheld = withholding.reasons(claim.programme, lines, at)
    kept = [line for line in lines if line.number not in refused and line.pk not in withheld]
    accepted = _standing(claim, kept)
    with steps.maker_refused():
        _judge(claim, by)
    _refuse(claim, lines, refused, at=at)
    _withhold(lines, withheld, refused)
    withholding.suspect(claim.programme, lines, at)
    if sum(line.amount_fen for line in accepted) <= 0:
        return _reject(claim, lines, by=by, actor=actor, at=at)
    return _accept(claim, lines, accepted, by=by, actor=actor, at=at)


@transaction.atomic
def reconsider(*, claim: Claim, note: str, actor: Actor, at: datetime) -> Claim:
    """Give an approved claim that is not being paid back to its approver, and owe nothing of it meanwhile.

    :raises NoteMissing: if there is no word why.
    :raises UnderWay: if it is not approved, or in a payment batch.
    :raises DuplicateInvoice: if an invoice of a refused line proves something in another claim by now.
    """
    claim = steps.locked(claim)
    by = _whose_turn(claim, actor)
    if not note.strip():
        raise steps.NoteMissing(_("Say why it should be looked at again."), fields={"note": _("Needed.")})
    if claim.status not in WITH_FINANCE or claim.payments.filter(status="waiting").exists():
        raise UnderWay(_("Only an approved claim that is in no payment batch can be looked at again."))
    event = books.note(
        claim=claim, kind="reconsider", by=by, at=at, amount_fen=claim.approved_fen or 0, note=note.strip()
    )
    books.unapprove(claim=claim, event=event)
    due_at = clocks.due(ClaimStatus.AUDIT_SAMPLE, at)
    claim.move_to(ClaimStatus.AUDIT_SAMPLE, approved_fen=None, finance_by=None, finance_at=None, due_at=due_at)
    again = (LineStatus.ACCEPTED, LineStatus.REJECTED, LineStatus.WITHHELD)
    used = proofs.DuplicateInvoice(_("An invoice of this claim proves something in another claim by now."))
    with refusing(claim_invoice_live_once=used):
        for line in ClaimLine.objects.locked().filter(claim=claim, status__in=again):
            line.move_to(LineStatus.INCLUDED, accepted_fen=None, reason="", resubmit_by=None)
    audit.record(actor=actor, verb="claim.reconsidered", thing=claim, at=at, after={"note": note.strip()})
    return claim


def _whose_turn(claim: Claim, actor: Actor) -> User:
    """Return the person who sends a claim back to its approver: of finance, or the approver themselves."""
    try:
        return hands.payer(actor, claim)
    except duties.NotYourDuty:
        return hands.approver(actor, claim)


def _judge(claim: Claim, by: User) -> None:
    Claim.objects.filter(pk=claim.pk).update(decided_by=by)
    claim.decided_by = by


def _lines(claim: Claim) -> list[ClaimLine]:
    """Return the lines that wait for a decision, with their redemptions as they stand now, locked."""
    lines = list(ClaimLine.objects.locked().included().filter(claim=claim).select_related("provider", "buyer"))
    redemption_ids = [line.redemption_id for line in lines if line.redemption_id]
    # The grants first, as everyone does who captures or refunds.
    of_lines = Redemption.objects.filter(pk__in=redemption_ids).values("grant_id")
    list(Grant.objects.locked().filter(pk__in=of_lines))
    locked = Redemption.objects.locked().filter(pk__in=redemption_ids).select_related("grant", "hold")
    redemptions = {redemption.pk: redemption for redemption in locked}
    for line in lines:
        line.claim = claim
        line.redemption = redemptions[line.redemption_id] if line.redemption_id else None
    return lines


def _refused(lines: Sequence[ClaimLine], refusals: Mapping[int, Refusal]) -> dict[int, Refusal]:
    """Return the refusals with those that the audit brings."""
    by_number = {line.number: line for line in lines}
    entries = {number for number, line in by_number.items() if line.kind == LineKind.ENTRY}
    strange = refusals.keys() - entries
    if strange:
        raise UnknownLine(_("The claim has no line %(number)s to decide on.") % {"number": min(strange)})
    open_ones = [line.number for line in lines if line.sampled and line.sample_passed is None]
    open_ones = [number for number in open_ones if number not in refusals]
    if open_ones:
        detail = _("Lines of the sample wait for their audit: %(lines)s.")
        raise NotAudited(detail % {"lines": ", ".join(map(str, open_ones[:20]))}, lines=open_ones)
    failed = {line.number: Refusal(Reason.AUDIT_FAILED, line.note) for line in lines if line.sample_passed is False}
    return failed | dict(refusals)


def _standing(claim: Claim, lines: Sequence[ClaimLine]) -> list[ClaimLine]:
    """Return the lines whose claim is still what was delivered and paid; the others wait for another claim."""
    if claim.claimant_kind == ClaimantKind.BUYER:
        return list(lines)
    redemptions = [line.redemption for line in lines if line.redemption is not None]
    shares = ports.deliveries().shares_of(redemptions)
    left: dict[tuple[UUID | None, UUID | None], int] = {
        (pk, share.provider.pk): share.amount_fen for pk, parts in shares.items() for share in parts
    }
    return [
        line
        for line in lines
        if line.kind == LineKind.REVERSAL or line.amount_fen == left.get((line.redemption_id, line.provider_id))
    ]


def _refuse(claim: Claim, lines: Sequence[ClaimLine], refused: Mapping[int, Refusal], *, at: datetime) -> None:
    deadline = clocks.end_of_day(at, days=terms.of(claim.programme).resubmit_days)
    for line in lines:
        if line.number in refused:
            why = refused[line.number]
            line.move_to(LineStatus.REJECTED, reason=why.reason, note=why.note or line.note, resubmit_by=deadline)


def _withhold(lines: Sequence[ClaimLine], withheld: Mapping[int, Reason], refused: Mapping[int, Refusal]) -> None:
    for line in lines:
        if line.number not in refused and line.pk in withheld:
            line.move_to(LineStatus.WITHHELD, reason=withheld[line.pk])


def _accept(
    claim: Claim,
    lines: Sequence[ClaimLine],
    accepted: Sequence[ClaimLine],
    *,
    by: User,
    actor: Actor,
    at: datetime,
) -> Claim:
    stands = flows.redeem(claim=claim, lines=accepted, approver=by, at=at)
    kept = [line for line in accepted if stands.get(line.number)]
    if not kept:
        return _reject(claim, lines, by=by, actor=actor, at=at)
    _write_accepted(kept, stands)
    _free(lines, kept)
    approved_fen = sum(stands[line.number] for line in kept)
    whole = approved_fen == claim.amount_fen
    target = ClaimStatus.APPROVED if whole else ClaimStatus.PARTLY_APPROVED
    with steps.maker_refused():
        claim.move_to(target, decided_by=by, decided_at=at, approved_fen=approved_fen, due_at=clocks.due(target, at))
    facts = {"lines": drafts.per_redemption(kept, accepted=True)}
    event = books.note(claim=claim, kind="decide", by=by, at=at, amount_fen=approved_fen, facts=facts)
    books.approve(claim=claim, event=event)
    flows.close_out(claim=claim, at=at)
    audit.record(actor=actor, verb="claim.decided", thing=claim, at=at, after={"approved_fen": approved_fen})
    return claim


def _write_accepted(lines: Sequence[ClaimLine], stands: Mapping[int, int]) -> None:
    """Accept lines in one statement, so that the two halves of a correction count together."""
    for line in lines:
        line.status, line.accepted_fen, line.reason = LineStatus.ACCEPTED, stands[line.number], ""
    beyond = BeyondCaptured(_("More would be accepted than was captured."))
    with refusing(claim_line_within_captured=beyond):
        ClaimLine.objects.bulk_update(lines, ["status", "accepted_fen", "redemption", "reason"])


def _free(lines: Sequence[ClaimLine], kept: Sequence[ClaimLine]) -> None:
    """Leave what is neither accepted nor refused to another claim."""
    numbers = {line.number for line in kept}
    for line in lines:
        if line.number not in numbers and line.status == LineStatus.INCLUDED:
            line.move_to(LineStatus.FREED, reason=Reason.AMOUNT_CHANGED if line.redemption_id else Reason.SHORT)


def _reject(claim: Claim, lines: Sequence[ClaimLine], *, by: User, actor: Actor, at: datetime) -> Claim:
    _free(lines, [])
    claim.move_to(ClaimStatus.REJECTED, decided_by=by, decided_at=at, due_at=None)
    books.note(claim=claim, kind="drop", by=by, at=at, amount_fen=claim.amount_fen)
    audit.record(actor=actor, verb="claim.rejected", thing=claim, at=at)
    return claim
