"""Award bids: the promise, the money and the cards, in one transaction; then usage and bills go their usual way."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from billing.services import checkout
from market.models import Bid, Order, Rfq, RfqStatus
from market.services import awards
from market.services.awards import BadAward
from market.services.reclaims import Spare
from vouchers.models import Grant


@transaction.atomic
def award(
    *,
    rfq: Rfq,
    buyer: Organization,
    bids: Sequence[Bid],
    grant: Grant | None = None,
    reason: str = "",
    actor: Actor,
    at: datetime,
) -> list[Order]:
    """Award one bid, or several that share the cards, and return their orders: all of them or none.

    :raises BadAward: if a voucher should pay for several orders.
    :raises WalletTooLow: if the wallet cannot bear its part.
    :raises Overbooked: if the cards of a bid are not free, nor held by interruptible orders that could give way.
    """
    rfq, won = awards.choose(rfq=rfq, buyer=buyer, bids=bids, reason=reason, at=at)
    if grant and len(won) > 1:
        raise BadAward(_("A voucher pays for one order: award one bid, or none with a voucher."))
    spare = awards.lock(won, at=at)
    orders = [_order(bid, spare, grant, actor=actor, at=at) for bid in won]
    rfq.move_to(RfqStatus.AWARDED, closed_at=at, reason=reason.strip())
    after = {"bids": [str(bid.pk) for bid in won], "reason": reason}
    audit.record(actor=actor, verb="rfq.awarded", thing=rfq, at=at, after=after)
    return orders


def _order(bid: Bid, spare: Spare, grant: Grant | None, *, actor: Actor, at: datetime) -> Order:
    order = awards.place(bid=bid, at=at)
    checkout.fund(order=order, demand=awards.demand_of(bid), grant=grant, actor=actor, at=at)
    awards.reserve(bid=bid, order=order, spare=spare, at=at)
    return order
