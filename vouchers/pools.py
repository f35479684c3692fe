"""Pools: parts of a budget that are kept for the firms of some districts, and what is left of each.

The database counts them (``voucher_pools``) and refuses an award that passes its pool, whoever makes it; here is what
is left, for whoever asks before, and the lock under which that stays true.
"""

from typing import NamedTuple
from uuid import UUID

from django.db import connection
from msgspec.structs import replace

from ledger.models import Balance
from vouchers import chart
from vouchers.models import Grant, Programme
from vouchers.rules import Limits

POOLS = "SELECT code, districts, cap_fen, used_fen FROM voucher_pools(%s) ORDER BY code = '', place"


class Pool(NamedTuple):
    """A part of a budget: for which districts, how much, and what is granted or proposed of it, in fen.

    The one without a code is what no pool keeps.
    """

    code: str
    districts: list[str]
    cap_fen: int
    used_fen: int

    @property
    def left_fen(self) -> int:
        """Return what may still be awarded; a pool that a later version made smaller may be passed already."""
        return max(self.cap_fen - self.used_fen, 0)


def of(programme_id: UUID) -> list[Pool]:
    """Return the pools of a programme in their order, what nobody keeps at the end; none if it has none."""
    with connection.cursor() as cursor:
        cursor.execute(POOLS, [programme_id])
        return [Pool(code, list(districts), int(cap), int(used)) for code, districts, cap, used in cursor.fetchall()]


def within(limits: Limits, *, programme: Programme, district: str | None) -> Limits:
    """Return limits with what the pool of a district leaves, unless they say so themselves."""
    if limits.pool_left_fen is not None or not programme.parameters.money.pools:
        return limits
    left = {pool.code: pool.left_fen for pool in of(programme.pk)}
    return replace(limits, pool_left_fen=left[programme.parameters.money.pool_of(district or "")])


def part(programme: Programme, district: str) -> str:
    """Return the part of a budget from which a firm of a district is served: its pool, or else the district's own."""
    money = programme.parameters.money
    return money.pool_of(district) if money.pools else district


def parts_fen(programme: Programme) -> dict[str, int]:
    """Return what each part of a budget may still give at most; a part that is not named is not bounded."""
    if programme.parameters.money.pools:
        return {pool.code: pool.left_fen for pool in of(programme.pk)}
    return {one.district: one.amount_fen for one in programme.parameters.allocation.district_quotas}


def lock_budget(grant: Grant) -> None:
    """Take the budget's balance before what counts by pool or firm: a batch has it while it comes to other firms."""
    Balance.objects.select_for_update(no_key=True, of=("self",)).get(account__code=chart.budget(grant.programme_id))
