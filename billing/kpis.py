"""What vouchers bought: card-hours, computing and money by card, domestic or not, near or far, used or not."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from core.money import BP_WHOLE
from core.periods import Period
from vouchers.kpis import ALWAYS

# Of TFLOPS in hundredths, kept by the millisecond, to thousandths of a PFLOPS-hour.
HUNDREDTHS_MS = 3_600_000 * 100

# An order has the voucher of its checkout, and every extension may have another: each pays for the hours from its own
# beginning up to where a later one begins, and what it paid is on the charges of its purse. Each purse is asked for its
# charges: the planner takes a join of the two for a handful of rows, and goes through all vouchers for each of them.
COMPUTE = """
WITH own AS (
    SELECT redemption.id, authority.city
    FROM vouchers_redemption redemption
    JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
    JOIN vouchers_programme programme ON programme.id = vouchers_grant.programme_id
    JOIN accounts_organization authority ON authority.id = programme.authority_id
    WHERE programme.id = ANY (%(ids)s)
), touched AS (
    SELECT reservation.id FROM own JOIN billing_funding funding ON funding.redemption_id = own.id
    JOIN market_reservation reservation ON reservation.order_id = funding.order_id
    UNION
    SELECT supplement.reservation_id FROM own JOIN billing_supplement supplement ON supplement.redemption_id = own.id
), purse AS (
    SELECT reservation.id AS reservation_id, NULL::uuid AS supplement_id, 0 AS number, funding.redemption_id,
           reservation.starts_at AS from_at
    FROM touched JOIN market_reservation reservation USING (id)
    JOIN billing_funding funding ON funding.order_id = reservation.order_id
    UNION ALL
    SELECT supplement.reservation_id, supplement.id, supplement.number, supplement.redemption_id, supplement.starts_at
    FROM touched JOIN billing_supplement supplement ON supplement.reservation_id = touched.id
), span AS (
    SELECT purse.*, min(from_at) OVER (
        PARTITION BY reservation_id ORDER BY number ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING
    ) AS until_at
    FROM purse
), paid AS MATERIALIZED (
    SELECT span.*, own.city FROM span JOIN own ON own.id = span.redemption_id
), spent AS MATERIALIZED (
    SELECT paid.*, charged.used_ms, charged.fen
    FROM paid CROSS JOIN LATERAL (
        SELECT coalesce(sum(accelerator_ms) FILTER (WHERE kind = 'usage'), 0) AS used_ms, sum(voucher_fen) AS fen
        FROM billing_charge WHERE reservation_id = paid.reservation_id
            AND supplement_id IS NOT DISTINCT FROM paid.supplement_id
            AND hour >= %(since)s AND hour < %(until)s
    ) charged
    WHERE charged.fen IS NOT NULL
), bought AS (
    SELECT offering.accelerator_id, coalesce(nullif(site.city, '') = spent.city, false) AS near,
           (reservation.count * extract(epoch FROM greatest(
               least(reservation.ends_at, spent.until_at, %(until)s, %(at)s)
               - greatest(reservation.starts_at, spent.from_at, %(since)s), interval '0'
           )) * 1000)::bigint - coalesce((
               SELECT sum(returned.cards * extract(epoch FROM greatest(
                   least(reservation.ends_at, spent.until_at, %(until)s, %(at)s)
                   - greatest(returned.hour, spent.from_at, %(since)s), interval '0'
               )) * 1000)::bigint FROM market_returnedcards returned WHERE returned.reservation_id = reservation.id
           ), 0) AS reserved_ms,
           spent.used_ms, spent.fen
    FROM spent
    JOIN market_reservation reservation ON reservation.id = spent.reservation_id
    JOIN market_offering offering ON offering.id = reservation.offering_id
    JOIN market_site site ON site.id = offering.site_id
)
SELECT accelerator.vendor || ' ' || accelerator.name, accelerator.domestic, sum(used_ms), sum(fen), sum(reserved_ms),
       coalesce(sum(used_ms) FILTER (WHERE near), 0),
       coalesce(sum(used_ms * (accelerator.fp16_tflops * 100)::bigint), 0)
FROM bought JOIN market_accelerator accelerator ON accelerator.id = bought.accelerator_id
GROUP BY 1, 2 ORDER BY 4 DESC, 1
"""


class Cards(NamedTuple):
    """What vouchers bought of one model of card; ``near`` is what ran in the authority's own city."""

    name: str
    domestic: bool
    accelerator_ms: int
    voucher_fen: int
    reserved_ms: int = 0
    near_ms: int = 0
    pflops_hours_milli: int = 0

    @property
    def used_bp(self) -> int | None:
        """Return how much of what was reserved was used."""
        return self.accelerator_ms * BP_WHOLE // self.reserved_ms if self.reserved_ms else None


def compute(*, programmes: Sequence[UUID], period: Period = ALWAYS, at: datetime = ALWAYS.ends_at) -> list[Cards]:
    """Return what the vouchers of these programmes bought in a period, the most money first.

    What is reserved from ``at`` on cannot have been used yet, and does not count.
    """
    values: dict[str, Any] = {"ids": list(programmes), "since": period.starts_at, "until": period.ends_at, "at": at}
    with connection.cursor() as cursor:
        cursor.execute(COMPUTE, values)
        return [_cards(row) for row in cursor.fetchall()]


def _cards(row: tuple[Any, ...]) -> Cards:
    used, fen, reserved, near = (int(value or 0) for value in row[2:6])
    return Cards(row[0], row[1], used, fen, reserved, near, int(row[6]) // HUNDREDTHS_MS)


def used_bp(cards: Sequence[Cards]) -> int | None:
    """Return how much of the card time that was reserved was used, in basis points."""
    reserved_ms = sum(one.reserved_ms for one in cards)
    return sum(one.accelerator_ms for one in cards) * BP_WHOLE // reserved_ms if reserved_ms else None


def domestic_bp(cards: Sequence[Cards]) -> int | None:
    """Return the share of card time that ran on domestic cards, in basis points."""
    return _share(cards, sum(one.accelerator_ms for one in cards if one.domestic))


def near_bp(cards: Sequence[Cards]) -> int | None:
    """Return the share of card time that ran in the authority's own city, in basis points."""
    return _share(cards, sum(one.near_ms for one in cards))


def _share(cards: Sequence[Cards], part_ms: int) -> int | None:
    total_ms = sum(one.accelerator_ms for one in cards)
    return part_ms * BP_WHOLE // total_ms if total_ms else None
