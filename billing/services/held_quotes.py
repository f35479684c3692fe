"""Accept quotes, and buy from a listing at once: the order, its money and its cards, in one transaction."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.db import transaction

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from billing.services import checkout, instalments, spending_limits, taken_lines
from core.money import MS_PER_HOUR, price_fen
from market.models import Offering, Order, OrderKind, Quote
from market.services import quotes, quoting
from market.services.books import Product
from market.services.orders import Demand
from vouchers.models import Grant

__all__ = ["Chosen", "accept", "buy", "most_fen", "pay", "take_up", "total_fen"]


@dataclass(frozen=True, slots=True)
class Chosen:
    """What a buyer chooses with a quote: the grant that pays, quantities of lines by their ids, the kind of order.

    A block may be paid month by month.
    """

    grant: Grant | None = None
    lines: Mapping[int, int] = field(default_factory=dict)
    kind: OrderKind = OrderKind.INSTANT
    monthly: bool = False

    def pack(self) -> dict[str, Any]:
        """Return it as JSON, without the grant."""
        lines = {str(line): quantity for line, quantity in self.lines.items()}
        return {"kind": str(self.kind), "lines": lines, "monthly": self.monthly}

    @classmethod
    def unpack(cls, packed: Mapping[str, Any], *, grant: Grant | None) -> Self:
        """Return what was packed, with the grant."""
        lines = {int(line): count for line, count in packed["lines"].items()}
        return cls(grant, lines, OrderKind(packed["kind"]), packed["monthly"])


def total_fen(quote: Quote) -> int:
    """Return what all hours of a quote cost if they are used."""
    return price_fen(accelerator_ms=quote.count * MS_PER_HOUR, price_micro=sum(quote.hourly_micro))


def most_fen(*, quote: Quote, chosen: Chosen) -> int:
    """Return what accepting a quote sets aside at most, month by month or at once, with the lines taken along."""
    lines_fen = taken_lines.total_fen(offering_id=quote.offering_id, wanted=chosen.lines, hours=quote.hours)
    estimate = instalments.total_fen if chosen.monthly else checkout.estimate_fen
    return estimate(quotes.demand_of(quote)) + lines_fen


@transaction.atomic
def accept(*, quote_id: UUID, buyer: Organization, chosen: Chosen, actor: Actor, at: datetime) -> Order:
    """Turn a quote into an order that is matched at exactly its price, and set the money aside.

    :raises NotFound: if the buyer has no such quote.
    :raises QuoteOver: if it was accepted or given back, or its time has passed.
    :raises ApprovalNeeded: if it costs more than one person of the buyer may order.
    :raises WalletTooLow: if the wallet cannot bear its part; the quote stands.
    """
    quote = quotes.standing(quote_id=quote_id, buyer=buyer, at=at)
    order = take_up(quote=quote, chosen=chosen, at=at)
    pay(quote=quote, order=order, chosen=chosen, actor=actor, at=at)
    return order


def take_up(*, quote: Quote, chosen: Chosen, at: datetime) -> Order:
    """Turn a locked quote into an order, whose money ``pay`` then sets aside in the same transaction."""
    return quotes.take_up(quote=quote, at=at, kind=chosen.kind)


def pay(*, quote: Quote, order: Order, chosen: Chosen, actor: Actor, at: datetime) -> None:
    """Set aside what the order of a quote costs, and take its lines.

    :raises ApprovalNeeded, WalletTooLow: as ``accept`` does.
    """
    spending_limits.check(order=order, total_fen=most_fen(quote=quote, chosen=chosen))
    set_aside = instalments.fund if chosen.monthly else checkout.fund
    set_aside(order=order, demand=quotes.demand_of(quote), grant=chosen.grant, actor=actor, at=at)
    if chosen.lines:
        taken_lines.take(reservation=order.reservations.get(), wanted=chosen.lines, actor=actor, at=at)
    audit.record(actor=actor, verb="quote.accepted", thing=quote, at=at, after={"order": str(order.pk)})


@transaction.atomic
def buy(
    *, offering: Offering, buyer: Organization, demand: Demand, chosen: Chosen, actor: Actor, at: datetime
) -> Order:
    """Buy cards from one listing at its posted price, now or not at all; the order is matched when this returns.

    A block of months is bought in the same way; the money for all of it is set aside at once. Interruptible orders give
    way to both.

    :raises NotOnSale: if the offering is not on sale.
    :raises NothingToQuote: if it has no room in the window, or costs more than the limit.
    :raises ApprovalNeeded, WalletTooLow: as ``accept`` does.
    """
    if chosen.kind != OrderKind.BLOCK:
        demand = quoting.of_listing(offering, demand)
    firm = Product.FIRM
    quote = quoting.hold(buyer=buyer, demand=demand, offering=offering, product=firm, actor=actor, at=at)
    return accept(quote_id=quote.pk, buyer=buyer, chosen=chosen, actor=actor, at=at)
