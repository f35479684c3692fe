"""What an examiner goes through beside the papers of a claim: what is there, what is withheld, what was said before."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, F, OuterRef, QuerySet, Subquery, Sum
from django.utils.translation import gettext as _

from core.money import format_yuan
from portal.desk.checklist import Check
from vouchers.models import Claim, ClaimInvoice, ClaimLine, Clawback, LineStatus, PayoutAccount
from vouchers.services.claims import withholding


def seen(rows: QuerySet[Claim]) -> QuerySet[Claim]:
    """Return claims with what the checklist asks of their claimants, in the same query."""
    accounts = PayoutAccount.objects.current().filter(organization=OuterRef("claimant"))
    mine = Clawback.objects.enforceable().filter(
        debtor=OuterRef("claimant"), grant__programme__authority=OuterRef("programme__authority")
    )
    came_back = F("recovered_fen") + F("offset_fen") - F("restored_fen")
    left = F("principal_fen") + F("interest_fen") - F("remitted_fen") - came_back
    owed = mine.order_by().values("debtor").annotate(fen=Sum(left)).values("fen")
    return rows.annotate(has_account=Exists(accounts), owed_fen=Subquery(owed))


def of(claim: Claim, lines: Sequence[ClaimLine], invoices: Sequence[ClaimInvoice], at: datetime) -> list[Check]:
    """Return the checklist of a claim that was read with ``seen``."""
    return [
        Check(good=claim.submitted_at is not None, text=_("The letter of commitment is signed.")),
        _invoiced(claim, invoices),
        *_withheld(claim, lines, at),
        _sample(lines),
        _account(claim),
        *_owed(claim),
        *_again(lines),
    ]


def _invoiced(claim: Claim, invoices: Sequence[ClaimInvoice]) -> Check:
    total_fen = sum(invoice.amount_fen for invoice in invoices)
    facts = {"number": len(invoices), "amount": format_yuan(total_fen)}
    good = bool(invoices) and total_fen >= claim.amount_fen
    return Check(good=good, text=_("%(number)d invoices over ¥%(amount)s.") % facts)


def _withheld(claim: Claim, lines: Sequence[ClaimLine], at: datetime) -> list[Check]:
    waiting = [line for line in lines if line.status in (LineStatus.INCLUDED, LineStatus.ACCEPTED)]
    why = withholding.reasons(claim.programme, waiting, at)
    if not why:
        return [Check(good=True, text=_("Nothing of it is withheld: no related parties, suspensions or freezes."))]
    return [
        Check(
            good=False, text=_("Line %(number)s: %(reason)s.") % {"number": line.number, "reason": why[line.pk].label}
        )
        for line in waiting
        if line.pk in why
    ]


def _sample(lines: Sequence[ClaimLine]) -> Check:
    drawn = [line for line in lines if line.sampled]
    audited = [line for line in drawn if line.sample_passed is not None]
    failed = [line for line in drawn if line.sample_passed is False]
    facts = {"drawn": len(drawn), "audited": len(audited), "failed": len(failed)}
    text = _("Sample of %(drawn)d lines: %(audited)d audited, %(failed)d failed.") % facts
    return Check(good=len(audited) == len(drawn) and not failed, text=text)


def _account(claim: Claim) -> Check:
    there = bool(vars(claim)["has_account"])
    text = _("The claimant has a verified account.") if there else _("The claimant has no verified account yet.")
    return Check(good=there, text=text)


def _owed(claim: Claim) -> list[Check]:
    owed_fen = int(vars(claim)["owed_fen"] or 0)
    if not owed_fen:
        return []
    text = _("The claimant owes ¥%(amount)s after clawbacks: the next payments are less by that.")
    return [Check(good=False, text=text % {"amount": format_yuan(owed_fen)})]


def _again(lines: Sequence[ClaimLine]) -> list[Check]:
    answered = [line for line in lines if line.answer]
    return [
        Check(
            good=False, text=_("Line %(number)s, answered: %(answer)s") % {"number": line.number, "answer": line.answer}
        )
        for line in answered
    ]
