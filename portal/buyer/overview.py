"""The buyer's first page: the month by who pays, what runs, what lapses soon."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Sum
from django.db.models.functions import TruncDate
from django.http import HttpResponse
from django.shortcuts import render

from accounts.models import Organization
from billing import selectors
from billing.models import Charge
from core import clock
from core.money import BP_WHOLE
from core.periods import SHANGHAI, date_of, month_start, next_month
from market.models import Order, OrderStatus
from portal import grants
from portal.access import PortalRequest, buyer_required
from vouchers.models import Grant

SHOWN = 6
TALL = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """One day of the chart: amounts in fen, and heights of its two parts out of ``TALL``."""

    on: date
    voucher_fen: int
    wallet_fen: int
    x: int
    voucher_y: int
    voucher_height: int
    wallet_y: int
    wallet_height: int


@buyer_required
def overview(request: PortalRequest) -> HttpResponse:
    """Show where the organisation stands today."""
    at = clock.now()
    buyer = request.organization
    month = selectors.month_so_far(buyer, date_of(at))
    live = Order.objects.of_buyer(buyer).filter(status__in=[OrderStatus.OPEN, OrderStatus.MATCHED])
    usable = Grant.objects.of_owner(buyer).usable(at).select_related("programme").order_by("expires_at", "pk")
    context = {
        "today": date_of(at),
        "month": month,
        "voucher_bp": month.voucher_fen * BP_WHOLE // month.amount_fen if month.amount_fen > 0 else 0,
        "columns": _columns(buyer, at),
        "wallet": selectors.wallet(buyer),
        "orders": live.select_related("reservation__offering").order_by("-placed_at")[:SHOWN],
        "live": live.count(),
        "vouchers": [(one, one.near_expiry(at)) for one in grants.standings(list(usable[:SHOWN]))],
    }
    return render(request, "portal/buyer/overview.html", context)


def _columns(buyer: Organization, at: datetime) -> list[Column]:
    """Return the days of the month with what each cost, by who paid."""
    first = month_start(date_of(at))
    rows = (
        Charge.objects.filter(buyer=buyer)
        .in_month(first)
        .values(on=TruncDate("hour", tzinfo=SHANGHAI))
        .order_by("on")
        .annotate(voucher=Sum("voucher_fen"), wallet=Sum("wallet_fen"))
    )
    days = {row["on"]: (max(int(row["voucher"]), 0), max(int(row["wallet"]), 0)) for row in rows}
    most = max((sum(parts) for parts in days.values()), default=0) or 1
    count = (next_month(first) - first).days
    return [_column(first + timedelta(days=number), number, days, most) for number in range(count)]


def _column(on: date, number: int, days: dict[date, tuple[int, int]], most: int) -> Column:
    voucher, wallet = days.get(on, (0, 0))
    voucher_height, wallet_height = voucher * TALL // most, wallet * TALL // most
    return Column(
        on=on,
        voucher_fen=voucher,
        wallet_fen=wallet,
        x=number * 10,
        voucher_y=TALL - voucher_height,
        voucher_height=voucher_height,
        wallet_y=TALL - voucher_height - wallet_height,
        wallet_height=wallet_height,
    )
