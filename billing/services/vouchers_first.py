"""Vouchers before wallets: whoever needs both takes the vouchers first, and the grants of several before anything else.

An order may have more than one voucher, each with counters that others share. Who took a wallet, or a counter, and then
wanted another grant would wait for somebody who has that grant and waits for the wallet.
"""

from collections.abc import Iterable
from datetime import datetime

from vouchers.models import Grant, Redemption
from vouchers.services import redemptions


def lock(used: Iterable[Redemption | None]) -> None:
    """Lock the grants of several redemptions in one order; a single one is locked by whoever uses it."""
    grant_ids = {one.grant_id for one in used if one is not None}
    if len(grant_ids) > 1:
        list(Grant.objects.locked().filter(pk__in=grant_ids).values_list("pk"))


def release(unused: Iterable[Redemption | None], *, at: datetime) -> None:
    """Give back what redemptions still hold."""
    held = [one for one in unused if one is not None and one.is_held]
    lock(held)
    for redemption in held:
        redemptions.release(redemption=redemption, at=at)
