"""Give quotes: what an order would get at this instant, with the cards held for a while."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core.errors import Conflict, Forbidden
from core.periods import HOUR
from market import matching as engine
from market.matching import Book
from market.models import Offering, Order, OrderKind, Quote, QuoteStatus
from market.pricing import average_micro
from market.services import books, decisions, orders, price_lists, quotes, reclaims, reservations, splits
from market.services.books import Frozen, Product
from market.services.orders import Demand

RESOLUTION = timedelta(microseconds=1)


class NothingToQuote(Conflict):
    """An order for this would find nothing now."""

    code = "nothing-to-quote"


class NotOnSale(Conflict):
    """The offering that was named is paused, archived, or was never on sale."""

    code = "offering-not-on-sale"


class TooManyQuotes(Conflict):
    """The buyer holds as many quotes as one may hold at a time."""

    code = "too-many-quotes"


@dataclass(frozen=True, slots=True)
class Found:
    """Where an order would be served, and what each of its hours would cost a card."""

    offering: Offering
    count: int
    starts_at: datetime
    hourly_micro: tuple[int, ...]
    input_sha256: str
    frozen: Frozen
    book: Book


@transaction.atomic
def give(*, buyer: Organization, demand: Demand, offering: Offering | None = None, actor: Actor, at: datetime) -> Quote:
    """Find what an order for a demand would get, of any offering or of one, hold its cards, and say until when.

    A quote expires before its cards start, so that whoever accepts one gets every hour of it.

    :raises Forbidden: if the organisation does not buy.
    :raises TooManyQuotes: if the buyer holds too many.
    :raises NothingToQuote: if an order would find nothing.
    :raises DomainError: whatever would keep an order from being placed.
    """
    _check_number(buyer, at=at)
    return hold(buyer=buyer, demand=demand, offering=offering, actor=actor, at=at)


@transaction.atomic
def hold(
    *,
    buyer: Organization,
    demand: Demand,
    offering: Offering | None,
    actor: Actor,
    at: datetime,
    product: Product = Product.QUOTED,
) -> Quote:
    """Give a quote to whoever accepts it in the same transaction, or has no more than one may hold.

    For a ``FIRM`` one, which is accepted in the same transaction, interruptible orders give way as for any firm order.

    :raises Forbidden: if the organisation does not buy.
    :raises NotOnSale: if the offering named is not on sale.
    :raises NothingToQuote: if an order would find nothing.
    """
    if buyer.kind != OrganizationKind.BUYER:
        raise Forbidden(_("Only a buyer can ask for quotes."))
    if demand.split is not None:
        raise splits.BadParts(_("A quote holds one block of cards: place the order to have it split."))
    # In the order of a clearing: offerings, then calendar hours. Nothing is sold or changed until the end.
    listed = Offering.objects.listed().filter(pk=offering.pk) if offering else Offering.objects.listed()
    locked = list(listed.locked().values_list("pk", flat=True))
    if offering and not locked:
        raise NotOnSale(_("This offering is not on sale at present."))
    if product is Product.FIRM:  # before any calendar hour, and until the end: what is found may be theirs
        reclaims.spare(offerings=locked, at=at)
    overdue = quotes.overdue(at=at, offerings=locked)
    found = _find(buyer, demand, offering, product, overdue, at=at)
    quote = _quote(buyer, demand.name, found, at=at)
    decisions.make_room(found.frozen, found.book, [quotes.held(quote)])
    reservations.hold_capacity(reservations=[quotes.held(quote)])
    quote.save()
    after = {"offering": str(found.offering.pk), "expires_at": quote.expires_at.isoformat()}
    audit.record(actor=actor, verb="quote.given", thing=quote, at=at, after=after)
    return quote


def of_listing(offering: Offering, demand: Demand) -> Demand:
    """Return a demand for the cards of one offering."""
    return replace(
        demand,
        category=offering.category,
        accelerators=(offering.accelerator,),
        providers=(offering.provider,),
        kind=OrderKind.INSTANT,
    )


def posted_micro(offering: Offering, *, start_max: datetime, hours: int, at: datetime) -> int:
    """Return the most that an hour of an offering costs until then: the limit of who takes the posted price."""
    ends_at = min(start_max, at + orders.HORIZON) + min(hours * HOUR, orders.HORIZON)
    return price_lists.load([offering]).ask_micro(offering, starts_at=at, ends_at=ends_at)


def _check_number(buyer: Organization, *, at: datetime) -> None:
    """Count a buyer's quotes under a lock, so that two requests cannot both be the last."""
    Organization.objects.select_for_update(no_key=True).get(pk=buyer.pk)
    open_now = Quote.objects.open().of_buyer(buyer).filter(expires_at__gt=at).count()
    if open_now >= settings.QUOTES_AT_ONCE:
        raise TooManyQuotes(
            _("You hold %(count)d quotes: accept one, give one back, or wait until one expires.") % {"count": open_now}
        )


@transaction.atomic
def _find(
    buyer: Organization,
    demand: Demand,
    only: Offering | None,
    product: Product,
    overdue: Sequence[Quote],
    *,
    at: datetime,
) -> Found:
    """Place an order, see what it would get, and take it back: a quote is what an order gets, by the same code."""
    kind = OrderKind.BLOCK if demand.kind == OrderKind.BLOCK else OrderKind.INSTANT
    asked = orders.place(buyer=buyer, demand=replace(demand, kind=kind), at=at)
    frozen = books.freeze(
        wanting=Order.objects.filter(pk=asked.pk),
        at=at + RESOLUTION,
        only=only,
        product=product,
        horizon=orders.horizon_of(kind),
        overdue=overdue,
    )
    if frozen.book is None:
        raise NothingToQuote(_("The window holds no full hour that is still to come."), reason="window")
    outcome = engine.match(frozen.book, frozen.bids)
    if not outcome.matches:
        (missed,) = outcome.unmatched
        raise NothingToQuote(_("Nothing on sale fits at this moment."), reason=missed.reason.value)
    (fill,) = outcome.matches
    offering, starts_at = frozen.offerings[fill.offering_id], frozen.book.hour(fill.start_hour)
    hourly = frozen.prices.hourly(offering, starts_at=starts_at, hours=fill.hours, count=fill.count)
    transaction.set_rollback(True)  # to before the order, not further: the caller's locks and holds stay
    digest = engine.input_sha256(frozen.book, frozen.bids)
    return Found(offering, fill.count, starts_at, hourly, digest, frozen, frozen.book)


def _quote(buyer: Organization, name: str, found: Found, *, at: datetime) -> Quote:
    return Quote(
        status=QuoteStatus.OPEN,
        buyer=buyer,
        offering=found.offering,
        name=name,
        count=found.count,
        starts_at=found.starts_at,
        ends_at=found.starts_at + len(found.hourly_micro) * HOUR,
        hourly_micro=list(found.hourly_micro),
        price_micro=average_micro(found.hourly_micro),
        input_sha256=found.input_sha256,
        quoted_at=at,
        expires_at=min(at + timedelta(minutes=settings.QUOTE_MINUTES), found.starts_at),
    )
