"""Write a redemption and its ledger hold in one round trip (``voucher_hold`` in the migrations).

Many buyers may want one grant at once, so that it is released before the disk has answered.
"""

import json
from typing import Any

from django.db import IntegrityError, connection

from core import commits
from core.constraints import constraint_name
from vouchers.models import Grant, Redemption

HOLD = f"SELECT voucher_hold(%s, %s, %s, %s, %s::smallint, %s, %s, %s, %s), {commits.RELEASE_EARLY}"
TRY_HOLD = HOLD.replace("voucher_hold", "voucher_try_hold")
HELD_BEFORE = "redemption_reference_once"
REFUSALS = {
    HELD_BEFORE,
    "redemption_grant_usable",
    "redemption_programme_open",
    "entity_year_within_cap",
    "redemption_within_shared_caps",
    "redemption_within_provider_share",
    "redemption_price_filed",
    "ledger_balance_floor",
}


def write(redemption: Redemption, grant: Grant) -> str | None:
    """Write a redemption and its hold in one round trip; return the name of the constraint that refuses them."""
    row: list[Any] = [
        redemption.pk,
        grant.pk,
        grant.account_id,
        redemption.reference,
        redemption.year,
        redemption.eligible_fen,
        redemption.amount_fen,
        json.dumps(redemption.explanation),
        redemption.held_at,
    ]
    answer = _answer(row)
    commits.wait_for_disk()
    if answer in REFUSALS:
        return answer
    redemption.hold_id = int(answer)
    return None


def _answer(row: list[Any]) -> str:
    """Return the id of the new hold, or the constraint that refuses; a transaction around this call stays usable."""
    with connection.cursor() as cursor:
        try:
            cursor.execute(TRY_HOLD if connection.in_atomic_block else HOLD, row)
        except IntegrityError as error:
            if constraint_name(error) not in REFUSALS:
                raise
            return constraint_name(error)
        return str(cursor.fetchone()[0])
