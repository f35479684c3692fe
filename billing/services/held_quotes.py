"""Accept quotes, and buy from a listing at once: the order, its money and its cards, in one transaction."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from uuid import UUID

from django.db import transaction

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from billing.services import checkout, taken_lines
from billing.services.taken_lines import Wanted
from core.money import MS_PER_HOUR, price_fen
from market.models import Offering, Order, OrderKind, Quote
from market.services import quotes, quoting
from market.services.orders import Demand
from vouchers.models import Grant

NO_LINES: Mapping[int, int] = MappingProxyType({})


def total_fen(quote: Quote) -> int:
    """Return what all hours of a quote cost if they are used."""
    return price_fen(accelerator_ms=quote.count * MS_PER_HOUR, price_micro=sum(quote.hourly_micro))


@transaction.atomic
def accept(
    *,
    quote_id: UUID,
    buyer: Organization,
    grant: Grant | None,
    actor: Actor,
    at: datetime,
    kind: OrderKind = OrderKind.INSTANT,
    lines: Wanted = NO_LINES,
) -> Order:
    """Turn a quote into an order that is matched at exactly its price, and set the money aside.

    With it the buyer may take lines of the offering, in quantities by their ids.

    :raises NotFound: if the buyer has no such quote.
    :raises QuoteOver: if it was accepted or given back, or its time has passed.
    :raises WalletTooLow: if the wallet cannot bear its part; the quote stands.
    """
    quote = quotes.standing(quote_id=quote_id, buyer=buyer, at=at)
    order = quotes.take_up(quote=quote, at=at, kind=kind)
    checkout.fund(order=order, demand=quotes.demand_of(quote), grant=grant, actor=actor, at=at)
    if lines:
        taken_lines.take(reservation=order.reservations.get(), wanted=lines, actor=actor, at=at)
    audit.record(actor=actor, verb="quote.accepted", thing=quote, at=at, after={"order": str(order.pk)})
    return order


@transaction.atomic
def buy(
    *,
    offering: Offering,
    buyer: Organization,
    demand: Demand,
    grant: Grant | None,
    actor: Actor,
    at: datetime,
    lines: Wanted = NO_LINES,
) -> Order:
    """Buy cards from one listing at its posted price, now or not at all; the order is matched when this returns.

    :raises NotOnSale: if the offering is not on sale.
    :raises NothingToQuote: if it has no room in the window, or costs more than the limit.
    :raises WalletTooLow: if the wallet cannot bear its part.
    """
    demand = quoting.of_listing(offering, demand)
    quote = quoting.hold(buyer=buyer, demand=demand, offering=offering, actor=actor, at=at)
    return accept(quote_id=quote.pk, buyer=buyer, grant=grant, actor=actor, at=at, lines=lines)


@transaction.atomic
def buy_block(
    *,
    offering: Offering,
    buyer: Organization,
    demand: Demand,
    grant: Grant | None,
    actor: Actor,
    at: datetime,
    lines: Wanted = NO_LINES,
) -> Order:
    """Buy a block of months from one listing, now or not at all; the money for all of it is set aside at once.

    :raises NotOnSale, NothingToQuote, WalletTooLow: as ``buy`` does.
    """
    quote = quoting.hold(buyer=buyer, demand=demand, offering=offering, actor=actor, at=at)
    kind = OrderKind.BLOCK
    return accept(quote_id=quote.pk, buyer=buyer, grant=grant, actor=actor, at=at, kind=kind, lines=lines)
