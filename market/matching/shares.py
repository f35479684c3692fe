"""Let orders that are split take part in an auction, which knows whole requests only.

Such an order asks for shares of its cards: one request each, for all its hours, as even as its smallest part allows.
They are the order together, so what the auction gives is never more than the order wants, nor in more parts. Shares
that meet at one offering and hour are joined: they are one part.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby
from uuid import UUID

from market.matching.book import Ask, Bid
from market.matching.outcome import Fill
from market.matching.terms import Split

SLOTS = 32
"""Sequence numbers for each order: more than any order has parts."""


def requests(bids: Iterable[Bid]) -> tuple[Bid, ...]:
    """Return bids as requests of an auction; the shares of an order follow each other where the order stood."""
    return tuple(request for bid in bids for request in _requests(bid))


def _requests(bid: Bid) -> Iterator[Bid]:
    first = bid.sequence * SLOTS
    if bid.split is None:
        yield replace(bid, sequence=first)
        return
    for number, cards in enumerate(sizes(bid.split, hours=bid.hours)):
        yield replace(bid, sequence=first + number, count=cards, split=None)


def sizes(split: Split, *, hours: int) -> list[int]:
    """Return the cards of each share: multiples of the smallest part, as even as can be, and the rest in the first."""
    cards = split.card_hours // hours
    units = max(cards // split.cards, 1)
    number = min(split.parts, units)
    even, more = divmod(units, number)
    found = [(even + (place < more)) * split.cards for place in range(number)]
    found[0] += cards - units * split.cards
    return found


def joined(fills: Sequence[Fill], asks: Mapping[UUID, Ask]) -> list[Fill]:
    """Join what one order got at one offering and hour, where the offering sells so many cards in one order."""
    ordered = sorted(fills, key=lambda fill: (fill.order_id, fill.start_hour, fill.offering_id))
    return [
        one
        for (_order, _hour, offering), some in groupby(
            ordered, key=lambda fill: (fill.order_id, fill.start_hour, fill.offering_id)
        )
        for one in _sold_together(list(some), asks[offering])
    ]


def _sold_together(fills: Sequence[Fill], ask: Ask) -> list[Fill]:
    found: list[Fill] = []
    for fill in fills:
        together = fill.count + (found[-1].count if found else 0)
        if found and ask.lot(together) == together:
            found[-1] = replace(found[-1], count=together)
        else:
            found.append(fill)
    return found
