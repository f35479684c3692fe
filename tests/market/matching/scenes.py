"""Small books and bids in the words of a test, and a slow matcher that is obviously right."""

from datetime import UTC, datetime
from uuid import UUID

import numpy as np

from market.matching import Ask, Bid, Book

HOUR0 = datetime(2026, 10, 1, tzinfo=UTC)


def key(number):
    return UUID(int=number)


def ask(number, price=100, *, model="910B", provider="p1", category="GPU_TRAIN"):
    return Ask(key(number), model, provider, price, category)


def bid(number, count=1, hours=1, window=(0, 0), limit=1_000, *, models=("910B",), providers=None, categories=None):
    allowed = None if providers is None else frozenset(providers)
    kinds = None if categories is None else frozenset(categories)
    return Bid(key(1000 + number), number, count, hours, *window, limit, frozenset(models), allowed, kinds)


def book(*offers, offered=None, rings=((0,),)):
    """Return a book of ``(ask, [free cards of hour 0, 1, …])``."""
    hours = len(offers[0][1]) if offers else 4
    cards = np.array([free for _, free in offers], dtype=np.int32).reshape(len(offers), hours)
    listed = None if offered is None else np.array(offered, dtype=np.int32)
    return Book(HOUR0, hours, tuple(one for one, _ in offers), cards, listed, rings)


def oracle(a_book, bids):
    """Return ``{order_id: (offering_id, start, price)}`` by trying every offering and hour, one card-hour at a time."""
    free = [[int(cards) for cards in row] for row in a_book.capacity]
    matched = {}
    for one in sorted(bids, key=lambda one: one.sequence):
        best = min(places(a_book, free, one, one.limit_micro), default=None)
        if best is None:
            continue
        price, start, offering_id, row = best
        for hour in range(start, start + one.hours):
            free[row][hour] -= one.count
        matched[one.order_id] = (offering_id, start, price)
    return matched, free


def places(a_book, free, one, limit):
    """Yield every ``(price, start, offering_id, row)`` at which a bid fits."""
    for row, offer in enumerate(a_book.asks):
        if not (accepts(one, offer) and offer.price_micro <= limit):
            continue
        for start in range(max(0, one.start_min), one.start_max + 1):
            hours = range(start, start + one.hours)
            if hours.stop <= a_book.hours and all(free[row][hour] >= one.count for hour in hours):
                yield offer.price_micro, start, offer.offering_id, row


def accepts(one, offer):
    return (
        offer.accelerator in one.accelerators
        and (one.providers is None or offer.provider in one.providers)
        and (one.categories is None or offer.category in one.categories)
    )
