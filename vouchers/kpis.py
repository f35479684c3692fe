"""What public money achieved: budgets over time, the way from application to payment, who was reached, what it moved.

Amounts are fen, shares basis points, spans of time tenths of a day; months and days are Shanghai's.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from core.money import BP_WHOLE
from core.periods import Period, date_of, midnight
from vouchers import industries
from vouchers.kpi_statements import MONTHS, OVERSIGHT, REACH, WAY
from vouchers.models.application import UNDECIDED
from vouchers.reached import Reached

PACE_DAYS = 90
ALWAYS = Period(midnight(date(2000, 1, 1)), midnight(date(2200, 1, 1)))


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


class Leverage(NamedTuple):
    """Spending that vouchers supported, and what they paid of it."""

    spending_fen: int
    subsidy_fen: int

    @property
    def times_bp(self) -> int | None:
        """Return how many times the subsidy the spending was, in basis points; nothing where nothing was paid."""
        return self.spending_fen * BP_WHOLE // self.subsidy_fen if self.subsidy_fen else None


class Integrity(NamedTuple):
    """How closely claims were looked at and what was refused, what was found, and what came back."""

    lines: int
    sampled: int
    failed: int
    refused_fen: int
    refused: int
    findings: int = 0
    findings_open: int = 0
    findings_upheld: int = 0
    findings_upheld_fen: int = 0
    clawbacks: int = 0
    demanded: int = 0
    demanded_fen: int = 0
    recovered_fen: int = 0

    @property
    def coverage_bp(self) -> int | None:
        """Return the share of lines that came into a sample."""
        return self.sampled * BP_WHOLE // self.lines if self.lines else None

    @property
    def recovered_bp(self) -> int | None:
        """Return the share of what was demanded back that came."""
        return self.recovered_fen * BP_WHOLE // self.demanded_fen if self.demanded_fen else None


class Applied(NamedTuple):
    """How many applications came, what became of them, and how many firms had a voucher for the first time anywhere.

    ``in_time`` were decided within the days that the rules give; ``late`` were not, or are still undecided after them.
    """

    applications: int
    granted: int
    turned_down: int
    in_time: int
    late: int
    first_time: int

    @property
    def approved_bp(self) -> int | None:
        """Return the share of those decided that were granted."""
        decided = self.granted + self.turned_down
        return self.granted * BP_WHOLE // decided if decided else None

    @property
    def in_time_bp(self) -> int | None:
        """Return the share that was decided in time, of those that were or should have been."""
        due = self.in_time + self.late
        return self.in_time * BP_WHOLE // due if due else None


class Sealed(NamedTuple):
    """The latest checkpoint of the log: when it was signed, of how many entries, and how many witnesses co-signed."""

    signed_at: datetime | None
    size: int | None
    witnesses: int


class Oversight(NamedTuple):
    """What was moved, what was looked at, and the state of the log."""

    leverage: Leverage
    integrity: Integrity
    applied: Applied
    sealed: Sealed


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


def way(*, programmes: Sequence[UUID], period: Period = ALWAYS) -> list[Stage]:
    """Return how many applied in a period, were granted, held, redeemed and were paid, with the days between."""
    found = {int(row[0]): row for row in _rows(WAY, programmes, **_within(period))}
    return [_stage(code, found.get(place)) for place, code in enumerate(STAGES, start=1)]


def _stage(code: str, row: tuple[Any, ...] | None) -> Stage:
    return Stage(code, int(row[1]), row[2], row[3]) if row else Stage(code, 0, None, None)


def reach(*, programmes: Sequence[UUID], period: Period = ALWAYS) -> list[Reached]:
    """Return who was reached, by size and city, and by what applications name: district, industry, qualifications."""
    rows = [Reached(row[0], row[1], *map(int, row[2:])) for row in _rows(REACH, programmes, **_within(period))]
    return [*(one for one in rows if one.axis != "industry"), *industries.by_section(rows)]


def oversight(*, programmes: Sequence[UUID], at: datetime, period: Period = ALWAYS) -> Oversight:
    """Return spending that was supported, samples, refusals, findings, clawbacks and the log, in one query."""
    (row,) = _rows(OVERSIGHT, programmes, at=at, undecided=list(UNDECIDED), **_within(period))
    numbers = [int(value) for value in row[:21]]
    sealed = Sealed(row[21], row[22], int(row[23]))
    return Oversight(Leverage(*numbers[:2]), Integrity(*numbers[2:15]), Applied(*numbers[15:]), sealed)


def small_bp(reached: Sequence[Reached]) -> int | None:
    """Return the share of firms with a voucher that are small or micro, of those whose size is known."""
    known = {one.label: one.granted_firms for one in reached if one.axis == "size" and one.label}
    total = sum(known.values())
    return (known.get("small", 0) + known.get("micro", 0)) * BP_WHOLE // total if total else None


def _within(period: Period) -> dict[str, Any]:
    return {"since": period.starts_at, "until": period.ends_at}


def _rows(statement: str, programmes: Sequence[UUID], **values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, {"ids": list(programmes)} | values)
        rows: list[tuple[Any, ...]] = cursor.fetchall()
        return rows
