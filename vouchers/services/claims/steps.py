"""Move a claim from hand to hand: handed in, checked, sampled, returned, withdrawn, taken over by finance."""

import secrets
from collections.abc import Iterable
from contextlib import AbstractContextManager
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, NotFound
from vouchers import sampling
from vouchers.models import Claim, ClaimLine, ClaimStatus
from vouchers.models.claim import OVER, WITH_CLAIMANT
from vouchers.services.claims import books, clocks, hands, proofs, terms
from vouchers.services.claims.proofs import Invoice
from vouchers.services.people import MakerIsChecker


class NotClaimant(NotFound):
    """The claim is another organisation's: it does not exist for this one."""

    code = "claim-not-found"


class NotWithClaimant(Conflict):
    """Somebody else works on the claim."""

    code = "claim-not-with-claimant"


class ClaimOver(Conflict):
    """The claim is reconciled, rejected or withdrawn: it stays what it was."""

    code = "claim-over"


class NotCommitted(DomainError):
    """Whoever hands a claim in vouches for its truth."""

    code = "claim-not-committed"


class NoteMissing(DomainError):
    """A claim is not returned without a word."""

    code = "note-missing"


def locked(claim: Claim) -> Claim:
    """Return a claim, locked."""
    return Claim.objects.locked().with_names().get(pk=claim.pk)


@transaction.atomic
def submit(
    *,
    claim: Claim,
    claimant: Organization,
    invoices: Iterable[Invoice] = (),
    committed: bool,
    actor: Actor,
    at: datetime,
) -> Claim:
    """Hand an assembled or returned claim in, with the invoices that are not known yet.

    :raises NotClaimant: if the claim is another organisation's.
    :raises NotCommitted: if the letter of commitment is not signed.
    :raises BadInvoice, DuplicateInvoice, InvoiceMissing: if an invoice is wrong, used elsewhere, or not there.
    """
    claim = locked(claim)
    if claim.claimant_id != claimant.pk:
        raise NotClaimant(_("There is no such claim."))
    if not committed:
        raise NotCommitted(_("Sign the letter of commitment first."), fields={"committed": _("Needed.")})
    for invoice in invoices:
        proofs.add(claim, invoice)
    proofs.require_all(claim)
    claim.move_to(
        ClaimStatus.SUBMITTED,
        submitted_by=actor.person,
        submitted_at=at,
        due_at=clocks.due(ClaimStatus.SUBMITTED, at),
    )
    books.note(claim=claim, kind="submit", by=actor.person, at=at)
    audit.record(actor=actor, verb="claim.submitted", thing=claim, at=at)
    return claim


@transaction.atomic
def name_invoice(*, claim: Claim, claimant: Organization, invoice: Invoice, actor: Actor, at: datetime) -> Claim:
    """Name an invoice for lines of a claim that is still with its claimant.

    :raises NotClaimant, BadInvoice, DuplicateInvoice: as ``submit`` does.
    :raises NotWithClaimant: if the claim is with somebody else.
    """
    claim = locked(claim)
    if claim.claimant_id != claimant.pk:
        raise NotClaimant(_("There is no such claim."))
    if claim.status not in WITH_CLAIMANT:
        raise NotWithClaimant(_("This claim is not with you any more."))
    proofs.add(claim, invoice)
    audit.record(actor=actor, verb="claim.invoice_named", thing=claim, at=at, after={"number": invoice.number})
    return claim


@transaction.atomic
def check(*, claim: Claim, actor: Actor, at: datetime) -> Claim:
    """Take a claim up for the operator's check: complete, consistent, provable.

    :raises Partial: if whoever acts has an interest in the claimant, as in every step that follows.
    :raises MakerIsChecker: if the same person handed it in.
    """
    claim = locked(claim)
    by = hands.operator(actor, judging=claim.claimant)
    with maker_refused():
        claim.move_to(
            ClaimStatus.OPERATOR_CHECK,
            checked_by=by,
            checked_at=at,
            due_at=clocks.due(ClaimStatus.OPERATOR_CHECK, at),
        )
    books.note(claim=claim, kind="check", by=by, at=at)
    audit.record(actor=actor, verb="claim.checked", thing=claim, at=at)
    return claim


@transaction.atomic
def sample(*, claim: Claim, actor: Actor, at: datetime) -> Claim:
    """Pass a checked claim on to audit and draw its sample; a claim that was decided before keeps its draw."""
    claim = locked(claim)
    by = hands.operator(actor, judging=claim.claimant)
    seed = claim.seed or secrets.token_hex(32)
    claim.move_to(ClaimStatus.AUDIT_SAMPLE, seed=seed, due_at=clocks.due(ClaimStatus.AUDIT_SAMPLE, at))
    lines = ClaimLine.objects.filter(claim=claim)
    drawn = sampling.draw(
        seed=seed,
        digest=claim.digest,
        numbers=lines.values_list("number", flat=True),
        ratio_bp=terms.of(claim.programme).sample_audit_bp,
    )
    lines.filter(number__in=drawn).update(sampled=True)
    books.note(claim=claim, kind="sample", by=by, at=at, facts={"seed": seed, "lines": drawn})
    audit.record(actor=actor, verb="claim.sampled", thing=claim, at=at, after={"seed": seed, "lines": drawn})
    return claim


@transaction.atomic
def send_back(*, claim: Claim, note: str, actor: Actor, at: datetime) -> Claim:
    """Return a claim to its claimant with a word about what is missing.

    :raises NoteMissing: if there is none.
    """
    claim = locked(claim)
    by = hands.auditor(actor, claim)
    if not note.strip():
        raise NoteMissing(_("Say what is missing."), fields={"note": _("Needed.")})
    claim.move_to(ClaimStatus.RETURNED, note=note.strip(), due_at=clocks.due(ClaimStatus.RETURNED, at))
    books.note(claim=claim, kind="return", by=by, at=at, note=note.strip())
    audit.record(actor=actor, verb="claim.returned", thing=claim, at=at, after={"note": note.strip()})
    return claim


@transaction.atomic
def take_over(*, claim: Claim, actor: Actor, at: datetime) -> Claim:
    """Take an approved claim, or one whose payment failed, over for payment by finance.

    :raises MakerIsChecker: if the same person put it together, checked or approved it.
    """
    claim = locked(claim)
    by = hands.payer(actor, claim)
    with maker_refused():
        claim.move_to(
            ClaimStatus.FINANCE_REVIEW,
            finance_by=by,
            finance_at=at,
            due_at=clocks.due(ClaimStatus.FINANCE_REVIEW, at),
        )
    books.note(claim=claim, kind="finance", by=by, at=at)
    audit.record(actor=actor, verb="claim.with_finance", thing=claim, at=at)
    return claim


@transaction.atomic
def assign(*, claim: Claim, to: User | None, actor: Actor, at: datetime) -> Claim:
    """Put a claim on somebody's table, or take it off.

    :raises NotYourDuty: if whoever acts does not work on it.
    :raises NoHand: if that person does not.
    :raises Partial: if they have an interest in the claimant.
    :raises ClaimOver: if nobody works on it any more.
    """
    claim = locked(claim)
    hands.worker(actor, claim)
    if to is not None:
        hands.require_worker(actor, claim, to)
    if claim.status in OVER:
        raise ClaimOver(_("This claim is over: nobody works on it any more."))
    Claim.objects.filter(pk=claim.pk).update(assigned_to=to)
    claim.assigned_to = to
    audit.record(actor=actor, verb="claim.assigned", thing=claim, at=at, after={"to": str(to.pk) if to else None})
    return claim


def maker_refused() -> AbstractContextManager[None]:
    """Say in words what the database refuses."""
    detail = _("Whoever put a claim together, checked or approved it does not take the next step.")
    return refusing(claim_maker_is_not_checker=MakerIsChecker(detail))
