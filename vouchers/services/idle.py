"""Take back what nobody uses: a grant that lay idle for as many whole days as its version says ends by the clock.

Idle is a grant of which something is left and nothing is held, since the day on which it was last approved, extended or
thawed, something of it was held or released, or came back.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, IntegerField, Max, OuterRef, Q, QuerySet, Subquery
from django.db.models.fields.json import KT
from django.db.models.functions import Cast, Greatest

from accounts.services import audit
from accounts.services.audit import SYSTEM
from core.periods import date_of, midnight
from ledger.models import Balance
from vouchers.models import EntityYear, Extension, Freeze, Grant, GrantStatus, ProgrammeVersion, Redemption, Refund
from vouchers.services import leftovers

DAY = timedelta(days=1)
Clocks = dict[tuple[UUID, int], int]


def taken_back(grants: Iterable[Grant]) -> dict[UUID, datetime]:
    """Return when grants are taken back unless they are used before; those whose clock does not run are left out."""
    rows = list(grants)
    clocks = _clocks(programme__in={one.programme_id for one in rows})
    if not clocks:
        return {}
    idle = _idle(pk__in=[one.pk for one in rows]).values_list("pk", "programme_id", "version", "idle_since")
    return {
        pk: midnight(date_of(since) + (clocks[programme_id, version] + 1) * DAY)
        for pk, programme_id, version, since in idle
        if (programme_id, version) in clocks
    }


def take_back_due(*, at: datetime) -> int:
    """Take back every grant that lay idle for too long, and return how many."""
    due: list[UUID] = []
    for (programme_id, version), days in _clocks().items():
        before = midnight(date_of(at) - days * DAY)
        unused = _unused_since(before, programme=programme_id, version=version)
        idle = _idle(pk__in=unused, idle_since__lt=before) if unused else Grant.objects.none()
        due += idle.order_by("pk").values_list("pk", flat=True)
    return sum(_take_back(pk, at) for pk in due)


@transaction.atomic
def _take_back(grant_id: UUID, at: datetime) -> bool:
    """Look again behind the locks that a hold takes, and take the grant back: a hold in flight is seen, or refused."""
    grant = Grant.objects.locked().get(pk=grant_id)
    list(EntityYear.objects.locked().filter(programme=grant.programme_id, entity=grant.owner_id))
    Balance.objects.select_for_update(no_key=True).get(pk=grant.account_id)
    due_at = taken_back([grant]).get(grant.pk)
    if due_at is None or at < due_at:
        return False
    grant.move_to(GrantStatus.UNUSED)
    leftovers.sweep(grant=grant, key=f"grant/{grant.pk}/unused", at=at)
    audit.record(actor=SYSTEM, verb="grant.taken_back", thing=grant, at=at)
    return True


def _clocks(**terms: Any) -> Clocks:
    """Return after how many days grants are taken back, by programme and version."""
    days = Cast(KT("parameters__validity__inactivity_expunge_days"), IntegerField())
    rows = ProgrammeVersion.objects.published().filter(**terms).annotate(days=days).filter(days__isnull=False)
    return {
        (programme_id, number): most for programme_id, number, most in rows.values_list("programme", "number", "days")
    }


def _unused_since(before: datetime, **terms: Any) -> list[UUID]:
    """Return the grants that may be idle: approved before an instant, and nothing of them held or released since.

    One look at each grant's redemptions tells nearly all that are in use, before anything else is asked of them.
    """
    used = Redemption.objects.filter(grant=OuterRef("pk")).order_by().values("grant")
    latest = used.annotate(latest=Max(Greatest("held_at", "closed_at"))).values("latest")
    rows = _left(approved_at__lt=before, **terms).alias(used_at=Subquery(latest))
    return list(rows.filter(Q(used_at=None) | Q(used_at__lt=before)).values_list("pk", flat=True))


def _left(**terms: Any) -> QuerySet[Grant]:
    """Return active grants of which something is left and nothing is held."""
    left = Grant.objects.filter(account__balance__held_fen=0, account__balance__posted_fen__gt=0)
    return left.filter(status=GrantStatus.ACTIVE, **terms)


def _idle(**terms: Any) -> QuerySet[Any]:
    """Return active grants of which something is left and nothing is held, with ``idle_since``."""
    used = Redemption.objects.filter(grant=OuterRef("pk"))
    extended = Extension.objects.approved().filter(grant=OuterRef("pk"))
    since = Greatest(
        "approved_at",
        _latest(used, "grant", "held_at"),
        _latest(used, "grant", "closed_at"),
        _latest(used.filter(refunded_fen__gt=0).alias(came_at=_came_back_at()), "grant", "came_at"),
        _latest(Freeze.objects.filter(grant=OuterRef("pk")), "grant", "lifted_at"),
        _latest(extended, "grant", "decided_at"),
    )
    idle = _left().filter(~Exists(used.held()))
    return idle.annotate(idle_since=since).filter(**terms)


def _came_back_at() -> Subquery:
    """Return when something of a redemption came back last: asked of each, as refunds know no grant."""
    return _latest(Refund.objects.filter(redemption=OuterRef("pk")), "redemption", "refunded_at")


def _latest(rows: QuerySet[Any], group: str, instant: str) -> Subquery:
    return Subquery(rows.order_by().values(group).annotate(latest=Max(instant)).values("latest"))
