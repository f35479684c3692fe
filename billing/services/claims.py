"""What vouchers ask of billing: who delivered what a voucher paid for, what proves it, and what an authority settled.

An authority owes the voucher's part to the provider. A settlement states it as part of what the provider is due and
asks it of the authority; when the authority pays the claim, both are less by that. So nobody is paid twice.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db.models import Count, Q, Sum

from accounts.models import Organization
from billing import accounts
from billing.services import claim_evidence, denials, paid_charges
from ledger.services import posting
from ledger.services.posting import Leg
from vouchers.models import Programme, Redemption
from vouchers.ports import Share

PAID = "claim-paid"
DENIED = "claim-denied"


class Deliveries:
    """Orders, usage, bills and settlements, as vouchers ask for them."""

    def shares_of(self, redemptions: Sequence[Redemption]) -> Mapping[UUID, Sequence[Share]]:
        """Return what each provider's charges took from a voucher; one with a charge on no bill yet is left out."""
        by_redemption: dict[UUID, list[Any]] = defaultdict(list)
        for charges in paid_charges.of(redemptions):
            sums = charges.values("paid_by", "provider").order_by("provider")
            for row in sums.annotate(fen=Sum("voucher_fen"), open=Count("pk", filter=Q(invoice_line=None))):
                by_redemption[row["paid_by"]].append(row)
        providers = Organization.objects.in_bulk({row["provider"] for rows in by_redemption.values() for row in rows})
        return {
            pk: [Share(providers[row["provider"]], int(row["fen"])) for row in parts]
            for pk, parts in by_redemption.items()
            if not any(row["open"] for row in parts)
        }

    def live_fen(self, *, redemption: Redemption, provider: Organization) -> int | None:
        """Return what a redemption has paid of a provider's charges and is neither taken back nor denied."""
        return denials.live_fen(redemption, provider.pk)

    def evidence_of(self, redemptions: Sequence[Redemption]) -> Mapping[UUID, Mapping[str, Any]]:
        """Return order, usage, bills and payment behind each redemption."""
        return claim_evidence.of(redemptions)

    def authority_paid(
        self, *, programme: Programme, provider: Organization, amount_fen: int, key: str, at: datetime
    ) -> None:
        """Owe a provider less, and let the authority owe less, by what it has paid the provider."""
        codes = accounts.payout_due(provider), accounts.authority_billed(programme)
        _post(codes, amount_fen, key=f"{key}/authority-paid", kind=PAID, at=at)

    def authority_denied(
        self, *, redemption: Redemption, provider: Organization, amount_fen: int, key: str, at: datetime
    ) -> None:
        """Let a provider bear what the authority will not pay."""
        programme = redemption.grant.programme
        codes = accounts.provider_payable(provider), accounts.authority_receivable(programme)
        _post(codes, amount_fen, key=f"{key}/authority-denied", kind=DENIED, at=at)


def _post(codes: tuple[str, str], amount_fen: int, *, key: str, kind: str, at: datetime) -> None:
    opened = posting.open_accounts(floors=accounts.floors(codes))
    giver, taker = codes
    posting.post(key=key, kind=kind, legs=[Leg(opened[giver], -amount_fen), Leg(opened[taker], amount_fen)], at=at)
