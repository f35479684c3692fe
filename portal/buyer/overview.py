"""The buyer's first page: the month by who pays, what runs, what lapses soon."""

from django.http import HttpResponse
from django.shortcuts import render

from billing import selectors
from billing.models import Charge
from core import clock
from core.money import BP_WHOLE
from core.periods import date_of
from market.models import Order, OrderStatus
from portal import daychart, grants, months
from portal.access import PortalRequest, buyer_required
from vouchers.models import Grant
from vouchers.services import idle

SHOWN = 6


@buyer_required
def overview(request: PortalRequest) -> HttpResponse:
    """Show where the organisation stands today."""
    at = clock.now()
    buyer = request.organization
    month = months.chosen(request, today=date_of(at))
    spent = selectors.month_so_far(buyer, month.on)
    live = Order.objects.of_buyer(buyer).filter(status__in=[OrderStatus.OPEN, OrderStatus.MATCHED])
    usable = Grant.objects.of_owner(buyer).usable(at).select_related("programme").order_by("expires_at", "pk")
    soonest = list(usable[:SHOWN])
    unused = idle.taken_back(soonest)
    context = {
        "month": month,
        "spent": spent,
        "voucher_bp": spent.voucher_fen * BP_WHOLE // spent.amount_fen if spent.amount_fen > 0 else 0,
        "columns": daychart.columns(Charge.objects.filter(buyer=buyer), on=month.on),
        "wallet": selectors.wallet(buyer),
        "orders": live.prefetch_related("reservations__offering").order_by("-placed_at")[:SHOWN],
        "live": live.count(),
        "vouchers": [(one, one.near_expiry(at), unused.get(one.grant.pk)) for one in grants.standings(soonest)],
    }
    return render(request, "portal/buyer/overview.html", context)
