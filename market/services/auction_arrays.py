"""Lay a frozen market out as the arrays of the auction's engine."""

from bisect import bisect_left
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from accounts.models import Organization
from market.matching import Ask, Bid, Book
from market.matching.auction.instance import MOST_MICRO
from market.matching.book import Key
from market.matching.terms import Attribute
from market.models import MatchBatch, Order
from market.services import whole_orders
from market.services.books import Frozen

RULE = "call-auction/11"
MOST_WAITED = 10_000
Kind = tuple[Key, Key, Key, range | None, int | None, Key | None, Key]
Array = npt.NDArray[Any]


def arrays(frozen: Frozen, book: Book, wanted: Sequence[Bid]) -> dict[str, Array]:
    """Return the frozen market as the engine's arrays; a class is all that decides who may take an offering.

    ``wanted`` are the requests: one for an order, or one for each share of an order that is split.
    """
    kinds = {_kind(ask): ask for ask in book.asks}
    requests = _requests(wanted, list(kinds.values()))
    offers = _affordable(_offers(frozen, book, list(kinds)), int(requests["req_count"].max(initial=1)))
    orders = [frozen.orders[bid.order_id] for bid in wanted]
    return offers | requests | whole_orders.marks(orders, requests["req_count"]) | _fairness(orders)


def _offers(frozen: Frozen, book: Book, kinds: Sequence[Kind]) -> dict[str, Array]:
    number = {kind: place for place, kind in enumerate(kinds)}
    offerings = [frozen.offerings[ask.offering_id] for ask in book.asks]
    posted = [frozen.prices.posted(one, starts_at=book.hour0, hours=book.hours) for one in offerings]
    return {
        "offer_id": np.array([str(ask.offering_id) for ask in book.asks], dtype="U36"),
        "offer_class": np.array([number[_kind(ask)] for ask in book.asks], np.int32),
        "offer_region": np.array([ask.region for ask in book.asks], np.int32),
        "offer_ask": np.array(posted, np.int64).reshape(len(book.asks), book.hours),
        "offer_attr": np.array([ask.levels for ask in book.asks], np.int32).reshape(-1, len(Attribute)),
        "cap": book.capacity,
        "ring": np.array(book.rings, np.int32),
    }


def _affordable(offers: dict[str, Array], most_cards: int) -> dict[str, Array]:
    """Close the offers of which the largest order could cost more than the engine reckons with.

    One of them may not stop everybody's auction.
    """
    ask = offers["offer_ask"]
    ceiling = MOST_MICRO // (ask.shape[1] * max(most_cards, 1))
    beyond = ask.max(axis=1, initial=0) > ceiling
    return offers | {"offer_ask": np.minimum(ask, ceiling), "cap": np.where(beyond[:, None], 0, offers["cap"])}


def _requests(bids: Sequence[Bid], examples: Sequence[Ask]) -> dict[str, Array]:
    """Return the orders as arrays; an offering of each class stands for it."""
    return {
        "req_id": np.array([str(bid.order_id) for bid in bids], dtype="U36"),
        "req_count": np.array([[_cards(bid, ask) for ask in examples] for bid in bids], np.int32).reshape(
            len(bids), len(examples)
        ),
        "req_hours": np.array([bid.hours for bid in bids], np.int32),
        "req_start_min": np.array([bid.start_min for bid in bids], np.int32),
        "req_start_max": np.array([bid.start_max for bid in bids], np.int32),
        "req_value": np.array([bid.value_micro for bid in bids], np.int64),
        "req_attr_min": np.array([bid.least for bid in bids], np.int32),
        "req_home": np.array([bid.home for bid in bids], np.int32),
        "req_ring_max": np.array([bid.ring_max for bid in bids], np.int32),
        "req_seq": np.array([bid.sequence for bid in bids], np.int64),
    }


def _kind(ask: Ask) -> Kind:
    return ask.accelerator, ask.category, ask.provider, ask.counts, ask.most_hours, ask.consent, ask.site


def _cards(bid: Bid, example: Ask) -> int:
    """Return how many cards of a class an order needs, 0 where it may not take the class."""
    kind = {"accelerator": example.accelerator, "category": example.category, "provider": example.provider}
    taken = bid.accepts(**kind) and example.sells(bid) and example.may_serve(bid)
    return bid.cards(example.accelerator) if taken else 0


def _fairness(orders: Sequence[Order]) -> dict[str, Array]:
    """Return what the rules of fairness look at: vouchers, small firms, and the auctions that each order has waited."""
    small = set(Organization.objects.small().filter(orders__in=orders).values_list("pk", flat=True))
    first = min((order.placed_at for order in orders), default=None)
    earlier = MatchBatch.objects.filter(engine__startswith="call-auction/", at__gte=first).order_by("-at")
    held = sorted(earlier.values_list("at", flat=True)[:MOST_WAITED]) if first else []
    return {
        "req_voucher": np.array([order.by_voucher for order in orders], np.int32),
        "req_small": np.array([order.buyer_id in small for order in orders], np.int32),
        "req_age": np.array([len(held) - bisect_left(held, order.placed_at) for order in orders], np.int64),
    }
