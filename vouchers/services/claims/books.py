"""Write down what happens to claims: their history, and the second circle of public money, from claimed to paid."""

from datetime import datetime
from typing import Any

from accounts.models import User
from ledger.services import posting
from ledger.services.posting import Leg
from vouchers import chart
from vouchers.chart import Kind
from vouchers.models import Claim, ClaimEvent


def note(
    *,
    claim: Claim,
    kind: str,
    by: User | None,
    at: datetime,
    amount_fen: int = 0,
    note: str = "",
    facts: dict[str, Any] | None = None,
) -> ClaimEvent:
    """Append to a claim's history."""
    return ClaimEvent.objects.create(
        claim=claim, kind=kind, by=by, at=at, amount_fen=amount_fen, note=note, facts=facts or {}
    )


def approve(*, claim: Claim, event: ClaimEvent) -> None:
    """Owe the claimant what was approved."""
    _move(claim, event, Kind.APPROVE, chart.claimed(claim.programme_id), _payable(claim))


def unapprove(*, claim: Claim, event: ClaimEvent) -> None:
    """Owe it no longer."""
    _move(claim, event, Kind.UNAPPROVE, _payable(claim), chart.claimed(claim.programme_id))


def instruct(*, claim: Claim, event: ClaimEvent) -> None:
    """Send it to the bank."""
    _move(claim, event, Kind.INSTRUCT, _payable(claim), chart.in_transit(claim.programme_id))


def pay(*, claim: Claim, event: ClaimEvent) -> None:
    """It has arrived."""
    _move(claim, event, Kind.PAY, chart.in_transit(claim.programme_id), chart.paid(claim.programme_id))


def bounce(*, claim: Claim, event: ClaimEvent) -> None:
    """It has come back."""
    _move(claim, event, Kind.BOUNCE, chart.in_transit(claim.programme_id), _payable(claim))


def _payable(claim: Claim) -> str:
    return chart.payable(claim.claimant_kind, claim.programme_id, claim.claimant_id)


def _move(claim: Claim, event: ClaimEvent, kind: Kind, giver: str, taker: str) -> None:
    amount_fen = claim.approved_fen
    assert amount_fen is not None, "only what is approved moves"
    accounts = posting.open_accounts(floors=dict.fromkeys((giver, taker)))
    legs = [Leg(accounts[giver], -amount_fen), Leg(accounts[taker], amount_fen)]
    posting.post(key=f"claim-event/{event.pk}", kind=kind, legs=legs, at=event.at)
