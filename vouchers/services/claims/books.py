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
    _move(event, Kind.APPROVE, chart.claimed(claim.programme_id), _payable(claim))


def unapprove(*, claim: Claim, event: ClaimEvent) -> None:
    """Owe it no longer."""
    _move(event, Kind.UNAPPROVE, _payable(claim), chart.claimed(claim.programme_id))


def instruct(*, claim: Claim, event: ClaimEvent) -> None:
    """Send it to the bank, but for what is set off."""
    _move(event, Kind.INSTRUCT, _payable(claim), chart.in_transit(claim.programme_id))


def pay(*, claim: Claim, event: ClaimEvent) -> None:
    """It has arrived."""
    _move(event, Kind.PAY, chart.in_transit(claim.programme_id), chart.paid(claim.programme_id))


def bounce(*, claim: Claim, event: ClaimEvent) -> None:
    """It has come back."""
    _move(event, Kind.BOUNCE, chart.in_transit(claim.programme_id), _payable(claim))


def set_off(*, claim: Claim, event: ClaimEvent) -> None:
    """Owe the claimant less by what they owe."""
    _move(event, Kind.SET_OFF, _payable(claim), chart.set_off(claim.programme_id))


def _payable(claim: Claim) -> str:
    return chart.payable(claim.claimant_kind, claim.programme_id, claim.claimant_id)


def _move(event: ClaimEvent, kind: Kind, giver: str, taker: str) -> None:
    accounts = posting.open_accounts(floors=dict.fromkeys((giver, taker)))
    legs = [Leg(accounts[giver], -event.amount_fen), Leg(accounts[taker], event.amount_fen)]
    posting.post(key=f"claim-event/{event.pk}", kind=kind, legs=legs, at=event.at)
