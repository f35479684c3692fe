"""What a finding concerns beside its firms: the grant, the orders that it paid, claims, freezes, and cases."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q, QuerySet

from market.models import Order
from portal.grants import Standing, standings
from vouchers.models import Claim, Clawback, Finding, Freeze, Grant, Redemption

ORDER_PREFIX = "order/"
MOST = 20


@dataclass(frozen=True, slots=True)
class Spent:
    """What a grant set aside and paid for one order, if the order is one of the market."""

    redemption: Redemption
    order: Order | None

    @property
    def net_fen(self) -> int:
        """Return what was paid net of refunds."""
        return int(self.redemption.captured_fen - self.redemption.refunded_fen)


def of(finding: Finding) -> dict[str, Any]:
    """Return what a finding concerns."""
    paid = spent(_redemptions(finding))
    keys = [one.redemption.pk for one in paid]
    claims = Claim.objects.filter(lines__redemption__in=keys).distinct().order_by("-pk")[:MOST]
    return {
        "standing": standing(finding.grant),
        "spent": paid,
        "claims": list(claims),
        "clawbacks": list(clawbacks(finding)),
        "freezes": freezes(finding.grant),
    }


def standing(grant: Grant | None) -> Standing | None:
    """Return what is left, set aside and used of a grant."""
    return standings([grant])[0] if grant is not None else None


def spent(redemptions: QuerySet[Redemption]) -> list[Spent]:
    """Return redemptions with their orders, from one query."""
    return [Spent(one, _order(one)) for one in redemptions.select_related("funding__order")]


def _order(redemption: Redemption) -> Order | None:
    funding = getattr(redemption, "funding", None)
    return funding.order if funding else None


def order_key(redemption: Redemption) -> UUID | None:
    """Return the key of the order for which a redemption was made, if it was made for one."""
    if not redemption.reference.startswith(ORDER_PREFIX):
        return None
    try:
        return UUID(redemption.reference.removeprefix(ORDER_PREFIX))
    except ValueError:
        return None


def clawbacks(finding: Finding) -> QuerySet[Clawback]:
    """Return the cases that came of a finding, or that concern its grant."""
    rows = Clawback.objects.filter(Q(finding=finding) | Q(grant=finding.grant_id, grant__isnull=False))
    return rows.select_related("debtor").order_by("-pk")[:MOST]


def freezes(grant: Grant | None) -> list[Freeze]:
    """Return when a grant was frozen, by whom and why, the latest first."""
    if grant is None:
        return []
    rows: Iterable[Freeze] = grant.freezes.select_related("frozen_by", "lifted_by").order_by("-frozen_at")[:MOST]
    return list(rows)


def _redemptions(finding: Finding) -> QuerySet[Redemption]:
    if finding.redemption_id is not None:
        return Redemption.objects.filter(pk=finding.redemption_id)
    if finding.grant_id is not None:
        return Redemption.objects.filter(grant=finding.grant_id).order_by("-pk")[:MOST]
    return Redemption.objects.none()
