"""Which lines the other side was paid for elsewhere: where a programme says so, buyer and provider do not both claim.

On the platform an invoice is in one live claim anyway; here are the lists of other departments, by number and firm.
"""

from collections import defaultdict
from collections.abc import Sequence

from vouchers import numbers
from vouchers.models import ClaimantKind, ClaimInvoice, ClaimLine, ForeignClaim, Programme


def claimed_elsewhere(programme: Programme, lines: Sequence[ClaimLine]) -> set[int]:
    """Return the keys of lines whose contract, or an invoice, another department has paid to the other side."""
    if not programme.parameters.eligibility.both_sides_cannot_claim:
        return set()
    others = {line.pk: code for line in lines if (code := _other_side(line))}
    paid: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for one in ForeignClaim.objects.filter(entity_code__in=set(others.values())):
        paid[one.entity_code].add((one.kind, numbers.key(one.number)))
    proofs = _proofs(lines) if paid else {}
    return {pk for pk, code in others.items() if not paid[code].isdisjoint(proofs.get(pk, ()))}


def _other_side(line: ClaimLine) -> str:
    """Return the code of the firm that did not claim; nothing where nobody is known to have delivered."""
    other = line.provider if line.claim.claimant_kind == ClaimantKind.BUYER else line.buyer
    return other.credit_code if other else ""


def _proofs(lines: Sequence[ClaimLine]) -> dict[int, set[tuple[str, str]]]:
    """Return the contract and the invoices of each line, by numbers that look alike."""
    proofs: dict[int, set[tuple[str, str]]] = defaultdict(set)
    for line in lines:
        if number := numbers.key(line.contract_no):
            proofs[line.pk].add(("contract", number))
    named = ClaimInvoice.objects.filter(lines__in=lines).values_list("lines", "number_key")
    for pk, number in named:
        proofs[pk].add(("invoice", number))
    return proofs
