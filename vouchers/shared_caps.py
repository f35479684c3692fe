"""Caps that several yearly counters share: over all years, under one controller, over programmes of one group.

The database adds the counters up (``voucher_shared_caps``) and refuses a redemption that passes a cap; here is what is
left, for quotes, and the lock under which that stays true.
"""

from datetime import datetime

import msgspec
from django.db import connection

from core.periods import date_of
from vouchers.models import Grant
from vouchers.rules import Limits
from vouchers.rules.steps import Cap

LEFT = "SELECT cap, cap_fen - used_fen FROM voucher_shared_caps(%(grant)s, %(year)s::smallint, %(day)s)"
LOCK = "SELECT voucher_lock_shared_caps(%(grant)s, %(year)s::smallint, %(day)s)"
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


def lock(*, grant: Grant, at: datetime) -> None:
    """Keep everyone else from using more of the caps that a grant shares, until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(LOCK, {"grant": grant.pk, "year": date_of(at).year, "day": date_of(at)})
