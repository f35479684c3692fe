"""Price history: compute the hours and days that are over and have trades which their candles do not know."""

from datetime import datetime

from django.db import connection, transaction

from market.models import Span

ALONE = "SELECT pg_try_advisory_xact_lock(hashtextextended(%s, 0))"
# percentile_disc is a price that was paid: no rounding, no invention.
CLOSE = """
WITH due AS (
    DELETE FROM market_tapechange WHERE span = ANY(%(spans)s) AND ends_at <= %(at)s
    RETURNING accelerator_id, category, hub_name, span, starts_at, ends_at
), periods AS (
    SELECT DISTINCT accelerator_id, category, hub_name, span, starts_at, ends_at FROM due
), computed AS (
    SELECT period.*, counted.*
    FROM periods AS period CROSS JOIN LATERAL (
        SELECT count(*)::int AS trades, coalesce(sum(trade.count::bigint * trade.hours), 0)::bigint AS card_hours,
            (array_agg(price_micro ORDER BY at, id))[1] AS open_micro, max(price_micro) AS high_micro,
            min(price_micro) AS low_micro, (array_agg(price_micro ORDER BY at DESC, id DESC))[1] AS close_micro,
            percentile_disc(0.5) WITHIN GROUP (ORDER BY price_micro) AS median_micro
        FROM market_trade AS trade
        WHERE trade.accelerator_id = period.accelerator_id AND trade.category = period.category
            AND trade.hub_name = period.hub_name AND trade.at >= period.starts_at AND trade.at < period.ends_at
            AND NOT EXISTS (SELECT FROM market_tradeexclusion WHERE trade_id = trade.id)
    ) AS counted
), last AS MATERIALIZED (
    SELECT DISTINCT ON (accelerator_id, category, hub_name, span, starts_at) candle.*
    FROM market_candle AS candle JOIN periods USING (accelerator_id, category, hub_name, span, starts_at)
    ORDER BY accelerator_id, category, hub_name, span, starts_at, version DESC
), published AS (
    INSERT INTO market_candle (accelerator_id, category, hub_name, span, starts_at, version, trades, card_hours,
        open_micro, high_micro, low_micro, close_micro, median_micro, computed_at)
    SELECT new.accelerator_id, new.category, new.hub_name, new.span, new.starts_at, coalesce(old.version, 0) + 1,
        new.trades, new.card_hours, new.open_micro, new.high_micro, new.low_micro, new.close_micro, new.median_micro,
        %(at)s
    FROM computed AS new LEFT JOIN last AS old USING (accelerator_id, category, hub_name, span, starts_at)
    WHERE (old.version IS NOT NULL OR new.trades > 0)
        AND (new.trades, new.card_hours, new.open_micro, new.high_micro, new.low_micro, new.close_micro,
            new.median_micro)
        IS DISTINCT FROM (old.trades, old.card_hours, old.open_micro, old.high_micro, old.low_micro, old.close_micro,
            old.median_micro)
    RETURNING 1
)
SELECT count(*) FROM published
"""


def alone(work: str) -> bool:
    """Say whether nobody else is at this work, and keep others away until the transaction ends."""
    with connection.cursor() as cursor:
        cursor.execute(ALONE, [work])
        row = cursor.fetchone()
    return bool(row and row[0])


@transaction.atomic
def close(*, at: datetime) -> int:
    """Compute the hours and days that are over and changed; return how many candles that made.

    A period that was published before gets a new version, if anything about it is different.
    """
    if not alone("market.candles"):
        return 0
    with connection.cursor() as cursor:
        cursor.execute(CLOSE, {"spans": [Span.HOUR.value, Span.DAY.value], "at": at})
        row = cursor.fetchone()
    return int(row[0]) if row else 0
