"""Freeze the market for a clearing: lock what is for sale and wanted, and count the free cards of every hour."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import Enum
from typing import Any
from uuid import UUID

import numpy as np
from django.db import connection
from django.db.models import Q

from core.periods import HOUR, date_of, hour_of
from market.matching import Ask, Bid, Book
from market.matching.book import Cards
from market.matching.terms import Levels
from market.models import Offering, Order, Quote, ServiceTerms
from market.models.offering import OfferingQuerySet
from market.models.order import OrderQuerySet
from market.services import conditions, price_lists, quotes, reclaims, terms, wanted
from market.services.conditions import Regions
from market.services.orders import HORIZON, hour_from
from market.services.price_lists import PriceLists
from market.services.reclaims import Spare
from market.services.wanted import Waiting

# Sparse hours, one row an offering: arrays travel faster than a million rows.
CALENDAR = """
SELECT offering_id,
    array_agg((extract(epoch FROM hour - %(hour0)s) / 3600)::int), array_agg(capacity), array_agg(reserved)
FROM market_calendarhour
WHERE offering_id = ANY(%(offerings)s) AND hour >= %(hour0)s AND hour < %(end)s
GROUP BY offering_id
"""


class Product(Enum):
    """What a clearing sells: firm hours at the price lists, or what is left of them, at the floors, until reclaimed."""

    FIRM = "firm"
    INTERRUPTIBLE = "interruptible"
    QUOTED = "quoted"
    """Firm hours that nobody gives way for yet: a quote may never be accepted."""


@dataclass(frozen=True, slots=True, eq=False)
class Frozen:
    """A locked market: the engine's input, and the offerings and orders behind it by their keys."""

    book: Book | None
    bids: tuple[Bid, ...]
    offerings: dict[UUID, Offering]
    prices: PriceLists
    orders: Mapping[UUID, Order] = field(default_factory=dict)
    spare: Spare | None = None
    free: Cards | None = None
    product: Product = Product.FIRM
    overdue: Sequence[Quote] = ()
    """Quotes of these offerings whose time has passed, locked: the book sells their cards."""

    def reclaim_minutes(self, offering_id: UUID) -> int | None:
        """Return the notice of a reclaim that reservations of an offering get; none for firm ones."""
        return self.offerings[offering_id].reclaim_minutes if self.product is Product.INTERRUPTIBLE else None


def freeze(
    *,
    wanting: OrderQuerySet,
    at: datetime,
    only: Offering | None = None,
    product: Product = Product.FIRM,
    horizon: timedelta = HORIZON,
    overdue: Sequence[Quote] | None = None,
) -> Frozen:
    """Lock the listed offerings, then those of the orders that can still start, and return them as a book and bids.

    Nobody pauses, closes, cancels or matches any of them until the transaction ends. There is no book where nobody
    wants anything. Where ``only`` one offering is looked at, the others stay free. Cards of overdue quotes, those that
    the caller has locked if any, are free; they are freed when what is sold is held.

    To firm orders the cards of interruptible ones are free as soon as notice allows; ``free`` are those that are.
    """
    hour0 = hour_from(at)
    waiting = wanting.standing(at).filter(start_max__gte=hour0, start_min__lt=at + horizon)
    if not waiting.exists():
        return Frozen(None, (), {}, PriceLists({}, {}))
    for_sale = _for_sale(hour0, only, product).select_related("accelerator", "site")
    offerings = {offering.pk: offering for offering in for_sale.locked()}
    giving_way = reclaims.spare(offerings=offerings, at=at) if product is Product.FIRM else None
    orders = {order.pk: order for order in waiting.locked()}
    floors = product is Product.INTERRUPTIBLE
    prices = price_lists.of_floors() if floors else price_lists.load(offerings.values())
    shown, bids = _read(orders, offerings, prices, at=at)
    if not bids:
        return Frozen(None, (), offerings, prices, orders)
    due = quotes.overdue(at=at, offerings=offerings) if overdue is None else overdue
    book = _with_overdue(_book(shown, bids, at, horizon), due)
    sold = _with_spare(book, giving_way)
    return Frozen(sold, bids, offerings, prices, orders, giving_way, book.capacity, product, due)


def _for_sale(hour0: datetime, only: Offering | None, product: Product) -> OfferingQuerySet:
    listed = Offering.objects.listed().filter(Q(closes_at=None) | Q(closes_at__gt=hour0))
    listed = listed.filter(pk=only.pk) if only else listed
    return listed.interruptible() if product is Product.INTERRUPTIBLE else listed


def _read(
    orders: Mapping[UUID, Order], offerings: dict[UUID, Offering], prices: PriceLists, *, at: datetime
) -> "tuple[_Shown, tuple[Bid, ...]]":
    """Return what is on sale and the bids of the locked orders."""
    asked = conditions.of(list(orders))
    regions = conditions.regions(offerings.values(), asked.values(), at=at)
    models = frozenset(offering.accelerator_id for offering in offerings.values())
    counting = terms.current(offerings.values())
    agreed = terms.agreed({order.buyer_id for order in orders.values()}, counting.values()) if counting else {}
    waiting = Waiting(orders=orders, asked=asked, regions=regions, models=models, agreed=agreed)
    bids = tuple(wanted.read(waiting, hour0=hour_from(at), on=date_of(at)))
    shown = _Shown(
        offerings=offerings,
        counting=counting,
        prices=prices,
        reached=conditions.reached(offerings.values(), at=at),
        regions=regions,
        # Classes of the auction are as few as they can be: sites divide them only where an order asks for one.
        by_site=any(bid.sites is not None for bid in bids),
    )
    return shown, bids


def _with_overdue(book: Book, due: Sequence[Quote]) -> Book:
    """Return a book in which the cards of overdue quotes are free, where the calendar is open."""
    if not due:
        return book
    free = book.capacity.copy()
    row_of = {ask.offering_id: row for row, ask in enumerate(book.asks)}
    for one in (quote for quote in due if quote.offering_id in row_of):
        first = max((one.starts_at - book.hour0) // HOUR, 0)
        free[row_of[one.offering_id], first : max((one.ends_at - book.hour0) // HOUR, first)] += one.count
    return _open_only(book, free)


def _with_spare(book: Book, spare: Spare | None) -> Book:
    """Return a book in which the cards that would give way are free, where the calendar is open."""
    if spare is None or not spare.held:
        return book
    free = book.capacity.copy()
    for row, ask in enumerate(book.asks):
        for one in spare.held.get(ask.offering_id, []):
            free[row, spare.hours(one, hour0=book.hour0, length=book.hours)] += one.cards
    return _open_only(book, free)


def _open_only(book: Book, free: Cards) -> Book:
    return replace(book, capacity=free if book.offered is None else np.minimum(free, book.offered))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Shown:
    """What is on sale, with its prices and its terms of service, and what is known of it."""

    offerings: dict[UUID, Offering]
    counting: dict[UUID, ServiceTerms]
    prices: PriceLists
    reached: dict[UUID, Levels]
    regions: Regions
    by_site: bool

    def ask(self, offering: Offering, price_micro: int) -> Ask:
        """Return an offering as the engine knows it."""
        return Ask(
            offering.pk,
            offering.accelerator_id,
            offering.provider_id,
            price_micro=price_micro,
            category=offering.category,
            **_lot(offering),
            consent=self.counting[offering.pk].pk if offering.pk in self.counting else None,
            levels=self.reached[offering.pk],
            region=self.regions.region(offering),
            site=offering.site_id if self.by_site else "",
        )


def _book(shown: _Shown, frozen: tuple[Bid, ...], at: datetime, horizon: timedelta) -> Book:
    hour0 = hour_from(at)
    hours = min(max(bid.start_max + bid.hours for bid in frozen), horizon // HOUR)
    free, offered = _cards(list(shown.offerings.values()), at, hours)
    end = hour0 + hours * HOUR
    asks = tuple(
        shown.ask(one, shown.prices.ask_micro(one, starts_at=hour0, ends_at=end)) for one in shown.offerings.values()
    )
    return Book(hour0=hour0, hours=hours, asks=asks, capacity=free, offered=offered, rings=shown.regions.rings)


def _lot(offering: Offering) -> dict[str, Any]:
    """Return what one order may take of an offering; nothing where it may take anything."""
    anything = (offering.min_count, offering.step_count, offering.max_count) == (1, 1, None)
    return {"counts": None if anything else offering.counts, "most_hours": offering.max_hours}


def _cards(offerings: list[Offering], at: datetime, hours: int) -> tuple[Cards, Cards]:
    """Return the free and the offered cards, ``[offering, hour]``."""
    hour0 = hour_from(at)
    offered = np.zeros((len(offerings), hours), dtype=np.int32)
    for row, offering in enumerate(offerings):
        offered[row, _opening(offering, at, hours)] = offering.count
    free = offered.copy()
    row_of = {offering.pk: row for row, offering in enumerate(offerings)}
    for offering_id, indexes, capacity, reserved in _calendar(list(row_of), hour0, hours):
        row = row_of[offering_id]
        inside = offered[row, indexes] > 0
        offered[row, indexes] = np.where(inside, capacity, 0)
        free[row, indexes] = np.where(inside, np.subtract(capacity, reserved), 0)
    return free, offered


def _opening(offering: Offering, at: datetime, hours: int) -> slice:
    """Return the hours of the book in which an offering is open from beginning to end, its notice kept."""
    hour0 = hour_from(at)
    first = max((hour_from(max(offering.opens_at, at + offering.lead)) - hour0) // HOUR, 0)
    closed = hours if offering.closes_at is None else (hour_of(offering.closes_at) - hour0) // HOUR
    return slice(first, max(min(closed, hours), 0))


def _calendar(offerings: list[UUID], hour0: datetime, hours: int) -> list[tuple[UUID, list[int], list[int], list[int]]]:
    with connection.cursor() as cursor:
        cursor.execute(CALENDAR, {"offerings": offerings, "hour0": hour0, "end": hour0 + hours * HOUR})
        rows: list[tuple[UUID, list[int], list[int], list[int]]] = cursor.fetchall()
    return rows
