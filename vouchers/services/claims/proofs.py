"""The invoices that prove lines of claims: each is in one live claim of all programmes, and may prove many lines."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from core.constraints import refusing
from core.errors import Conflict, DomainError
from vouchers import numbers
from vouchers.models import Claim, ClaimInvoice, ClaimLine, LineStatus
from vouchers.services.claims import terms

LONGEST_KEY = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Invoice:
    """An invoice that a claimant names for lines of a claim, by the numbers of the lines."""

    number: str
    amount_fen: int
    issued_on: date
    lines: Sequence[int]


class InvoiceMissing(DomainError):
    """A line has no invoice."""

    code = "invoice-missing"


class BadInvoice(DomainError):
    """The number of an invoice is no number, it names lines that are not there, or was named otherwise before."""

    code = "bad-invoice"


class NotAnInvoiceNumber(BadInvoice):
    """The programme verifies the numbers of invoices, and no invoice can have this one."""

    code = "bad-invoice-number"


class DuplicateInvoice(Conflict):
    """An invoice proves something in another live claim already (DUPLICATE_INVOICE)."""

    code = "duplicate-invoice"


def of(claim: Claim) -> QuerySet[ClaimInvoice]:
    """Return the invoices that prove lines of a claim, also those that came with lines from an earlier one."""
    return ClaimInvoice.objects.filter(lines__claim=claim).distinct().order_by("issued_on", "pk")


def add(claim: Claim, invoice: Invoice) -> None:
    """Let an invoice prove lines of a claim; one that proves others of it already proves these as well.

    :raises BadInvoice: if it is no invoice, names no lines of the claim, or was named with another amount or day.
    :raises NotAnInvoiceNumber: if the programme verifies numbers, and this is none.
    :raises DuplicateInvoice: if it is in another live claim, but for lines that it proved there and that came over.
    """
    number_key, lines = _checked(claim, invoice)
    known = ClaimInvoice.objects.select_for_update(no_key=True).filter(number_key=number_key, live=True).first()
    if known is not None and (known.claim_id == claim.pk or _came_over(known, claim, lines)):
        if (known.amount_fen, known.issued_on) != (invoice.amount_fen, invoice.issued_on):
            text = _("The invoice %(number)s was named with another amount or day.") % {"number": invoice.number}
            raise BadInvoice(text, fields={"number": text})
        known.lines.add(*lines)
        return
    text, bad = _("The invoice %(number)s is in a claim already."), _bad_number(invoice.number)
    duplicate = DuplicateInvoice(text % {"number": invoice.number}, number=invoice.number)
    if known is None and terms.of(claim.programme).invoice_verified and not numbers.is_invoice(invoice.number):
        raise bad
    with refusing(claim_invoice_live_once=duplicate, claim_invoice_number_verified=bad):
        made = ClaimInvoice.objects.create(
            claim=claim,
            number=invoice.number.strip(),
            number_key=number_key,
            amount_fen=invoice.amount_fen,
            issued_on=invoice.issued_on,
        )
        made.lines.add(*lines)


def require_all(claim: Claim) -> None:
    """Make sure that every line has an invoice, where the programme wants them.

    :raises InvoiceMissing: if one has none.
    """
    if not terms.of(claim.programme).invoice_needed:
        return
    bare = ClaimLine.objects.included().filter(claim=claim, invoices=None, amount_fen__gt=0).order_by("number")
    missing = list(bare.values_list("number", flat=True)[:20])
    if missing:
        lines = ", ".join(map(str, missing))
        raise InvoiceMissing(_("These lines have no invoice: %(lines)s.") % {"lines": lines}, lines=missing)


def _checked(claim: Claim, invoice: Invoice) -> tuple[str, list[ClaimLine]]:
    number_key = numbers.key(invoice.number)
    if not 0 < len(number_key) <= LONGEST_KEY or invoice.amount_fen <= 0:
        raise BadInvoice(_("An invoice has a number and an amount."), fields={"number": _("Not valid.")})
    lines = list(ClaimLine.objects.included().filter(claim=claim, number__in=invoice.lines))
    if not lines or len(lines) != len(set(invoice.lines)):
        raise BadInvoice(_("An invoice names lines of the claim."), fields={"lines": _("Not found.")})
    return number_key, lines


def _bad_number(number: str) -> NotAnInvoiceNumber:
    text = _(
        "“%(number)s” is no number of an invoice: give the 20 digits of a fully digital invoice, or the code of 10 or "
        "12 digits and the 8 digits of the number."
    ) % {"number": number}
    return NotAnInvoiceNumber(text, fields={"number": text})


def _came_over(known: ClaimInvoice, claim: Claim, lines: Iterable[ClaimLine]) -> bool:
    """Whether the invoice proved all these lines in earlier claims, and what it proved there is free since."""
    if (known.claim.claimant_id, known.claim.programme_id) != (claim.claimant_id, claim.programme_id):
        return False
    proved = list(known.lines.all())
    before = [{one.status for one in proved if _spent(one) == _spent(line)} for line in lines if line not in proved]
    return all(statuses == {LineStatus.FREED} for statuses in before)


def _spent(line: ClaimLine) -> tuple[Any, ...]:
    """Return what a line is about, which stays the same from claim to claim; what it comes to does not.

    What a buyer paid gets its redemption as late as at approval; what a provider claims is nothing but one.
    """
    if not line.spending:
        return line.provider_id, line.redemption_id
    said = {name: value for name, value in line.spending.items() if name != "explanation"}
    return line.provider_id, line.contract_no, said
