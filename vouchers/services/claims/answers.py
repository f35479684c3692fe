"""What claimants answer to a refusal: hand in again, dispute, withdraw; and what happens when they do not."""

import logging
from collections.abc import Iterable, Sequence
from datetime import datetime

from django.db import DatabaseError, transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import SYSTEM, Actor
from core.errors import Conflict, DomainError
from vouchers import ports
from vouchers.cycles import Period
from vouchers.models import Claim, ClaimantKind, ClaimLine, ClaimStatus, LineStatus, Redemption
from vouchers.services import captures, people
from vouchers.services.claims import assembly, books, drafts, evidence, flows, hands, spending, steps

logger = logging.getLogger(__name__)


class TooLate(Conflict):
    """The time in which a line could be handed in again, or disputed, is over."""

    code = "resubmission-too-late"


class AnswerMissing(DomainError):
    """An answer says something."""

    code = "answer-missing"


class NothingToResubmit(Conflict):
    """None of the lines was refused."""

    code = "nothing-to-resubmit"


@transaction.atomic
def resubmit(
    *, claim: Claim, claimant: Organization, lines: Iterable[int], answer: str, actor: Actor, at: datetime
) -> Claim:
    """Hand refused lines in again: they make a new claim of the same period, which waits to be submitted.

    A buyer also hands in what was withheld, at any time; it is withheld again as long as there is a reason.

    :raises NotClaimant, NoSuchLine, TooLate, NothingToResubmit, AnswerMissing: if this cannot be.
    """
    drafts.queue(claim.programme)
    claim = _own(claim, claimant)
    refused = _refused(claim, lines, answer, at=at, withheld_too=claim.claimant_kind == ClaimantKind.BUYER)
    for line in refused:
        if line.status == LineStatus.REJECTED:
            line.move_to(LineStatus.RESUBMITTED, answer=answer.strip())
    made = _again(claim, refused, actor=actor, at=at)
    numbers = [line.number for line in refused]
    books.note(claim=claim, kind="resubmit", by=actor.person, at=at, note=answer.strip(), facts={"lines": numbers})
    return made


def _again(claim: Claim, refused: Sequence[ClaimLine], *, actor: Actor, at: datetime) -> Claim:
    if claim.claimant_kind == ClaimantKind.BUYER:
        return spending.again(claim=claim, lines=refused, actor=actor, at=at)
    redemption_ids = [line.redemption_id for line in refused if line.redemption_id]
    period = Period(claim.period_starts_on, claim.period_ends_on)
    made = assembly.assemble(programme=claim.programme, period=period, at=at, actor=actor, among=redemption_ids)
    if not made:
        raise NothingToResubmit(_("Nothing of these lines is left to be claimed."))
    return made[0]


@transaction.atomic
def dispute(
    *, claim: Claim, claimant: Organization, lines: Iterable[int], answer: str, actor: Actor, at: datetime
) -> list[ClaimLine]:
    """Contest refusals, all of these lines or none; until the authority answers, no time runs.

    :raises NotClaimant, NoSuchLine, TooLate, NothingToResubmit, AnswerMissing: if this cannot be.
    """
    claim = _own(claim, claimant)
    found = _refused(claim, lines, answer, at=at)
    for line in found:
        line.move_to(LineStatus.DISPUTED, answer=answer.strip())
        facts = {"lines": [line.number]}
        books.note(claim=claim, kind="dispute", by=actor.person, at=at, note=answer.strip(), facts=facts)
        audit.record(actor=actor, verb="claim.line_disputed", thing=claim, at=at, after={"line": line.number})
    return found


@transaction.atomic
def resolve(*, line: ClaimLine, granted: bool, note: str, actor: Actor, at: datetime) -> ClaimLine:
    """Answer a dispute: the line may be claimed again, or stays refused and its time runs on from now.

    A provider's next claim has it. A buyer's claims are of what the buyer names, so it makes one, to be handed in.

    :raises MakerIsChecker: if the same person refused it.
    :raises IllegalMove: if there is no dispute.
    """
    drafts.queue(line.claim.programme)
    claim = steps.locked(line.claim)
    by = hands.approver(actor, claim)
    if claim.decided_by:
        people.checker(actor, maker=claim.decided_by)
    found = ClaimLine.objects.locked().get(pk=line.pk)
    if granted:
        found.move_to(LineStatus.RESUBMITTED, note=note)
        if claim.claimant_kind == ClaimantKind.BUYER:
            spending.again(claim=claim, lines=[found], actor=SYSTEM, at=at)
    else:
        found.move_to(LineStatus.REJECTED, note=note, resubmit_by=at)
    facts = {"lines": [found.number], "granted": granted}
    books.note(claim=claim, kind="resolve", by=by, at=at, note=note, facts=facts)
    audit.record(actor=actor, verb="claim.dispute_resolved", thing=claim, at=at, after=facts)
    return found


@transaction.atomic
def withdraw(*, claim: Claim, claimant: Organization, actor: Actor, at: datetime) -> Claim:
    """Take a claim back that is still with its claimant; what it held is free again.

    :raises NotClaimant: if the claim is another organisation's.
    :raises IllegalMove: if it is with somebody else.
    """
    claim = _own(claim, claimant)
    lines = list(ClaimLine.objects.locked().included().filter(claim=claim).select_related("redemption"))
    for line in lines:
        line.move_to(LineStatus.FREED)
        if line.redemption is not None and line.redemption.is_held:
            captures.release(redemption=line.redemption, at=at)
    claim.move_to(ClaimStatus.WITHDRAWN, due_at=None)
    books.note(claim=claim, kind="drop", by=actor.person, at=at, amount_fen=claim.amount_fen)
    audit.record(actor=actor, verb="claim.withdrawn", thing=claim, at=at)
    return claim


def reverse_due(*, at: datetime) -> int:
    """Reverse the lines whose time for another try is over, and return how many were.

    Each has a transaction of its own: one that cannot be reversed now is left to the next sweep and stops no other.
    """
    due = ClaimLine.objects.filter(status=LineStatus.REJECTED, resubmit_by__lte=at).select_related("claim")
    return sum(_reverse_alone(line, at=at) for line in due.order_by("pk"))


def _reverse_alone(line: ClaimLine, *, at: datetime) -> bool:
    try:
        return reverse(line=line, at=at)
    except (DomainError, DatabaseError):
        logger.exception("claim line %s is left to the next sweep", line.pk)
        return False


@transaction.atomic
def reverse(*, line: ClaimLine, at: datetime) -> bool:
    """Undo the redemption of a line that will never be paid: its value returns, and who delivered bears it."""
    claim = steps.locked(line.claim)
    due = ClaimLine.objects.locked().filter(pk=line.pk, status=LineStatus.REJECTED, resubmit_by__lte=at)
    found = due.select_related("provider").first()
    if found is None:
        return False
    if found.redemption_id:
        found.redemption = Redemption.objects.select_related("hold").get(pk=found.redemption_id)
    given_back_fen = flows.give_back(line=found, at=at)
    found.move_to(LineStatus.REVERSED)
    if given_back_fen and found.redemption and found.provider and claim.claimant_kind == ClaimantKind.PROVIDER:
        ports.deliveries().authority_denied(
            redemption=found.redemption,
            provider=found.provider,
            amount_fen=given_back_fen,
            key=f"claim-line/{found.pk}",
            at=at,
        )
    facts = {"lines": [found.number], "amount_fen": given_back_fen}
    books.note(claim=claim, kind="reverse", by=None, at=at, amount_fen=given_back_fen, facts=facts)
    audit.record(actor=SYSTEM, verb="claim.line_reversed", thing=claim, at=at, after=facts)
    return True


def _own(claim: Claim, claimant: Organization) -> Claim:
    claim = steps.locked(claim)
    if claim.claimant_id != claimant.pk:
        raise steps.NotClaimant(_("There is no such claim."))
    return claim


def _refused(
    claim: Claim, numbers: Iterable[int], answer: str, *, at: datetime, withheld_too: bool = False
) -> list[ClaimLine]:
    if not answer.strip():
        raise AnswerMissing(_("Say what is new."), fields={"answer": _("Needed.")})
    wanted = set(numbers)
    rows = ClaimLine.objects.locked().filter(claim=claim, number__in=wanted)
    lines = list(rows.select_related("redemption", "buyer", "provider"))
    if len(lines) < len(wanted):
        raise evidence.NoSuchLine(_("There is no such line."), fields={"lines": _("Not found.")})
    rejected = [line for line in lines if line.status == LineStatus.REJECTED]
    withheld = [line for line in lines if withheld_too and line.status == LineStatus.WITHHELD]
    if not lines or len(rejected) + len(withheld) < len(lines):
        raise NothingToResubmit(_("Only refused lines can be handed in again or contested."))
    if any(line.resubmit_by is None or line.resubmit_by <= at for line in rejected):
        raise TooLate(_("The time for this is over."))
    return lines
