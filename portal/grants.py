"""What is left, set aside and used of grants: one answer for a whole list."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce

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
    rows = Grant.objects.filter(pk__in=[grant.pk for grant in grants])
    read = {grant.pk: _standing(grant) for grant in rows.annotate(**_amounts())}
    return [replace(read[grant.pk], grant=grant) for grant in grants]


def standings_of(rows: QuerySet[Grant]) -> list[Standing]:
    """Return grants that are not read yet with their amounts, from one query."""
    return [_standing(grant) for grant in rows.annotate(**_amounts())]


def _amounts() -> dict[str, Any]:
    spent = Redemption.objects.filter(grant=OuterRef("pk")).order_by().values("grant")
    net = spent.annotate(fen=Sum(F("captured_fen") - F("refunded_fen"))).values("fen")
    held, floor = F("account__balance__held_fen"), F("account__balance__floor_fen")
    return {
        "left_fen": Coalesce(F("account__balance__posted_fen") - held - floor, 0),
        "reserved_fen": Coalesce(held, 0),
        "net_fen": Coalesce(Subquery(net), 0),
    }


def _standing(grant: Grant) -> Standing:
    read = vars(grant)
    return Standing(grant, int(read["left_fen"]), int(read["reserved_fen"]), int(read["net_fen"]))
