"""Compute the index: the median of screened trades, suppressed where it is thin. See docs/market-data.md."""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Max

from core.periods import date_of, midnight
from market import indexing
from market.models import IndexStatus, IndexValue, Span
from market.services.candles import alone

DAY = timedelta(days=1)
DUE = """
DELETE FROM market_tapechange WHERE span = %s AND ends_at <= %s RETURNING starts_at
"""
# Levels are compared by keys that are never null, which PostgreSQL can hash: no card, and a place with a prefix.
# Centres and spreads are computed once: inlined, a planner that knows no statistics yet computes them for every pair.
# Four levels: a class at a hub, a class everywhere, and standard card-hours of a kind of work at a hub and everywhere.
PUBLISH = """
WITH days AS (
    SELECT * FROM unnest(%(days)s::date[], %(starts)s::timestamptz[], %(ends)s::timestamptz[])
        AS day (day_on, starts_at, ends_at)
), pairs AS (
    SELECT day_on, level.card, category, level.place, seller_id, buyer_id,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY level.value) AS value,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY trade.sch_micro) AS sch_micro
    FROM days JOIN market_trade AS trade ON trade.at >= days.starts_at AND trade.at < days.ends_at
        CROSS JOIN LATERAL (VALUES
            (trade.accelerator_id, 'at ' || trade.hub_name, trade.price_micro),
            (trade.accelerator_id, '', trade.price_micro),
            (%(no_card)s::uuid, 'at ' || trade.hub_name, trade.sch_micro), (%(no_card)s::uuid, '', trade.sch_micro)
        ) AS level (card, place, value)
    WHERE level.value IS NOT NULL AND NOT EXISTS (SELECT FROM market_tradeexclusion WHERE trade_id = trade.id)
    GROUP BY day_on, level.card, category, level.place, seller_id, buyer_id,
        date_trunc('day', trade.at, 'Asia/Shanghai')
), centres AS MATERIALIZED (
    SELECT day_on, card, category, place, percentile_disc(0.5) WITHIN GROUP (ORDER BY value) AS middle
    FROM pairs GROUP BY day_on, card, category, place
), spreads AS MATERIALIZED (
    SELECT centre.*, percentile_disc(0.5) WITHIN GROUP (ORDER BY abs(pair.value - centre.middle)) AS mad
    FROM centres AS centre JOIN pairs AS pair ON pair.day_on = centre.day_on AND pair.category = centre.category
        AND pair.card = centre.card AND pair.place = centre.place
    GROUP BY centre.day_on, centre.card, centre.category, centre.place, centre.middle
), screened AS (
    SELECT pair.*, 100 * abs(pair.value - spread.middle)
        <= greatest(100 * %(mad_factor)s * spread.mad, %(tolerance)s * spread.middle) AS fits
    FROM pairs AS pair JOIN spreads AS spread ON spread.day_on = pair.day_on AND spread.category = pair.category
        AND pair.card = spread.card AND pair.place = spread.place
), counted AS (
    SELECT day_on, card, category, place,
        count(*) FILTER (WHERE fits)::int AS trades,
        (count(DISTINCT seller_id) FILTER (WHERE fits))::int AS sellers,
        (count(DISTINCT buyer_id) FILTER (WHERE fits))::int AS buyers,
        count(*) FILTER (WHERE NOT fits)::int AS screened_out,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY value) FILTER (WHERE fits) AS value,
        percentile_disc(0.5) WITHIN GROUP (ORDER BY sch_micro) FILTER (WHERE fits) AS sch_micro
    FROM screened GROUP BY day_on, card, category, place
), standing AS (
    SELECT counted.*, nullif(card, %(no_card)s::uuid) AS accelerator_id,
        CASE WHEN place <> '' THEN substr(place, 4) END AS hub_name,
        CASE WHEN trades < %(min_trades)s THEN %(few_trades)s WHEN sellers < %(min_sellers)s
        THEN %(few_sellers)s WHEN buyers < %(min_buyers)s THEN %(few_buyers)s ELSE %(published)s END AS status
    FROM counted
), emptied AS (
    SELECT day_on, old.accelerator_id, old.category, old.hub_name
    FROM days JOIN market_indexvalue AS old ON old."on" = day_on
    EXCEPT SELECT day_on, accelerator_id, category, hub_name FROM standing
), found AS (
    SELECT day_on, accelerator_id, category, hub_name, status, trades, sellers, buyers, screened_out,
        CASE WHEN status = %(published)s AND accelerator_id IS NOT NULL THEN value END AS price_micro,
        CASE WHEN status = %(published)s THEN sch_micro END AS sch_micro
    FROM standing
    UNION ALL SELECT day_on, accelerator_id, category, hub_name, %(few_trades)s, 0, 0, 0, 0, NULL, NULL FROM emptied
), written AS (
    INSERT INTO market_indexvalue ("on", accelerator_id, category, hub_name, version, status, trades, sellers, buyers,
        screened_out, price_micro, sch_micro, computed_at)
    SELECT day_on, new.accelerator_id, new.category, new.hub_name, coalesce(old.version, 0) + 1, new.status,
        new.trades, new.sellers, new.buyers, new.screened_out, new.price_micro, new.sch_micro, %(at)s
    FROM found AS new LEFT JOIN LATERAL (
        SELECT * FROM market_indexvalue AS value
        WHERE value."on" = new.day_on AND value.category = new.category
            AND value.accelerator_id IS NOT DISTINCT FROM new.accelerator_id
            AND value.hub_name IS NOT DISTINCT FROM new.hub_name
        ORDER BY version DESC LIMIT 1
    ) AS old ON true
    WHERE (new.status, new.trades, new.sellers, new.buyers, new.screened_out, new.price_micro, new.sch_micro)
        IS DISTINCT FROM
        (old.status, old.trades, old.sellers, old.buyers, old.screened_out, old.price_micro, old.sch_micro)
    RETURNING 1
)
SELECT count(*) FROM written
"""
RULES: dict[str, Any] = {
    "no_card": UUID(int=0),
    "mad_factor": indexing.MAD_FACTOR,
    "tolerance": indexing.LEAST_TOLERANCE_PERCENT,
    "min_trades": indexing.MIN_TRADES,
    "min_sellers": indexing.MIN_SELLERS,
    "min_buyers": indexing.MIN_BUYERS,
    "published": IndexStatus.PUBLISHED.value,
    "few_trades": IndexStatus.FEW_TRADES.value,
    "few_sellers": IndexStatus.FEW_SELLERS.value,
    "few_buyers": IndexStatus.FEW_BUYERS.value,
}


@transaction.atomic
def publish(*, at: datetime) -> int:
    """Compute the index of the days that are over and lack it, or whose trades have changed; return how many values.

    A value that was published before gets a new version, if anything about it is different.
    """
    if not alone("market.indices"):
        return 0
    days = _days(at)
    return _publish(days, at=at) if days else 0


def _days(at: datetime) -> list[date]:
    yesterday = date_of(at) - DAY
    with connection.cursor() as cursor:
        cursor.execute(DUE, [Span.INDEX.value, at])
        changed = {date_of(starts_at) for (starts_at,) in cursor.fetchall()}
    days = {on + number * DAY for on in changed for number in range(indexing.DAYS)}
    last = IndexValue.objects.aggregate(last=Max("on"))["last"]
    if last is not None:
        days |= {last + number * DAY for number in range(1, (yesterday - last).days + 1)}
    return sorted(on for on in days if on <= yesterday)


def _publish(days: Sequence[date], *, at: datetime) -> int:
    starts = [midnight(on - (indexing.DAYS - 1) * DAY) for on in days]
    ends = [midnight(on + DAY) for on in days]
    with connection.cursor() as cursor:
        cursor.execute(PUBLISH, {"days": list(days), "starts": starts, "ends": ends, "at": at, **RULES})
        row = cursor.fetchone()
    return int(row[0]) if row else 0
