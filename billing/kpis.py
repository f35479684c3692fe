"""What vouchers bought: card-hours and money by card, domestic or not."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from django.db import connection

BP = 10_000

COMPUTE = """
SELECT accelerator.vendor || ' ' || accelerator.name, accelerator.domestic,
       sum(charge.accelerator_ms) FILTER (WHERE charge.kind = 'usage'), sum(charge.voucher_fen)
FROM billing_charge charge
JOIN market_reservation reservation ON reservation.id = charge.reservation_id
JOIN market_offering offering ON offering.id = reservation.offering_id
JOIN market_accelerator accelerator ON accelerator.id = offering.accelerator_id
JOIN billing_funding funding ON funding.order_id = reservation.order_id
JOIN vouchers_redemption redemption ON redemption.id = funding.redemption_id
JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
WHERE vouchers_grant.programme_id = ANY (%s)
GROUP BY 1, 2 ORDER BY 4 DESC, 1
"""


class Cards(NamedTuple):
    """What vouchers bought of one model of card."""

    name: str
    domestic: bool
    accelerator_ms: int
    voucher_fen: int


def compute(*, programmes: Sequence[UUID]) -> list[Cards]:
    """Return what the vouchers of these programmes bought, the most money first."""
    with connection.cursor() as cursor:
        cursor.execute(COMPUTE, [list(programmes)])
        return [Cards(row[0], row[1], int(row[2] or 0), int(row[3])) for row in cursor.fetchall()]


def domestic_bp(cards: Sequence[Cards]) -> int | None:
    """Return the share of card time that ran on domestic cards, in basis points."""
    total = sum(one.accelerator_ms for one in cards)
    return sum(one.accelerator_ms for one in cards if one.domestic) * BP // total if total else None
