"""Whose turn it is with which claims, and how late they are: what the desk's queues show."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet, Sum

from accounts.models import Organization
from vouchers.models import Claim, ClaimLine, ClaimQuerySet, LineStatus
from vouchers.models.claim import WITH_APPROVER, WITH_CLAIMANT, WITH_FINANCE, WITH_OPERATOR

TURNS = {
    "claimant": WITH_CLAIMANT,
    "operator": WITH_OPERATOR,
    "approver": WITH_APPROVER,
    "finance": WITH_FINANCE,
}


class Load(NamedTuple):
    """How much waits for somebody, and how much of it too long."""

    claims: int
    overdue: int
    amount_fen: int


def queue(
    turn: str,
    *,
    authority: Organization | None = None,
    programme_id: UUID | None = None,
    claimant_id: UUID | None = None,
    assigned_to: UUID | None = None,
    overdue_at: datetime | None = None,
) -> ClaimQuerySet:
    """Return the claims that wait for somebody, those due first at the front; filters narrow it."""
    chosen = {"programme": programme_id, "claimant": claimant_id, "assigned_to": assigned_to}
    rows = Claim.objects.filter(status__in=TURNS[turn], **{name: pk for name, pk in chosen.items() if pk})
    if authority is not None:
        rows = rows.of_authority(authority)
    if overdue_at is not None:
        rows = rows.overdue(overdue_at)
    return rows.with_names().order_by("due_at", "pk")


def loads(*, at: datetime, authority: Organization | None = None) -> dict[str, Load]:
    """Return what waits for whom, in one query."""
    rows = Claim.objects.all() if authority is None else Claim.objects.of_authority(authority)
    asked: dict[str, Count | Sum] = {}
    for turn, statuses in TURNS.items():
        asked[f"{turn}_claims"] = Count("pk", filter=Q(status__in=statuses))
        asked[f"{turn}_overdue"] = Count("pk", filter=Q(status__in=statuses, due_at__lt=at))
        asked[f"{turn}_fen"] = Sum("amount_fen", filter=Q(status__in=statuses))
    found = rows.aggregate(**asked)
    return {
        turn: Load(found[f"{turn}_claims"], found[f"{turn}_overdue"], int(found[f"{turn}_fen"] or 0)) for turn in TURNS
    }


def disputes(*, authority: Organization) -> QuerySet[ClaimLine]:
    """Return the refused lines that claimants contest, the oldest first."""
    rows = ClaimLine.objects.filter(status=LineStatus.DISPUTED, claim__programme__authority=authority)
    return rows.select_related("claim__programme", "claim__claimant", "buyer", "provider").order_by("pk")


def withheld(*, authority: Organization) -> QuerySet[ClaimLine]:
    """Return the lines that are not paid for now, with their reasons, the oldest first."""
    rows = ClaimLine.objects.filter(status=LineStatus.WITHHELD, claim__programme__authority=authority)
    return rows.select_related("claim__programme", "claim__claimant", "buyer", "provider").order_by("pk")
