"""What of an order a voucher can pay: the hours that begin before it expires. The rest is the wallet's from the first.

Whoever had the voucher set aside for what it will not pay would use hours on the platform's money.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from core.errors import Conflict
from core.money import MICRO_PER_FEN
from core.periods import HOUR, date_of, midnight
from vouchers.models import Grant


class ExpiresFirst(Conflict):
    """The voucher expires before any of the hours begins."""

    code = "voucher-expires-first"


def part_fen(*, grant: Grant, estimate_fen: int, starts_at: datetime, hours: int, at: datetime) -> int:
    """Return what of an estimate is for hours that a grant can pay, all of which may cost the same.

    :raises ExpiresFirst: if that is nothing.
    """
    until = _expires_at(grant, at)
    covered = hours if until is None else min(max(-((starts_at - until) // HOUR), 0), hours)
    return _something(estimate_fen * covered // hours)


def priced_fen(*, grant: Grant, estimate_fen: int, values: Sequence[tuple[datetime, int]], at: datetime) -> int:
    """Return the same of hours with what each of them costs, in micro-yuan.

    :raises ExpiresFirst: if that is nothing.
    """
    until = _expires_at(grant, at)
    covered = [value for hour, value in values if until is None or hour < until]
    return _something(estimate_fen if len(covered) == len(values) else sum(covered) // MICRO_PER_FEN)


def _something(fen: int) -> int:
    if fen < 1:
        raise ExpiresFirst(_("The voucher expires before these hours begin: pay without it."))
    return fen


def _expires_at(grant: Grant, at: datetime) -> datetime | None:
    """Return when a grant expires that is used now: its days may count from its first use on.

    One that has expired is refused as such by whoever looks at all that it needs.
    """
    if grant.expires_at is None or grant.expires_at <= at:
        return None
    if not grant.days_from_first_use:
        return grant.expires_at
    return min(grant.expires_at, midnight(date_of(at) + timedelta(days=grant.days_from_first_use)))
