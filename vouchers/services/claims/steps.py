"""Move a claim from hand to hand: handed in, checked, sampled, returned, withdrawn, taken over by finance."""

import secrets
from collections.abc import Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, NotFound
from vouchers import numbers, sampling
from vouchers.models import Claim, ClaimInvoice, ClaimLine, ClaimStatus, LineStatus
from vouchers.models.claim import WITH_CLAIMANT
from vouchers.services.claims import books, clocks, hands, terms
from vouchers.services.people import MakerIsChecker


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice that a claimant names for lines of a claim, by the numbers of the lines."""

    number: str
    amount_fen: int
    issued_on: date
    lines: Sequence[int]


class NotClaimant(NotFound):
    """The claim is another organisation's: it does not exist for this one."""

    code = "claim-not-found"


class NotWithClaimant(Conflict):
    """Somebody else works on the claim."""

    code = "claim-not-with-claimant"


class NotCommitted(DomainError):
    """Whoever hands a claim in vouches for its truth."""

    code = "claim-not-committed"


class InvoiceMissing(DomainError):
    """A line has no invoice."""

    code = "invoice-missing"


class BadInvoice(DomainError):
    """The number of an invoice is no number, or it names lines that are not there."""

    code = "bad-invoice"


class DuplicateInvoice(Conflict):
    """An invoice proves something in another live claim already (DUPLICATE_INVOICE)."""

    code = "duplicate-invoice"


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
        add_invoice(claim, invoice)
    _require_invoices(claim)
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
    add_invoice(claim, invoice)
    audit.record(actor=actor, verb="claim.invoice_named", thing=claim, at=at, after={"number": invoice.number})
    return claim


def add_invoice(claim: Claim, invoice: Invoice) -> None:
    """Let an invoice prove lines of a claim.

    :raises BadInvoice: if it is no invoice, or names no lines of the claim.
    :raises DuplicateInvoice: if it is in another live claim.
    """
    number_key = numbers.key(invoice.number)
    lines = list(ClaimLine.objects.filter(claim=claim, number__in=invoice.lines, status=LineStatus.INCLUDED))
    if not number_key or invoice.amount_fen <= 0:
        raise BadInvoice(_("An invoice has a number and an amount."), fields={"number": _("Not valid.")})
    if not lines or len(lines) != len(set(invoice.lines)):
        raise BadInvoice(_("An invoice names lines of the claim."), fields={"lines": _("Not found.")})
    if ClaimInvoice.objects.filter(claim=claim, number_key=number_key, live=True, lines__in=lines).exists():
        return
    duplicate = DuplicateInvoice(
        _("The invoice %(number)s is in a claim already.") % {"number": invoice.number}, number=invoice.number
    )
    with refusing(claim_invoice_live_once=duplicate):
        made = ClaimInvoice.objects.create(
            claim=claim,
            number=invoice.number.strip(),
            number_key=number_key,
            amount_fen=invoice.amount_fen,
            issued_on=invoice.issued_on,
        )
        made.lines.add(*lines)


def _require_invoices(claim: Claim) -> None:
    if not terms.of(claim.programme).invoice_needed:
        return
    bare = ClaimLine.objects.included().filter(claim=claim, invoices=None, amount_fen__gt=0).order_by("number")
    missing = list(bare.values_list("number", flat=True)[:20])
    if missing:
        lines = ", ".join(map(str, missing))
        raise InvoiceMissing(_("These lines have no invoice: %(lines)s.") % {"lines": lines}, lines=missing)


@transaction.atomic
def check(*, claim: Claim, actor: Actor, at: datetime) -> Claim:
    """Take a claim up for the operator's check: complete, consistent, provable.

    :raises MakerIsChecker: if the same person handed it in.
    """
    claim = locked(claim)
    by = hands.operator(actor)
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
    by = hands.operator(actor)
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
    by = hands.finance(actor, claim.programme.authority)
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
    """Put a claim on somebody's table, or take it off."""
    claim = locked(claim)
    Claim.objects.filter(pk=claim.pk).update(assigned_to=to)
    claim.assigned_to = to
    audit.record(actor=actor, verb="claim.assigned", thing=claim, at=at, after={"to": str(to.pk) if to else None})
    return claim


def maker_refused() -> AbstractContextManager[None]:
    """Say in words what the database refuses."""
    detail = _("Whoever put a claim together, checked or approved it does not take the next step.")
    return refusing(claim_maker_is_not_checker=MakerIsChecker(detail))
