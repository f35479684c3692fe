"""Contracts, invoices and claims of vouchers, as the rules against double funding look at them."""

from collections.abc import Iterator

from vouchers import numbers
from vouchers.fraud.facts import Claimed, Document
from vouchers.models import Application, ClaimInvoice, ClaimLine, ForeignClaim
from vouchers.models.application import OVER, ApplicationStatus
from vouchers.models.claim_line import LIVE


def documents() -> Iterator[Document]:
    """Yield contracts of live applications, invoices of live claims, and what other departments have paid for."""
    yield from _contracts()
    yield from _invoices()
    for one in ForeignClaim.objects.order_by("pk").iterator():
        number = numbers.key(one.number)
        yield Document(kind=one.kind, number=number, place=one.department, amount_fen=one.amount_fen)


def claimed() -> Iterator[Claimed]:
    """Yield who claims for which contract, or for which redemption where no contract is named."""
    rows = ClaimLine.objects.filter(status__in=LIVE, amount_fen__gt=0).order_by("pk")
    names = ("contract_no", "redemption_id", "claim__claimant_kind", "claim__claimant_id", "claim__programme_id")
    for contract_no, redemption_id, side, claimant_id, programme_id, fen in rows.values_list(
        *names, "amount_fen"
    ).iterator():
        number = numbers.key(contract_no)
        yield Claimed(
            trade=f"contract/{number}" if number else f"redemption/{redemption_id}",
            side=side,
            claimant_id=claimant_id,
            programme_id=programme_id,
            amount_fen=fen,
        )


def _contracts() -> Iterator[Document]:
    live = Application.objects.exclude(contract_key="").exclude(status__in=[ApplicationStatus.DRAFT, *OVER])
    for one in live.order_by("pk").iterator():
        yield Document(
            kind="contract",
            number=one.contract_key,
            place=f"application/{one.programme_id}/{one.applicant_id}",
            programme_id=one.programme_id,
            entity_id=one.applicant_id,
            amount_fen=one.asked_fen,
        )


def _invoices() -> Iterator[Document]:
    live = ClaimInvoice.objects.filter(live=True).select_related("claim").order_by("pk")
    for one in live.iterator():
        yield Document(
            kind="invoice",
            number=one.number_key,
            place=f"claim/{one.claim_id}",
            programme_id=one.claim.programme_id,
            entity_id=one.claim.claimant_id,
            amount_fen=one.amount_fen,
        )
