"""Claims of buyers who paid in full: each line is an invoice they name, redeemed from a grant or reimbursed.

With a grant, value is held as soon as the claim is put together; without one, a virtual grant follows at approval.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _
from msgspec.structs import replace

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core.errors import Conflict, DomainError
from core.periods import date_of
from vouchers import cycles, numbers, rules, shared_caps
from vouchers.models import (
    Claim,
    ClaimantKind,
    ClaimLine,
    EntityYear,
    Grant,
    LineStatus,
    Programme,
    Redemption,
)
from vouchers.parameters import Facts, Span
from vouchers.parameters.caps import CapBasis
from vouchers.rules import Case, Limits, Quote
from vouchers.services import redemptions, refusals, registry
from vouchers.services.claims import drafts, least_spending, packs, proofs, terms
from vouchers.services.claims.contracts import Contracts, Used
from vouchers.services.claims.proofs import Invoice
from vouchers.services.claims.terms import Flow, SettlementTerms

MOST_SPENDINGS = 200
NO_LIMIT = 10**15
NOTHING_KNOWN = Facts()


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """What a buyer paid under a contract: the eligible part, who delivered it until when, and the invoice for it."""

    contract_no: str
    category: str
    provider: Organization
    amount_fen: int
    used_until: date
    invoice_no: str
    invoice_fen: int
    invoiced_on: date
    contract_from: date | None = None
    contract_until: date | None = None


class NotBuyersProgramme(Conflict):
    """The programme owes providers, not buyers."""

    code = "not-a-buyers-programme"


class WindowClosed(Conflict):
    """Buyers may not claim on this day."""

    code = "claim-window-closed"


class GrantMissing(DomainError):
    """The programme pays out of a grant and none is named, or the other way round."""

    code = "grant-missing"


class BadSpending(DomainError):
    """A line contradicts itself: the invoice is smaller than what is claimed, or of the future."""

    code = "bad-spending"


@transaction.atomic
def put_together(
    *,
    programme: Programme,
    claimant: Organization,
    spendings: Sequence[Spending],
    grant: Grant | None = None,
    final: bool = False,
    actor: Actor,
    at: datetime,
) -> Claim:
    """Put a buyer's claim together from what they spent; it waits to be handed in.

    :param final: the last claim of its contract: what the grant has left returns to the budget at approval.
    :raises NotBuyersProgramme, WindowClosed, GrantMissing: if the programme does not take such a claim now.
    :raises BadSpending: if a line contradicts itself, or lines claim more than the invoice that they share.
    :raises BadInvoice: if an invoice is none, or two lines say different things of it.
    :raises DuplicateInvoice: if an invoice is in another live claim, of whatever programme.
    """
    rules_of = terms.of(programme)
    _require_open(programme, claimant, rules_of, grant, spendings, at=at)
    _require_sound(spendings, at=at)
    drafts.queue(programme)
    period, contracts = cycles.period_of(rules_of.cycle, date_of(at)), Contracts(programme, claimant, grant)
    claim = drafts.open_claim(programme=programme, claimant=claimant, terms=rules_of, period=period, final=final)
    lines, facts = [], least_spending.facts(claim, sum(one.amount_fen for one in spendings))
    for number, one in enumerate(spendings, start=1):
        used = contracts.used(one.contract_no, one.invoice_no)
        if grant:
            award: Redemption | Quote = _held(claim, number, one, grant, used, at=at)
        else:
            award = _quoted(claim, one, used, facts, at=at)
        contracts.take(one.contract_no, one.invoice_no, award.amount_fen)
        lines.append(ClaimLine.objects.create(**_line(claim, number, one, award)))
        proofs.add(
            claim, Invoice(number=one.invoice_no, amount_fen=one.invoice_fen, issued_on=one.invoiced_on, lines=[number])
        )
    drafts.freeze(claim=claim, lines=lines, by=actor.person, at=at)
    packs.make(claim=claim, lines=lines, at=at)
    audit.record(actor=actor, verb="claim.assembled", thing=claim, at=at, after={"amount_fen": claim.amount_fen})
    return claim


def again(*, claim: Claim, lines: Sequence[ClaimLine], actor: Actor, at: datetime) -> Claim:
    """Put lines that were handed in again into a new claim of the same period; the caller stands in the queue."""
    rules_of = terms.of(claim.programme)
    period = cycles.Period(claim.period_starts_on, claim.period_ends_on)
    made = drafts.open_claim(
        programme=claim.programme, claimant=claim.claimant, terms=rules_of, period=period, final=claim.final
    )
    copies = []
    for number, line in enumerate(lines, start=1):
        line.move_to(LineStatus.FREED)
        copies.append(_copy(made, number, line))
    drafts.freeze(claim=made, lines=copies, by=actor.person, at=at)
    packs.make(claim=made, lines=copies, at=at)
    audit.record(actor=actor, verb="claim.assembled", thing=made, at=at, after={"again": str(claim.pk)})
    return made


def _copy(claim: Claim, number: int, line: ClaimLine) -> ClaimLine:
    fields = ("redemption", "buyer", "provider", "eligible_fen", "amount_fen", "spending", "contract_no")
    same = {name: getattr(line, name) for name in fields}
    copy = ClaimLine.objects.create(claim=claim, number=number, status=LineStatus.INCLUDED, **same)
    for invoice in line.invoices.all():
        named = Invoice(
            number=invoice.number, amount_fen=invoice.amount_fen, issued_on=invoice.issued_on, lines=[number]
        )
        proofs.add(claim, named)
    return copy


def _require_open(
    programme: Programme,
    claimant: Organization,
    rules_of: SettlementTerms,
    grant: Grant | None,
    spendings: Sequence[Spending],
    *,
    at: datetime,
) -> None:
    if rules_of.claimant != ClaimantKind.BUYER or claimant.kind != OrganizationKind.BUYER:
        raise NotBuyersProgramme(_("In this programme providers claim, not buyers."))
    if not rules_of.is_open(date_of(at)):
        raise WindowClosed(_("Claims of this programme are not taken on this day."))
    if (grant is None) == (rules_of.flow is Flow.GRANT_THEN_CLAIM) or (grant and grant.programme_id != programme.pk):
        raise GrantMissing(_("Name the voucher from which this is to be paid."), fields={"grant": _("Needed.")})
    if not 0 < len(spendings) <= MOST_SPENDINGS:
        raise BadSpending(_("A claim has between 1 and %(most)d lines.") % {"most": MOST_SPENDINGS})


def _require_sound(spendings: Sequence[Spending], *, at: datetime) -> None:
    """Refuse lines that contradict themselves, and those that together claim more than the one invoice they name."""
    today, claimed = date_of(at), Counter[str]()
    for number, one in enumerate(spendings, start=1):
        claimed[numbers.key(one.invoice_no)] += one.amount_fen
        if one.amount_fen <= 0 or claimed[numbers.key(one.invoice_no)] > one.invoice_fen:
            raise BadSpending(_("Line %(line)d claims more than its invoice shows, or nothing.") % {"line": number})
        if one.invoiced_on > today or one.used_until > today:
            raise BadSpending(_("Line %(line)d names a day that is still to come.") % {"line": number})
        if one.contract_from and one.contract_until and one.contract_from > one.contract_until:
            raise BadSpending(_("Line %(line)d names a contract that ends before it begins.") % {"line": number})


def _held(claim: Claim, number: int, one: Spending, grant: Grant, used: Used, *, at: datetime) -> Redemption:
    return redemptions.hold(
        grant=grant,
        owner=claim.claimant,
        reference=f"claim/{claim.pk}/{number}",
        category=one.category,
        providers=[one.provider],
        amount_fen=one.amount_fen,
        at=at,
        case=case_of(_facts(one)),
        claimed=redemptions.Claimed(contracted_on(_facts(one)), used.contract_fen, used.order_fen),
    )


def contracted_on(facts: Mapping[str, Any]) -> date:
    """Return the day on which a line's provider had to be listed: its contract's first, else the last of its use."""
    return date.fromisoformat(facts.get("contract_from") or facts["used_until"])


def case_of(facts: Mapping[str, Any], known: Facts = NOTHING_KNOWN) -> Case:
    """Return what surrounds a line: the days of its contract where named, else it lies in the base period itself."""
    if not facts.get("contract_from") or not facts.get("contract_until"):
        return replace(terms.CLAIMED, facts=known)
    first_on, last_on = (date.fromisoformat(facts[name]) for name in ("contract_from", "contract_until"))
    return Case(facts=known, contract=Span(first_on=first_on, last_on=last_on))


def _facts(one: Spending) -> dict[str, Any]:
    days = {"contract_from": one.contract_from, "contract_until": one.contract_until}
    return {
        "category": one.category,
        "amount_fen": one.amount_fen,
        "used_until": one.used_until.isoformat(),
        **{name: day.isoformat() for name, day in days.items() if day},
    }


def _quoted(claim: Claim, one: Spending, used: Used, facts: Facts, *, at: datetime) -> Quote:
    """Return what a reimbursement comes to, with what the claimant's year has left; the cap decides at approval."""
    programme = claim.programme
    year = EntityYear.objects.filter(programme=programme, entity=claim.claimant, year=date_of(at).year).first()
    cap_fen = programme.entity_year_cap_fen
    left_fen = _left(cap_fen, year.used_fen if year else 0)
    granted_fen = shared_caps.granted_left_fen(programme=programme, owner=claim.claimant, at=at)
    on = contracted_on(_facts(one))
    listed = registry.is_listed(programme=programme, provider=one.provider, category=one.category, on=on)
    line = rules.Spending(category=one.category, provider_listed=listed, amount_fen=one.amount_fen)
    limits = Limits(
        grant_available_fen=NO_LIMIT,
        entity_year_left_fen=left_fen,
        left_by_basis={} if granted_fen is None else {CapBasis.GRANT: granted_fen},
        order_left_fen=_left(programme.terms.order_cap_fen, used.order_fen),
        contract_left_fen=_left(programme.terms.contract_cap_fen, used.contract_fen),
        programme_open=programme.pays,
    )
    case = case_of(_facts(one), facts)
    quoted = rules.quote(terms=programme.terms, spending=[line], limits=limits, case=case)
    if quoted.refused:
        refusals.refuse(quoted)
    return quoted


def _left(cap_fen: int | None, used_fen: int) -> int | None:
    return None if cap_fen is None else cap_fen - used_fen


def _line(claim: Claim, number: int, one: Spending, award: Redemption | Quote) -> dict[str, Any]:
    redemption = award if isinstance(award, Redemption) else None
    explanation = award.explanation if isinstance(award, Redemption) else award.explanation()
    return {
        "claim": claim,
        "number": number,
        "status": LineStatus.INCLUDED,
        "redemption": redemption,
        "buyer": claim.claimant,
        "provider": one.provider,
        "eligible_fen": award.eligible_fen,
        "amount_fen": award.amount_fen,
        "contract_no": one.contract_no.strip(),
        "spending": _facts(one) | {"explanation": explanation},
    }
