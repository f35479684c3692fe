"""Lock all that a hold moves, in the order in which ``voucher_hold`` takes it, for one that a counter has refused."""

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from django.db import connection

from core.periods import date_of
from ledger.models import Balance
from vouchers import shared_caps
from vouchers.models import EntityYear, Grant, Programme

REFERENCE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
GATE = "SELECT pg_advisory_xact_lock_shared(1125, uuid_hash(%s))"
QUEUE = "SELECT pg_advisory_xact_lock(1100, (%s %% 2147483647)::integer)"


def take(*, grant_id: UUID, reference: str, providers: Iterable[UUID], at: datetime) -> None:
    """Wait for reference, gate, programme, a grant whose days begin now, the entity's year, shared caps and balance.

    Whoever closes the gate of a grant ends it behind that, so the gate comes before all that ending it moves.
    """
    grant = Grant.objects.get(pk=grant_id)
    _wait(REFERENCE, reference)
    _wait(GATE, grant.pk)
    Programme.objects.locked().get(pk=grant.programme_id)
    if grant.days_from_first_use:
        Grant.objects.locked().get(pk=grant.pk)
    year = {"programme_id": grant.programme_id, "entity_id": grant.owner_id, "year": date_of(at).year}
    EntityYear.objects.bulk_create([EntityYear(**year)], ignore_conflicts=True)
    counter = EntityYear.objects.get(**year)
    _wait(QUEUE, counter.pk)
    EntityYear.objects.locked().get(pk=counter.pk)
    shared_caps.lock(grant=grant, providers=set(providers), at=at)
    Balance.objects.select_for_update(no_key=True).get(pk=grant.account_id)


def _wait(statement: str, key: str | int | UUID) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement, [key])
