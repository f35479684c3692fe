"""Give back what an order did not use."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from billing.models import Funding, FundingStatus, MeterChange, Supplement
from billing.services import arrears, line_charges
from ledger.models import Hold, HoldStatus
from ledger.services import posting
from market.models import MeteredHour, OrderStatus, Reservation
from vouchers.models import Redemption
from vouchers.services import redemptions


def due(*, at: datetime) -> QuerySet[Funding]:
    """Return the open fundings of orders that are over, and charged as far as usage can still be expected."""
    grace = timedelta(hours=settings.BILLING_GRACE_HOURS)
    unmetered = MeteredHour.objects.filter(reservation__order=OuterRef("order"), dirty=True)
    uncharged = MeterChange.objects.filter(reservation__order=OuterRef("order"))
    running = Reservation.objects.filter(order=OuterRef("order")).exclude(stopped_at__lte=at - grace)
    served = Q(order__status=OrderStatus.COMPLETED) & ~Exists(running)
    unserved = Q(order__status__in=[OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.FAILED])
    return Funding.objects.open().filter(served | unserved).exclude(Exists(unmetered)).exclude(Exists(uncharged))


@transaction.atomic
def close(*, funding: Funding, at: datetime) -> None:
    """Charge the rest of its lines, release the voucher's and the wallet's; a funding closed before is left alone.

    What becomes free in the wallet first repays what the platform has advanced.
    """
    line_charges.settle(funding=funding, at=at)
    if Funding.objects.locked().get(pk=funding.pk).status == FundingStatus.CLOSED:
        return
    # A join with the lock would show the holds as they were before the wait for it.
    funding = Funding.objects.select_related("redemption", "wallet_hold", "order__buyer").get(pk=funding.pk)
    supplements = Supplement.objects.filter(funding=funding).select_related("redemption", "wallet_hold").order_by("pk")
    set_aside: list[Funding | Supplement] = [funding, *supplements]
    freed = [_free(one.redemption, one.wallet_hold, at=at) for one in set_aside]
    if any(freed):
        arrears.repay(buyer=funding.order.buyer, key=f"funding/{funding.pk}", at=at)
    funding.move_to(FundingStatus.CLOSED)


def _free(redemption: Redemption | None, hold: Hold | None, *, at: datetime) -> bool:
    """Release what a voucher and a wallet still hold; return whether the wallet did."""
    if redemption and redemption.is_held:
        redemptions.release(redemption=redemption, at=at)
    if hold is None or hold.status != HoldStatus.PENDING:
        return False
    posting.settle(hold=hold)
    return True
