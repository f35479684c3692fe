"""What is left, set aside and used of grants: one answer for a whole list."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from django.db.models import F, Sum

from ledger.models import Balance
from vouchers.models import Grant, GrantStatus, Redemption

NEAR_EXPIRY = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Standing:
    """A grant with its amounts in fen; ``used_fen`` is net of refunds."""

    grant: Grant
    available_fen: int
    held_fen: int
    used_fen: int

    def near_expiry(self, at: datetime) -> bool:
        """Tell whether value will lapse within a week."""
        grant = self.grant
        if grant.status != GrantStatus.ACTIVE or grant.expires_at is None or not self.available_fen:
            return False
        return at < grant.expires_at <= at + NEAR_EXPIRY


def standings(grants: Sequence[Grant]) -> list[Standing]:
    """Return the amounts of some grants, in their order."""
    balances = Balance.objects.in_bulk([grant.account_id for grant in grants if grant.account_id])
    used = _used_fen(grants)
    return [
        Standing(
            grant=grant,
            available_fen=balances[grant.account_id].available_fen if grant.account_id in balances else 0,
            held_fen=balances[grant.account_id].held_fen if grant.account_id in balances else 0,
            used_fen=used.get(grant.pk, 0),
        )
        for grant in grants
    ]


def _used_fen(grants: Sequence[Grant]) -> dict[UUID, int]:
    rows = Redemption.objects.filter(grant__in=[grant.pk for grant in grants]).order_by()
    sums = rows.values_list("grant").annotate(total=Sum(F("captured_fen") - F("refunded_fen")))
    return {grant_id: int(total) for grant_id, total in sums}
