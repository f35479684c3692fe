"""Compute how providers kept their word from what was written down, once a day."""

from datetime import date, timedelta
from typing import Any

from django.db import connection, transaction

from accounts.selectors import RELATED_BP
from core.periods import midnight
from market.models.reputation import ENOUGH, WINDOW_DAYS
from market.models.stops import PROVIDER_DEFAULTS

# What a reservation had promised runs to its end if the provider broke off, else to when it was over. Lost is the time
# before access, accepted downtimes, and what the provider broke off; overlaps count once. A reservation that shows
# neither usage nor an accepted downtime says nothing, nor does one that its buyer or nobody made fail.
FACTS = """
SELECT reservation.id, reservation.provider_id, reservation.offering_id, reservation.count,
    reservation.starts_at, reservation.status, reservation.access_at,
    reservation.stop_code = ANY(%(defaults)s) AS provider_default,
    greatest(
        CASE WHEN reservation.stop_code = ANY(%(defaults)s) THEN reservation.ends_at ELSE reservation.stopped_at END,
        (SELECT max(downtime.ends_at) FROM market_downtime AS downtime
         WHERE downtime.reservation_id = reservation.id AND downtime.status = 'accepted')
    ) AS promised_until,
    (SELECT range_agg(lost.span) FROM (
        SELECT tstzrange(downtime.starts_at, downtime.ends_at) AS span FROM market_downtime AS downtime
        WHERE downtime.reservation_id = reservation.id AND downtime.status = 'accepted'
        UNION ALL SELECT tstzrange(reservation.starts_at, reservation.access_at) WHERE reservation.access_at IS NOT NULL
        UNION ALL SELECT tstzrange(
            CASE reservation.status WHEN 'failed' THEN reservation.starts_at ELSE reservation.stopped_at END,
            reservation.ends_at
        ) WHERE reservation.stop_code = ANY(%(defaults)s)
    ) AS lost) AS lost,
    (SELECT count(*) FROM market_downtime AS downtime WHERE downtime.reservation_id = reservation.id
        AND downtime.status = 'accepted' AND downtime.decided_at IS NOT NULL) AS upheld,
    reservation.handover = 'reported' OR EXISTS (
        SELECT FROM market_reservationevent AS event WHERE event.reservation_id = reservation.id
        AND event.kind IN ('claimed', 'access')
    ) AS measured
FROM market_reservation AS reservation
JOIN market_order AS placed ON placed.id = reservation.order_id
WHERE reservation.stopped_at >= %(since)s AND reservation.stopped_at < %(until)s
    AND NOT EXISTS (
        SELECT FROM accounts_membership AS buying JOIN accounts_membership AS providing USING (user_id)
        WHERE buying.organization_id = placed.buyer_id AND providing.organization_id = reservation.provider_id)
    AND NOT (
        EXISTS (
            SELECT FROM accounts_tie AS tie WHERE tie.first_id = least(placed.buyer_id, reservation.provider_id)
                AND tie.second_id = greatest(placed.buyer_id, reservation.provider_id)
        ) AND accounts_related(
            placed.buyer_id, reservation.provider_id,
            (reservation.starts_at AT TIME ZONE 'Asia/Shanghai')::date, %(related_bp)s
        )
    )
    AND (
        reservation.status IN ('ended', 'interrupted') AND (
            EXISTS (
                SELECT FROM market_meteredhour AS metered
                WHERE metered.reservation_id = reservation.id AND metered.accelerator_ms > 0)
            OR EXISTS (
                SELECT FROM market_downtime AS downtime
                WHERE downtime.reservation_id = reservation.id AND downtime.status = 'accepted')
        )
        OR reservation.stop_code = ANY(%(defaults)s)
    )
"""
SPANS = """
SELECT fact.*, (extract(epoch FROM fact.promised_until - fact.starts_at) * 1000)::bigint AS promised_ms,
    coalesce((
        SELECT ceil(sum(extract(epoch FROM upper(part) - lower(part))) * 1000)::bigint
        FROM unnest(fact.lost * tstzmultirange(tstzrange(fact.starts_at, fact.promised_until))) AS part
    ), 0) AS lost_ms
FROM fact
"""
WRITE = f"""
WITH fact AS ({FACTS}), span AS ({SPANS}), total AS (
    SELECT provider_id, offering_id, count(*) AS observations, sum(promised_ms * count) AS promised_ms,
        sum(greatest(promised_ms - lost_ms, 0) * count) AS delivered_ms,
        count(*) FILTER (WHERE measured AND access_at IS NOT NULL) AS starts,
        coalesce(sum((extract(epoch FROM access_at - starts_at) * 1000)::bigint)
            FILTER (WHERE measured AND access_at IS NOT NULL), 0) AS start_delay_ms,
        count(*) FILTER (WHERE status = 'interrupted' AND provider_default) AS interruptions,
        count(*) FILTER (WHERE status = 'failed') AS failures,
        sum(upheld) AS disputes_upheld
    FROM span WHERE promised_ms > 0 GROUP BY GROUPING SETS ((provider_id), (provider_id, offering_id))
)
INSERT INTO market_reputation (provider_id, offering_id, as_of, observations, promised_ms, delivered_ms, starts,
    start_delay_ms, interruptions, failures, disputes_upheld)
SELECT provider_id, offering_id, %(as_of)s, observations, promised_ms, delivered_ms, starts,
    start_delay_ms, interruptions, failures, disputes_upheld
FROM total
ON CONFLICT (provider_id, offering_id, as_of) DO UPDATE SET observations = excluded.observations,
    promised_ms = excluded.promised_ms, delivered_ms = excluded.delivered_ms, starts = excluded.starts,
    start_delay_ms = excluded.start_delay_ms, interruptions = excluded.interruptions, failures = excluded.failures,
    disputes_upheld = excluded.disputes_upheld
"""  # noqa: S608 - constants only
# An offering stands on its own record once that says enough, else on its provider's.
SHOW = """
UPDATE market_offering AS offering SET reliability_bp = told.reliability_bp
FROM (
    SELECT offered.id, coalesce(
        (SELECT own.delivered_ms * 10000 / own.promised_ms FROM market_reputation AS own
         WHERE own.provider_id = offered.provider_id AND own.offering_id = offered.id AND own.as_of = %(as_of)s
            AND own.observations >= %(enough)s AND own.promised_ms > 0),
        (SELECT whole.delivered_ms * 10000 / whole.promised_ms FROM market_reputation AS whole
         WHERE whole.provider_id = offered.provider_id AND whole.offering_id IS NULL AND whole.as_of = %(as_of)s
            AND whole.observations >= %(enough)s AND whole.promised_ms > 0)
    ) AS reliability_bp
    FROM market_offering AS offered
) AS told
WHERE told.id = offering.id AND offering.reliability_bp IS DISTINCT FROM told.reliability_bp
"""


@transaction.atomic
def refresh(*, as_of: date) -> None:
    """Write the reputations of a day, from the reservations that were over in the days before it; again does no harm.

    What a buyer does at a provider that is its related party, or with which it shares a member, does not count.
    """
    since = midnight(as_of - timedelta(days=WINDOW_DAYS))
    days: dict[str, Any] = {
        "as_of": as_of,
        "since": since,
        "until": midnight(as_of),
        "defaults": list(PROVIDER_DEFAULTS),
        "related_bp": RELATED_BP,
    }
    with connection.cursor() as cursor:
        cursor.execute(WRITE, days)
        cursor.execute(SHOW, {"as_of": as_of, "enough": ENOUGH})
