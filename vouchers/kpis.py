"""What public money achieved: budgets over time, the way from application to payment, who was reached, what it moved.

Amounts are fen, shares basis points, spans of time tenths of a day; months and days are Shanghai's.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from core.periods import date_of, midnight

PACE_DAYS = 90
BP = 10_000

MONTHS = """
WITH happened AS (
    SELECT submitted_at AS at, 1 AS applications, 0 AS grants, 0 AS granted, 0 AS captured, 0 AS refunded, 0 AS paid
    FROM vouchers_application WHERE programme_id = ANY (%(ids)s) AND submitted_at IS NOT NULL
    UNION ALL
    SELECT approved_at, 0, 1, face_fen, 0, 0, 0
    FROM vouchers_grant WHERE programme_id = ANY (%(ids)s) AND approved_at IS NOT NULL
    UNION ALL
    SELECT capture.captured_at, 0, 0, 0, capture.amount_fen, 0, 0
    FROM vouchers_capture capture JOIN vouchers_redemption redemption ON redemption.id = capture.redemption_id
    JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id WHERE programme_id = ANY (%(ids)s)
    UNION ALL
    SELECT refund.refunded_at, 0, 0, 0, 0, refund.amount_fen, 0
    FROM vouchers_refund refund JOIN vouchers_redemption redemption ON redemption.id = refund.redemption_id
    JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id WHERE programme_id = ANY (%(ids)s)
    UNION ALL
    SELECT paid_at, 0, 0, 0, 0, 0, approved_fen
    FROM vouchers_claim WHERE programme_id = ANY (%(ids)s) AND paid_at IS NOT NULL
)
SELECT date_trunc('month', at AT TIME ZONE 'Asia/Shanghai')::date,
       sum(applications), sum(grants), sum(granted), sum(captured), sum(refunded), sum(paid),
       coalesce(sum(captured - refunded) FILTER (WHERE at >= %(pace_from)s), 0)
FROM happened WHERE at <= %(until)s GROUP BY 1 ORDER BY 1
"""

WAY = """
WITH used AS (
    SELECT grant_id, min(held_at) AS held_at, min(captured_at) AS captured_at
    FROM vouchers_redemption redemption
    LEFT JOIN (SELECT redemption_id, min(captured_at) AS captured_at FROM vouchers_capture GROUP BY 1) first
        ON first.redemption_id = redemption.id
    GROUP BY grant_id
), paid AS (
    SELECT redemption.grant_id, min(claim.paid_at) AS paid_at
    FROM vouchers_claimline line JOIN vouchers_claim claim ON claim.id = line.claim_id
    JOIN vouchers_redemption redemption ON redemption.id = line.redemption_id
    WHERE claim.programme_id = ANY (%(ids)s) AND claim.paid_at IS NOT NULL AND line.accepted_fen > 0 GROUP BY 1
), way AS (
    SELECT application.submitted_at AS applied_at, vouchers_grant.approved_at AS granted_at, used.held_at,
           used.captured_at, paid.paid_at, coalesce(application.asked_fen, 0) AS asked, vouchers_grant.face_fen AS face
    FROM (SELECT * FROM vouchers_grant WHERE programme_id = ANY (%(ids)s) AND approved_at IS NOT NULL) vouchers_grant
    FULL JOIN (SELECT * FROM vouchers_application
               WHERE programme_id = ANY (%(ids)s) AND submitted_at IS NOT NULL) application
        ON application.grant_id = vouchers_grant.id
    LEFT JOIN used ON used.grant_id = vouchers_grant.id
    LEFT JOIN paid ON paid.grant_id = vouchers_grant.id
)
SELECT stage, count(*) FILTER (WHERE reached),
       percentile_disc(0.5) WITHIN GROUP (ORDER BY tenths), percentile_disc(0.9) WITHIN GROUP (ORDER BY tenths)
FROM way CROSS JOIN LATERAL (VALUES
    (1, applied_at, NULL::timestamptz), (2, granted_at, applied_at), (3, held_at, granted_at),
    (4, captured_at, held_at), (5, paid_at, captured_at)
) step (stage, at, since)
CROSS JOIN LATERAL (
    SELECT at IS NOT NULL AS reached, floor(extract(epoch FROM at - since) / 8640)::bigint AS tenths
) derived
GROUP BY stage ORDER BY stage
"""

REACH = """
WITH firms AS (
    SELECT applicant_id AS firm_id, max(district) AS district, 0 AS grants, 0::bigint AS granted, 0::bigint AS redeemed
    FROM vouchers_application WHERE programme_id = ANY (%(ids)s) AND submitted_at IS NOT NULL GROUP BY 1
    UNION ALL
    SELECT owner_id, '', count(DISTINCT vouchers_grant.id), 0, 0
    FROM vouchers_grant WHERE programme_id = ANY (%(ids)s) AND approved_at IS NOT NULL GROUP BY 1
    UNION ALL
    SELECT owner_id, '', 0, sum(face_fen), 0
    FROM vouchers_grant WHERE programme_id = ANY (%(ids)s) AND approved_at IS NOT NULL GROUP BY 1
    UNION ALL
    SELECT owner_id, '', 0, 0, sum(captured_fen - refunded_fen)
    FROM vouchers_redemption redemption JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
    WHERE programme_id = ANY (%(ids)s) GROUP BY 1
), each AS (
    SELECT firm_id, max(district) AS district, sum(grants) AS grants, sum(granted) AS granted, sum(redeemed) AS redeemed
    FROM firms GROUP BY firm_id
)
SELECT CASE WHEN GROUPING(size) = 0 THEN 'size' WHEN GROUPING(district) = 0 THEN 'district' ELSE 'city' END,
       coalesce(size, district, city), count(*), count(*) FILTER (WHERE grants > 0), sum(granted), sum(redeemed)
FROM each JOIN accounts_organization firm ON firm.id = each.firm_id
GROUP BY GROUPING SETS ((size), (district), (city)) ORDER BY 1, 5 DESC, 2
"""

LEVERAGE = """
SELECT coalesce(sum(div(redemption.eligible_fen::numeric * (captured_fen - refunded_fen), redemption.amount_fen)), 0),
       coalesce(sum(captured_fen - refunded_fen), 0)
FROM vouchers_redemption redemption JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
WHERE programme_id = ANY (%(ids)s) AND captured_fen > refunded_fen
"""

INTEGRITY = """
SELECT count(*), count(*) FILTER (WHERE line.sampled), count(*) FILTER (WHERE line.sample_passed IS FALSE),
       coalesce(sum(line.amount_fen) FILTER (WHERE line.accepted_fen = 0), 0),
       count(*) FILTER (WHERE line.accepted_fen = 0)
FROM vouchers_claimline line JOIN vouchers_claim claim ON claim.id = line.claim_id
WHERE claim.programme_id = ANY (%(ids)s) AND claim.status <> 'withdrawn' AND line.kind = 'entry'
"""


class Month(NamedTuple):
    """What happened in one month."""

    month_on: date
    applications: int
    grants: int
    granted_fen: int
    captured_fen: int
    refunded_fen: int
    paid_fen: int

    @property
    def redeemed_fen(self) -> int:
        """Return what vouchers paid, less what came back."""
        return self.captured_fen - self.refunded_fen


class Course(NamedTuple):
    """Months of a budget, and what will have been redeemed by the end of the year at the pace of the last 90 days."""

    months: list[Month]
    redeemed_fen: int
    pace_fen: int
    pace_days: int
    forecast_fen: int


class Stage(NamedTuple):
    """How many came to a stage of the way to payment, and how long it took from the one before (tenths of a day)."""

    code: str
    number: int
    p50_tenths: int | None
    p90_tenths: int | None


class Reached(NamedTuple):
    """Firms of one kind: how many applied or got something, how many were granted value, and how much they used."""

    axis: str
    label: str
    firms: int
    granted_firms: int
    granted_fen: int
    redeemed_fen: int


class Leverage(NamedTuple):
    """Spending that vouchers supported, and what they paid of it."""

    spending_fen: int
    subsidy_fen: int

    @property
    def times_bp(self) -> int | None:
        """Return how many times the subsidy the spending was, in basis points; nothing where nothing was paid."""
        return self.spending_fen * BP // self.subsidy_fen if self.subsidy_fen else None


class Integrity(NamedTuple):
    """How closely claims were looked at, and what was refused."""

    lines: int
    sampled: int
    failed: int
    refused_fen: int
    refused: int

    @property
    def coverage_bp(self) -> int | None:
        """Return the share of lines that came into a sample."""
        return self.sampled * BP // self.lines if self.lines else None


STAGES = ("applied", "granted", "held", "redeemed", "paid")


def course(*, programmes: Sequence[UUID], at: datetime) -> Course:
    """Return the months of these programmes until now, with a forecast for the end of the year."""
    pace_from = midnight(date_of(at) - timedelta(days=PACE_DAYS))
    rows = _rows(MONTHS, programmes, until=at, pace_from=pace_from)
    months = [Month(row[0], *map(int, row[1:7])) for row in rows]
    redeemed_fen = sum(month.redeemed_fen for month in months)
    pace_fen = sum(int(row[7]) for row in rows)
    days_left = (date(date_of(at).year, 12, 31) - date_of(at)).days
    forecast_fen = redeemed_fen + max(pace_fen, 0) * days_left // PACE_DAYS
    return Course(months, redeemed_fen, pace_fen, PACE_DAYS, forecast_fen)


def way(*, programmes: Sequence[UUID]) -> list[Stage]:
    """Return how many applied, were granted, held, redeemed and were paid, with medians and ninth deciles between."""
    found = {int(row[0]): row for row in _rows(WAY, programmes)}
    return [_stage(code, found.get(place)) for place, code in enumerate(STAGES, start=1)]


def _stage(code: str, row: tuple[Any, ...] | None) -> Stage:
    return Stage(code, int(row[1]), row[2], row[3]) if row else Stage(code, 0, None, None)


def reach(*, programmes: Sequence[UUID]) -> list[Reached]:
    """Return who was reached: by size, by the district of their application, and by city."""
    return [Reached(row[0], row[1], *map(int, row[2:])) for row in _rows(REACH, programmes)]


def leverage(*, programmes: Sequence[UUID]) -> Leverage:
    """Return the spending that was supported, pro rata to what was kept of it, and what vouchers paid."""
    (row,) = _rows(LEVERAGE, programmes)
    return Leverage(int(row[0]), int(row[1]))


def integrity(*, programmes: Sequence[UUID]) -> Integrity:
    """Return how many lines of claims were sampled, failed and refused."""
    (row,) = _rows(INTEGRITY, programmes)
    return Integrity(*map(int, row))


def _rows(statement: str, programmes: Sequence[UUID], **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(programmes)} | values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
