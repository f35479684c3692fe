"""Write the trade tape: every firm reservation once, and why a trade does not count. Set-based and safe to repeat."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from accounts.selectors import RELATED_BP
from market.measure import WHOLE_PPM
from market.models import SCENARIO_OF, ExclusionReason, ReservationStatus, Trade

DAY_MS = 24 * 60 * 60 * 1_000
CANCELLABLE = timedelta(days=7)
NEGOTIATED = "rfq/1"
"""The rule under which a match is written that an award made, not a clearing."""

# Reservations that came since the last trade but one day: keys begin with their time, and nothing commits later.
# A limit of one keeps the planner at the rows of a few keys: joined, it would read all matches there ever were.
RECORD = """
WITH recorded AS (
    INSERT INTO market_trade (reservation_id, at, accelerator_id, category, hub_name, seller_id, buyer_id,
        count, hours, starts_at, price_micro, sch_micro)
    SELECT held.id, batch.at, offering.accelerator_id, offering.category, site.hub_name, held.provider_id,
        ordered.buyer_id, held.count, (extract(epoch FROM held.ends_at - held.starts_at) / 3600)::int, held.starts_at,
        held.price_micro, (held.price_micro * %(twice)s + measured.ppm) / (2 * measured.ppm)
    FROM market_reservation AS held
        CROSS JOIN LATERAL (SELECT batch_id FROM market_match WHERE id = held.match_id LIMIT 1) AS matched
        JOIN market_matchbatch AS batch ON batch.id = matched.batch_id
        JOIN market_offering AS offering ON offering.id = held.offering_id
        JOIN market_site AS site ON site.id = offering.site_id
        CROSS JOIN LATERAL (SELECT buyer_id FROM market_order WHERE id = held.order_id LIMIT 1) AS ordered
        JOIN unnest(%(categories)s::text[], %(scenarios)s::text[]) AS fitting (category, scenario)
            ON fitting.category = offering.category
        LEFT JOIN market_standardmeasure AS measured
            ON measured.accelerator_id = offering.accelerator_id AND measured.scenario = fitting.scenario
    WHERE held.id >= %(since)s AND held.reclaim_minutes IS NULL
        AND NOT EXISTS (SELECT FROM market_trade WHERE reservation_id = held.id)
    ORDER BY batch.at, held.id
    ON CONFLICT (reservation_id) DO NOTHING
    RETURNING id, accelerator_id, category, hub_name, at
), """
EXCLUDE = """
WITH candidate AS (
    SELECT * FROM market_trade WHERE id > %(before)s OR starts_at > %(cancellable)s
    UNION SELECT pair.* FROM market_trade AS pair JOIN accounts_tie
        ON (first_id, second_id) = (pair.buyer_id, pair.seller_id)
    UNION SELECT pair.* FROM market_trade AS pair JOIN accounts_tie
        ON (second_id, first_id) = (pair.buyer_id, pair.seller_id)
), excluded AS (
    INSERT INTO market_tradeexclusion (trade_id, reason, at)
    SELECT trade.id, found.reason, %(at)s
    FROM candidate AS trade
        CROSS JOIN LATERAL (SELECT * FROM market_reservation WHERE id = trade.reservation_id LIMIT 1) AS held
        CROSS JOIN LATERAL (
            SELECT CASE
                WHEN held.status = %(released)s THEN %(cancelled)s
                WHEN trade.id > %(before)s AND EXISTS (
                    SELECT FROM market_match AS matched JOIN market_matchbatch AS batch ON batch.id = matched.batch_id
                    WHERE matched.id = held.match_id AND batch.engine = %(engine)s
                ) THEN %(negotiated)s
                WHEN EXISTS (
                    SELECT FROM accounts_tie AS tie WHERE tie.first_id = least(trade.buyer_id, trade.seller_id)
                        AND tie.second_id = greatest(trade.buyer_id, trade.seller_id)
                ) AND accounts_related(
                    trade.buyer_id, trade.seller_id, (trade.at AT TIME ZONE 'Asia/Shanghai')::date, %(related_bp)s
                ) THEN %(related)s
            END AS reason
        ) AS found
    WHERE found.reason IS NOT NULL
        AND NOT EXISTS (SELECT FROM market_tradeexclusion AS known WHERE known.trade_id = trade.id)
    ORDER BY trade.id
    ON CONFLICT (trade_id) DO NOTHING
    RETURNING trade_id
), touched AS (
    SELECT trade.accelerator_id, trade.category, trade.hub_name, trade.at
    FROM market_trade AS trade JOIN excluded ON excluded.trade_id = trade.id
), """
# Days are those of Shanghai, whose clock has not been changed since 1991.
NOTE = """periods AS (
    SELECT DISTINCT accelerator_id, category, hub_name, span.name, span.starts_at,
        span.starts_at + span.length AS ends_at
    FROM touched CROSS JOIN LATERAL (
        SELECT 'hour' AS name, date_trunc('hour', at) AS starts_at, interval '1 hour' AS length
        UNION ALL
        SELECT days.name, date_trunc('day', at, 'Asia/Shanghai'), interval '24 hours'
        FROM (VALUES ('day'), ('index')) AS days (name)
    ) AS span
), noted AS (
    INSERT INTO market_tapechange (accelerator_id, category, hub_name, span, starts_at, ends_at)
    SELECT accelerator_id, category, hub_name, name, starts_at, ends_at FROM periods
)
"""
COUNT_RECORDED = "SELECT count(*) FROM recorded"
COUNT_EXCLUDED = "SELECT count(*) FROM excluded"
TOUCHED = "touched AS (SELECT accelerator_id, category, hub_name, at FROM recorded), "


@transaction.atomic
def record(*, at: datetime) -> tuple[int, int]:
    """Write the reservations that came as trades, and what does not count; return how many of each."""
    before = Trade.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    terms: dict[str, Any] = {
        "since": _since(),
        "twice": 2 * WHOLE_PPM,
        "categories": [category.value for category in SCENARIO_OF],
        "scenarios": [scenario.value for scenario in SCENARIO_OF.values()],
    }
    recorded = _count(RECORD + TOUCHED + NOTE + COUNT_RECORDED, terms)
    excluding: dict[str, Any] = {
        "at": at,
        "before": before,
        "cancellable": at - CANCELLABLE,
        "released": ReservationStatus.RELEASED.value,
        "engine": NEGOTIATED,
        "related_bp": RELATED_BP,
        **{reason.value: reason.value for reason in ExclusionReason},
    }
    return recorded, _count(EXCLUDE + NOTE + COUNT_EXCLUDED, excluding)


def _since() -> UUID:
    """Return a key before which every reservation is on the tape: a day of clock before the latest one there."""
    last = Trade.objects.order_by("-reservation_id").values_list("reservation_id", flat=True).first()
    milliseconds = max((last.int >> 80) - DAY_MS, 0) if last else 0
    return UUID(int=milliseconds << 80)


def _count(statement: str, terms: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, terms)
        row = cursor.fetchone()
    return int(row[0]) if row else 0
