"""Caps that several counters share: over all years, under one controller, over programmes of a group, per provider.

The database adds the counters up (``voucher_shared_caps``) and refuses a redemption that passes a cap; here is what is
left, for quotes, and the lock under which that stays true.
"""

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

import msgspec
from django.db import connection

from accounts.models import Organization
from core.periods import date_of
from vouchers import judging
from vouchers.models import Grant, Programme
from vouchers.parameters.caps import CapBasis
from vouchers.rules import Limits
from vouchers.rules.steps import Cap

LEFT = "SELECT cap, cap_fen - used_fen FROM voucher_shared_caps(%(grant)s, %(year)s::smallint, %(day)s)"
LOCK = "SELECT voucher_lock_shared_caps(%(grant)s, %(year)s::smallint, %(day)s)"
SHARES = "SELECT provider_id, cap_fen - used_fen FROM voucher_provider_shares(%(grant)s, %(providers)s)"
LOCK_SHARES = "SELECT voucher_lock_provider_shares(%(grant)s, %(providers)s)"
GRANTED = "SELECT voucher_granted_fen(%(programme)s, %(owner)s, %(year)s)"
NAMES = {
    Cap.ENTITY_LIFETIME: "entity_lifetime_left_fen",
    Cap.GROUP: "group_left_fen",
    Cap.COMBINED: "combined_left_fen",
}


def within(limits: Limits, *, grant: Grant, at: datetime) -> Limits:
    """Return the limits of a grant with what each cap that it shares leaves to it."""
    with connection.cursor() as cursor:
        cursor.execute(LEFT, {"grant": grant.pk, "year": date_of(at).year, "day": date_of(at)})
        left = {NAMES[Cap(cap)]: int(fen) for cap, fen in cursor.fetchall()}
    return msgspec.structs.replace(limits, **left)


def providers_left_fen(*, grant: Grant, providers: Collection[UUID]) -> dict[UUID, int]:
    """Return what each of some providers may still get of the programme; nothing where it bounds nobody's share."""
    with connection.cursor() as cursor:
        cursor.execute(SHARES, {"grant": grant.pk, "providers": _named(providers)})
        return {UUID(pk): int(fen) for pk, fen in cursor.fetchall()}


def granted_left_fen(*, programme: Programme, owner: Organization, at: datetime) -> int | None:
    """Return what a firm may still be granted this year; nothing where the programme's yearly cap counts no grants."""
    caps = programme.parameters.caps
    if caps.entity_annual_cap_fen is None or CapBasis.GRANT not in caps.cap_basis:
        return None
    with connection.cursor() as cursor:
        cursor.execute(GRANTED, {"programme": programme.pk, "owner": owner.pk, "year": date_of(at).year})
        return int(caps.entity_annual_cap_fen - cursor.fetchone()[0])


def with_share_left(*, grant: Grant, providers: Sequence[Organization], needed_fen: int) -> Sequence[Organization]:
    """Return which of some providers may still get as much as is needed, or as the one that may get most."""
    if not providers or not judging.by(grant.programme_id, grant.version).bounds_providers:
        return providers
    left = providers_left_fen(grant=grant, providers={provider.pk for provider in providers})
    least_fen = min(needed_fen, max(left.values()))
    return [provider for provider in providers if left[provider.pk] >= max(least_fen, 1)]


def within_shares(limits: Limits, *, grant: Grant, providers: Collection[UUID]) -> Limits:
    """Return the limits of a grant with the least that any of the providers may still get."""
    left = providers_left_fen(grant=grant, providers=providers)
    return msgspec.structs.replace(limits, provider_left_fen=min(left.values(), default=None))


def lock(*, grant: Grant, providers: Collection[UUID], at: datetime) -> None:
    """Keep everyone else from using more of the caps that a grant shares, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"grant": grant.pk, "year": date_of(at).year, "day": date_of(at)})
        if judging.by(grant.programme_id, grant.version).bounds_providers:
            cursor.execute(LOCK_SHARES, {"grant": grant.pk, "providers": _named(providers)})


def _named(providers: Collection[UUID]) -> str:
    return json.dumps([str(pk) for pk in providers])
