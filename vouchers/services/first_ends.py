"""When grants were to end as they were approved, before an extension or the first use moved their ends."""

from collections.abc import Mapping
from datetime import datetime
from uuid import UUID

from vouchers.models import Extension, FirstUse, Grant


def of(grants: Mapping[UUID, Grant]) -> dict[UUID, datetime | None]:
    """Return when grants were to end at their approval, whatever moved their ends before the log hears of it."""
    extended = Extension.objects.approved().filter(grant__in=grants).values_list("decided_at", "grant_id", "was_at")
    used = FirstUse.objects.filter(grant__in=grants).values_list("used_at", "grant_id", "was_at")
    moved = {grant_id: was_at for _at, grant_id, was_at in sorted([*extended, *used], reverse=True)}
    return {pk: one.expires_at for pk, one in grants.items()} | moved


def days_of(grants: Mapping[UUID, Grant]) -> dict[UUID, int | None]:
    """Return for how many days from their first use grants last, whether they were used since or not."""
    used = dict(FirstUse.objects.filter(grant__in=grants).values_list("grant_id", "days"))
    return {pk: one.days_from_first_use for pk, one in grants.items()} | used
