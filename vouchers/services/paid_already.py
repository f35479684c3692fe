"""What is paid of an order or a contract already: the caps per order and per contract count it."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from msgspec.structs import replace

from vouchers.models import Grant, Redemption
from vouchers.rules import Limits, Terms


class Claimed(NamedTuple):
    """What a claim says of a line: since when its contract runs, what of it is paid already, and what is asked for.

    On that day the providers had to be listed (I10), if not today. ``most_fen`` holds whatever more the caps leave by
    now, and what is paid of the contract is read under a lock of the caller. What is paid of its order is part of it.
    """

    contracted_on: date | None = None
    contract_used_fen: int = 0
    order_used_fen: int = 0
    most_fen: int | None = None


PLACED = Claimed()


def left(limits: Limits, terms: Terms, grant: Grant, *, beside: Sequence[Redemption], claimed: Claimed) -> Limits:
    """Return the limits with what is paid of the same order and contract already; an order is a contract, too.

    Other vouchers count where they are of the same programme; stacking is about the others.
    """
    less: dict[str, int] = {}
    same = [one for one in beside if one.grant.programme_id == grant.programme_id]
    if same:
        less["vouchers_beside"] = len({one.grant_id for one in same} - {grant.pk})
    beside_fen = sum(one.borne_fen for one in same)
    of_order_fen = beside_fen + claimed.order_used_fen
    if terms.order_cap_fen is not None and of_order_fen:
        less["order_left_fen"] = terms.order_cap_fen - of_order_fen
    of_contract_fen = beside_fen + claimed.contract_used_fen
    if terms.contract_cap_fen is not None and of_contract_fen:
        less["contract_left_fen"] = terms.contract_cap_fen - of_contract_fen
    most_fen = claimed.most_fen
    if most_fen is not None:
        less["grant_available_fen"] = min(most_fen, limits.grant_available_fen or 0)
    return replace(limits, **less) if less else limits
