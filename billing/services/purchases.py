"""What vouchers ask of an order but cannot know: whether it is a first purchase, and what else pays for it."""

from django.db import connection
from django.db.models import Q, QuerySet

from accounts.models import Organization
from market.models import Order, OrderStatus
from vouchers import selectors
from vouchers.models import Grant, Redemption, RedemptionStatus
from vouchers.parameters import Facts
from vouchers.rules import Case
from vouchers.rules.quoting import NOTHING_MORE

ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"
NOTHING_BOUGHT = (OrderStatus.CANCELLED, OrderStatus.EXPIRED, OrderStatus.FAILED)


def case(*, grant: Grant, buyer: Organization) -> Case:
    """Return what is known around an order that a buyer thinks of placing; nothing, where the voucher asks nothing."""
    return _case(_bought(buyer)) if _asks(grant) else NOTHING_MORE


def case_at_placing(*, grant: Grant, order: Order) -> Case:
    """Return the same of an order that is being placed, behind a lock: the buyer's others with such vouchers wait."""
    if not _asks(grant):
        return NOTHING_MORE
    with connection.cursor() as cursor:
        cursor.execute(ONE_BY_ONE, [f"first-purchase/{order.buyer_id}"])
    return _case(_bought(order.buyer).exclude(pk=order.pk))


def case_of(*, grant: Grant, order: Order) -> Case:
    """Return the same of an order that goes on: what was bought after it does not count."""
    return _case(_bought(order.buyer).filter(placed_at__lt=order.placed_at)) if _asks(grant) else NOTHING_MORE


def redemptions_of(order: Order) -> list[Redemption]:
    """Return what vouchers pay of an order, or have set aside for it."""
    mine = Redemption.objects.filter(Q(funding__order=order) | Q(supplement__funding__order=order))
    return list(mine.exclude(status=RedemptionStatus.RELEASED).select_related("grant"))


def _asks(grant: Grant) -> bool:
    return selectors.terms(grant.programme_id, grant.version).first_purchase_only


def _bought(buyer: Organization) -> QuerySet[Order]:
    return Order.objects.of_buyer(buyer).exclude(status__in=NOTHING_BOUGHT)


def _case(others: QuerySet[Order]) -> Case:
    return Case(facts=Facts(first_purchase=not others.exists()))
