"""Give back what an order did not use."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Count, Exists, OuterRef, Q, QuerySet, Subquery

from billing.models import Funding, FundingStatus, MeterChange, Supplement, TakenLine
from billing.services import arrears, line_charges, vouchers_first
from ledger.models import Hold, HoldStatus
from ledger.services import posting
from market.models import MeteredHour, Order, OrderStatus, Reservation, ReservationStatus
from vouchers.models import Redemption

OVER = (OrderStatus.COMPLETED, OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.FAILED)


def due(*, at: datetime) -> QuerySet[Funding]:
    """Return the open fundings of orders that are over, and charged as far as usage can still be expected."""
    grace = timedelta(hours=settings.BILLING_GRACE_HOURS)
    unmetered = MeteredHour.objects.filter(reservation__order=OuterRef("order"), dirty=True)
    uncharged = MeterChange.objects.filter(reservation__order=OuterRef("order"))
    running = Reservation.objects.filter(order=OuterRef("order")).exclude(stopped_at__lte=at - grace)
    # Values, not joins: few fundings are open, and a join with them would read every order there ever was.
    order_status = Order.objects.filter(pk=OuterRef("order")).values("status")
    still = running.order_by().values("order").annotate(number=Count("pk")).values("number")
    rows = Funding.objects.open().alias(order_status=Subquery(order_status), still=Subquery(still))
    over = rows.filter(~Q(order_status=OrderStatus.COMPLETED) | Q(still=None), order_status__in=OVER)
    return over.exclude(Exists(unmetered)).exclude(Exists(uncharged))


@transaction.atomic
def close(*, funding: Funding, at: datetime) -> None:
    """Release the voucher's, charge the rest of its lines, release the wallet's; one closed before is left alone.

    What becomes free in the wallet first repays what the platform has advanced.
    """
    list(Reservation.objects.locked().filter(taken_lines__in=TakenLine.objects.running().filter(funding=funding)))
    if Funding.objects.locked().get(pk=funding.pk).status == FundingStatus.CLOSED:
        return
    # A join with the lock would show the holds as they were before the wait for it.
    funding = Funding.objects.select_related("redemption", "wallet_hold", "order__buyer").get(pk=funding.pk)
    supplements = Supplement.objects.filter(funding=funding).select_related("redemption", "wallet_hold").order_by("pk")
    set_aside: list[Funding | Supplement] = [funding, *supplements]
    vouchers_first.release([one.redemption for one in set_aside], at=at)
    line_charges.settle(funding=funding, at=at)
    freed = [_free(one.wallet_hold) for one in set_aside]
    if any(freed):
        arrears.repay(buyer=funding.order.buyer, key=f"funding/{funding.pk}", at=at)
    funding.move_to(FundingStatus.CLOSED)


def release_vouchers(*, order: Order, at: datetime) -> None:
    """Give back what vouchers hold for parts of a locked order that nobody will use, before any wallet is touched."""
    funding = Funding.objects.locked().get(order=order)
    unused = Q(supplement__funding=funding, supplement__reservation__status=ReservationStatus.RELEASED)
    if order.status == OrderStatus.CANCELLED:
        unused |= Q(funding=funding)
    vouchers_first.release(Redemption.objects.filter(unused), at=at)


def _free(hold: Hold | None) -> bool:
    """Release what a wallet still holds; return whether there was something."""
    if hold is None or hold.status != HoldStatus.PENDING:
        return False
    posting.settle(hold=hold)
    return True
