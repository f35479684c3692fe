"""What a provider bears of a redemption since its authority denied it, and what a correction takes off that.

A denied part has come back to the voucher already, and its provider has given it up. When a correction makes that part
of the bill smaller, the charge takes it from the provider once more: so that much of the denial is undone, and nothing
is refunded. A redemption of which nothing was denied is left to refunds.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db.models import Sum

from billing import accounts
from billing.models import Charge, UndoneDenial
from billing.services import paid_charges
from ledger.services import posting
from ledger.services.posting import Leg
from vouchers.models import Grant, Redemption
from vouchers.services.claims import denials

UNDONE = "claim-denial-undone"


def borne_fen(redemption: Redemption, provider_id: UUID) -> int:
    """Return what a provider bears of a redemption by now: what was denied, less what corrections took off it."""
    denied_fen = denials.denied_fen(redemption_id=redemption.pk, provider_id=provider_id)
    return denied_fen - undone([redemption], provider_id)[redemption.pk] if denied_fen else 0


def live_fen(redemption: Redemption, provider_id: UUID) -> int:
    """Return what a redemption has paid of a provider's charges, on a bill or not, and nobody has taken back yet."""
    parts = [charges.filter(provider=provider_id) for charges in paid_charges.of([redemption])]
    paid_fen = sum(part.aggregate(fen=Sum("voucher_fen"))["fen"] or 0 for part in parts)
    return int(paid_fen) - borne_fen(redemption, provider_id)


def undo(*, redemption: Redemption, charge: Charge, amount_fen: int, at: datetime) -> int:
    """Undo up to an amount of what the provider of a charge bears of a redemption, and return how much that was.

    Its grant is locked before anything is looked at, as by whoever denies: each sees what the other has done.
    """
    Grant.objects.locked().get(pk=redemption.grant_id)
    undone_fen = min(amount_fen, borne_fen(redemption, charge.provider_id))
    if undone_fen <= 0:
        return 0
    UndoneDenial.objects.create(
        charge=charge, redemption=redemption, provider_id=charge.provider_id, amount_fen=undone_fen
    )
    _post(redemption, charge, undone_fen, at=at)
    return undone_fen


def undone(redemptions: Sequence[Redemption], provider_id: UUID) -> Counter[UUID]:
    """Return what corrections took off denials of a provider, by redemption."""
    rows = UndoneDenial.objects.filter(redemption__in=redemptions, provider=provider_id)
    found: Counter[UUID] = Counter()
    for redemption_id, amount_fen in rows.values_list("redemption", "amount_fen"):
        found[redemption_id] += amount_fen
    return found


def _post(redemption: Redemption, charge: Charge, amount_fen: int, *, at: datetime) -> None:
    codes = accounts.authority_receivable(redemption.grant.programme), accounts.provider_payable(charge.provider)
    opened = posting.open_accounts(floors=accounts.floors(codes))
    giver, taker = (opened[code] for code in codes)
    legs = [Leg(giver, -amount_fen), Leg(taker, amount_fen)]
    posting.post(key=f"charge/{charge.pk}/denial-undone", kind=UNDONE, legs=legs, at=at)
