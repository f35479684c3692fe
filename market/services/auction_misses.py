"""Say of every order of an auction that did not get all it wants why, once, and what would have matched it."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from uuid import UUID

import numpy as np

from market.matching import Bid, Book, Fill, Reason, Unmatched
from market.matching.auction import reasons
from market.matching.auction.clearing import Outcome
from market.matching.shelf import Place, Shelf
from market.matching.walk import explain


class _Places:
    """The market as it was before the auction, and what the auction left of it."""

    def __init__(self, book: Book, fills: Sequence[Fill]) -> None:
        row = {ask.offering_id: place for place, ask in enumerate(book.asks)}
        left = book.capacity.copy()
        for fill in fills:
            left[row[fill.offering_id], fill.start_hour : fill.start_hour + fill.hours] -= fill.count
        self.before, self.after = Shelf(book), Shelf(replace(book, capacity=left))
        self._row = {ask.offering_id: place for place, ask in enumerate(self.before.asks)}

    @contextmanager
    def without(self, own: Sequence[Fill]) -> Iterator[None]:
        """Look at the market before the auction as if an order had got its other shares already."""
        taken = [(Place(self._row[one.offering_id], one.start_hour), one.count, one.hours) for one in own]
        for place, cards, hours in taken:
            self.before.take_cards(place, cards, hours)
        yield
        for place, cards, hours in taken:
            self.before.take_cards(place, -cards, hours)


def told(
    book: Book, wanted: Sequence[Bid], outcome: Outcome, fills: Sequence[Fill], withdrawn: Mapping[UUID, int]
) -> list[Unmatched]:
    """Return the orders of which a request was missed, with the reason of the first; those withdrawn lack parts."""
    missed = np.flatnonzero(outcome.offer < 0).tolist()
    first = {wanted[row].order_id: row for row in reversed(missed)}
    own: dict[UUID, list[Fill]] = {}
    for fill in fills:
        if fill.order_id in first:
            own.setdefault(fill.order_id, []).append(fill)
    places = _Places(book, fills)
    found = []
    for order_id, row in first.items():
        if order_id in withdrawn:
            found.append(Unmatched(order_id, Reason.PARTS, {"card_hours": withdrawn[order_id]}))
            continue
        with places.without(own.get(order_id, ())):
            found.append(_miss(places, wanted[row], outcome, row))
    return found[::-1]


def _miss(places: _Places, bid: Bid, outcome: Outcome, row: int) -> Unmatched:
    """Say why a request got nothing: it was outranked if it could have been served alone.

    What is reserved for others is not there for it: then the engine knows better how many cards there were.
    """
    choice = places.before.choice(bid)
    affordable = choice.part(slice(choice.within(bid.limit_micro)))
    if places.before.cheapest(affordable, bid) is None:
        return explain(places.before, bid)
    detail = int(outcome.detail[row])
    if outcome.reason[row] == reasons.Reason.CAPACITY:
        return Unmatched(bid.order_id, Reason.CAPACITY, {"free_cards": detail})
    cards, place = places.after.roomiest(affordable.rows, bid)
    if outcome.reason[row] == reasons.Reason.OUTRANKED and detail < cards:
        return Unmatched(bid.order_id, Reason.OUTRANKED, {"free_cards": detail})
    start = {} if place is None else {"start_hour": place.start}
    return Unmatched(bid.order_id, Reason.OUTRANKED, {"free_cards": cards} | start)
