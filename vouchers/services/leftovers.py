"""What is left of a hold or of a grant, and where it goes: to the grant while it lives, to the programme afterwards."""

from datetime import datetime
from uuid import UUID

from ledger.models import Account, Balance
from ledger.services import posting
from ledger.services.posting import Leg
from vouchers import chart
from vouchers.chart import Kind
from vouchers.models import Grant, GrantStatus, Redemption, RedemptionStatus

# Ways in which a grant ends before its time: what is left of it may be granted anew.
RETURNED = (GrantStatus.REVOKED, GrantStatus.SURRENDERED, GrantStatus.SUPERSEDED, GrantStatus.UNUSED)


def locked(redemption_id: UUID) -> Redemption:
    """Return a redemption with its grant, both locked, the grant first as every writer but a hold does."""
    grants = Grant.objects.locked().select_related("programme", "account")
    grant = grants.get(pk=Redemption.objects.values_list("grant_id", flat=True).get(pk=redemption_id))
    redemption = Redemption.objects.locked().select_related("hold").get(pk=redemption_id)
    redemption.grant = grant
    return redemption


def close(*, redemption: Redemption, at: datetime) -> None:
    """Close a held redemption: what it did not capture is available to the grant again."""
    used = redemption.captured_fen > 0
    redemption.move_to(RedemptionStatus.CAPTURED if used else RedemptionStatus.RELEASED, closed_at=at)
    if used:
        posting.settle(hold=redemption.hold)
    else:
        posting.void(hold=redemption.hold)


def release(*, redemption: Redemption, at: datetime) -> None:
    """Close a held redemption and pass on what it did not capture."""
    freed_fen = redemption.remaining_fen
    close(redemption=redemption, at=at)
    pass_on(grant=redemption.grant, amount_fen=freed_fen, key=f"redemption/{redemption.pk}/release", at=at)


def sweep(*, grant: Grant, key: str, at: datetime) -> None:
    """Pass on all that is available to a grant that is over; the balance is locked before it is read."""
    balance = Balance.objects.select_for_update(no_key=True).get(pk=grant.account_id)
    pass_on(grant=grant, amount_fen=balance.available_fen, key=key, at=at)


def pass_on(*, grant: Grant, amount_fen: int, key: str, at: datetime) -> None:
    """Move available value out of a grant that is over: to the budget if taken or given back, else to what lapsed."""
    if amount_fen == 0 or grant.is_living(at):
        return
    revoked = grant.status in RETURNED
    code, floor_fen = (chart.budget, 0) if revoked else (chart.lapsed, None)
    heir = posting.open_account(code=code(grant.programme_id), floor_fen=floor_fen)
    legs = [Leg(_account(grant), -amount_fen), Leg(heir, amount_fen)]
    posting.post(key=key, kind=Kind.REVOKE if revoked else Kind.LAPSE, legs=legs, at=at)


def _account(grant: Grant) -> Account:
    return posting.open_account(code=chart.grant(grant.pk), floor_fen=0)
