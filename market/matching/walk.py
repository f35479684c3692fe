"""The price walk: orders in the order of submission, each to the cheapest offering that has room."""

from collections.abc import Iterable

from market.matching import parts
from market.matching.book import Bid, Book, in_sequence
from market.matching.outcome import Fill, Outcome, Reason, Unmatched
from market.matching.parts import Served
from market.matching.shelf import Place, Shelf
from market.matching.stock import Choice
from market.matching.terms import Split


def match(book: Book, bids: Iterable[Bid]) -> Outcome:
    """Serve the bids by sequence number; each pays the posted ask of the cheapest offering with room, then the next.

    Equal asks go to the earlier start, then to the smaller offering id. The outcome depends on the content of the
    book and the bids alone, never on the order in which they are passed.

    :raises ValueError: if two bids share an order or a sequence number.
    """
    shelf = Shelf(book)
    answers = [answer for bid in in_sequence(bids) for answer in _answers(shelf, bid)]
    return Outcome(
        tuple(answer for answer in answers if isinstance(answer, Fill)),
        tuple(answer for answer in answers if isinstance(answer, Unmatched)),
    )


def _answers(shelf: Shelf, bid: Bid) -> list[Fill | Unmatched]:
    if bid.split is None:
        return [_serve(shelf, bid)]
    choice = shelf.choice(bid)
    if choice.missing is not None:
        return [explain(shelf, bid)]
    served = parts.serve(shelf, bid, bid.split)
    fills = parts.fills(shelf, bid, choice, served)
    return [*fills, _why_not_all(shelf, bid, bid.split, served)] if served.wants_more else [*fills]


def _why_not_all(shelf: Shelf, bid: Bid, split: Split, served: Served) -> Unmatched:
    """Say why an order does not get all its parts: not one more is free, or those that are do not add up."""
    small, choice = parts.smallest(bid, split), parts.needs(shelf, shelf.choice(bid), split)
    if shelf.cheapest(choice.part(slice(choice.within(bid.limit_micro))), small) is None:
        return _miss(shelf, small, choice)
    return Unmatched(bid.order_id, Reason.PARTS, {"card_hours": served.found})


def _serve(shelf: Shelf, bid: Bid) -> Fill | Unmatched:
    choice = shelf.choice(bid)
    if choice.missing is not None:
        return explain(shelf, bid)
    affordable = choice.part(slice(choice.within(bid.limit_micro)))
    place = shelf.cheapest(affordable, bid)
    if place is None:
        return _miss(shelf, bid, choice)
    shelf.take(place, bid)
    return _fill(shelf, bid, affordable, place)


def _fill(shelf: Shelf, bid: Bid, affordable: Choice, place: Place) -> Fill:
    ask = shelf.asks[place.row]
    return Fill(
        order_id=bid.order_id,
        offering_id=ask.offering_id,
        start_hour=place.start,
        hours=bid.hours,
        count=bid.cards(ask.accelerator),
        price_micro=ask.price_micro,
        rank=int((affordable.rows == place.row).argmax()) + 1,
        considered=len(affordable.rows),
    )


def explain(shelf: Shelf, bid: Bid) -> Unmatched:
    """Say why nothing on a shelf takes a bid, which is so, and what would."""
    choice = shelf.choice(bid)
    if choice.missing is not None:
        return Unmatched(bid.order_id, choice.missing, choice.detail)
    return _miss(shelf, bid, choice)


def _miss(shelf: Shelf, bid: Bid, choice: Choice) -> Unmatched:
    """Say why none of the acceptable rows took the bid: closed, too dear, or full."""
    opened = choice.part(shelf.open(choice.rows, bid.starts(shelf.hours), bid.hours) >= 0)
    if not opened.rows.size:
        return Unmatched(bid.order_id, Reason.WINDOW, _first_opening(shelf, bid))
    affordable = opened.within(bid.limit_micro)
    dearer = shelf.cheapest(opened.part(slice(affordable, None)), bid)
    if dearer is not None:
        cost = int(opened.costs[(opened.rows == dearer.row).argmax()])
        return Unmatched(bid.order_id, Reason.PRICE_GAP, {"lowest_ask_micro": cost, "start_hour": dearer.start})
    cards, place = shelf.roomiest(opened.rows[:affordable] if affordable else opened.rows, bid)
    start = {} if place is None else {"start_hour": place.start}
    return Unmatched(bid.order_id, Reason.CAPACITY, {"free_cards": cards} | start)


def _first_opening(shelf: Shelf, bid: Bid) -> dict[str, int]:
    anywhere = range(shelf.hours - bid.hours + 1)
    openings = shelf.open(shelf.choice(bid).rows, anywhere, bid.hours)
    found = openings[openings >= 0]
    return {"start_hour": int(found.min())} if found.size else {}
