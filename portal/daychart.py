"""What a month cost or earned day by day, by who paid, as columns of a chart."""

from dataclasses import dataclass
from datetime import date, timedelta

from django.db.models import Sum
from django.db.models.functions import TruncDate

from billing.models.charge import ChargeQuerySet
from core.periods import SHANGHAI, month_start, next_month

TALL = 1000
STEP = 10


@dataclass(frozen=True, slots=True)
class Column:
    """One day: amounts in fen, and where its two parts stand in a chart of height ``TALL``."""

    on: date
    voucher_fen: int
    wallet_fen: int
    x: int
    voucher_y: int
    voucher_height: int
    wallet_y: int
    wallet_height: int


def columns(charges: ChargeQuerySet, *, on: date) -> list[Column]:
    """Return the days of the month of ``on``, or none if nothing is to be drawn."""
    first = month_start(on)
    days = _days(charges, first)
    most = max((sum(parts) for parts in days.values()), default=0)
    if not most:
        return []
    count = (next_month(first) - first).days
    return [_column(first + timedelta(days=number), number, days, most) for number in range(count)]


def _days(charges: ChargeQuerySet, first: date) -> dict[date, tuple[int, int]]:
    """Return the voucher's and the wallet's part of each day; a day that corrections made negative shows nothing."""
    rows = charges.in_month(first).values(on=TruncDate("hour", tzinfo=SHANGHAI)).order_by("on")
    sums = rows.annotate(voucher=Sum("voucher_fen"), wallet=Sum("wallet_fen"))
    return {row["on"]: (max(int(row["voucher"]), 0), max(int(row["wallet"]), 0)) for row in sums}


def _column(on: date, number: int, days: dict[date, tuple[int, int]], most: int) -> Column:
    voucher, wallet = days.get(on, (0, 0))
    voucher_height, wallet_height = voucher * TALL // most, wallet * TALL // most
    return Column(
        on=on,
        voucher_fen=voucher,
        wallet_fen=wallet,
        x=number * STEP,
        voucher_y=TALL - voucher_height,
        voucher_height=voucher_height,
        wallet_y=TALL - voucher_height - wallet_height,
        wallet_height=wallet_height,
    )
