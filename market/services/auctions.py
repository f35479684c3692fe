"""Hold the call auction: clear all its orders at once, keep the input and the answer, and tell everyone why."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import transaction

from market.matching import Ask, Bid, Book, Fill, Reason, Unmatched
from market.matching.auction import clearing
from market.matching.auction.clearing import Outcome, Rules
from market.matching.auction.instance import MOST_MICRO
from market.matching.auction.reading import Arrays, instance_of
from market.matching.book import Key
from market.matching.shelf import Shelf
from market.matching.terms import Attribute
from market.matching.walk import explain
from market.models import MatchBatch, MatchInput, Order
from market.services import books, decisions
from market.services.books import Frozen

RULE = "call-auction/2"
SEED = 1
Kind = tuple[Key, Key, Key, range | None, int | None, Key | None]
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Cleared:
    """What the engine made of an input, and the digest that names the input."""

    input_sha256: str
    outcome: Outcome

    @property
    def matched(self) -> int:
        """Return how many requests got an offer."""
        return int((self.outcome.offer >= 0).sum())


@transaction.atomic
def hold(*, at: datetime) -> MatchBatch | None:
    """Clear the open orders of the auction and return the batch; None if there are none or another clearing runs.

    Who is worth most per card-hour comes first; everyone pays the posted price, never more than the limit.
    """
    if not decisions.alone():
        return None
    frozen = books.freeze(wanting=Order.objects.for_auction(), at=at)
    if frozen.book is None:
        return None
    arrays = _arrays(frozen, frozen.book)
    cleared = clear(arrays, seed=SEED, iterations=settings.AUCTION_ITERATIONS)
    batch = MatchBatch.objects.create(
        at=at,
        engine=RULE,
        input_sha256=cleared.input_sha256,
        orders=len(frozen.bids),
        matched=cleared.matched,
        seed=SEED,
        iterations=settings.AUCTION_ITERATIONS,
        welfare_micro=cleared.outcome.welfare,
        bound_micro=cleared.outcome.bound,
    )
    MatchInput.objects.create(batch=batch, instance=packed(arrays), outcome=packed(answer(cleared.outcome)))
    _write(batch, frozen, frozen.book, cleared.outcome)
    return batch


def clear(arrays: Arrays, *, seed: int, iterations: int) -> Cleared:
    """Ask the engine; the same arrays, seed and iterations always give the same answer."""
    instance, rules = instance_of(arrays), Rules(seed=seed, iterations=iterations)
    return Cleared(instance.sha256(*rules.declared()), clearing.clear(instance, rules))


def answer(outcome: Outcome) -> dict[str, npt.NDArray[np.int32]]:
    """Return what the engine decided, by request: the offer or -1, and the hour at which it starts."""
    return {"offer": outcome.offer, "start": outcome.start}


def packed(arrays: Arrays) -> bytes:
    """Return arrays as a file of the engine, in NumPy's npz format."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _arrays(frozen: Frozen, book: Book) -> Arrays:
    """Return the frozen market as the engine's arrays; a class is all that decides who may take an offering."""
    kinds = {_kind(ask): ask for ask in book.asks}
    requests = _requests(frozen.bids, list(kinds.values()))
    return _affordable(_offers(frozen, book, list(kinds)), int(requests["req_count"].max(initial=1))) | requests


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
    return ask.accelerator, ask.category, ask.provider, ask.counts, ask.most_hours, ask.consent


def _cards(bid: Bid, example: Ask) -> int:
    """Return how many cards of a class an order needs, 0 where it may not take the class."""
    kind = {"accelerator": example.accelerator, "category": example.category, "provider": example.provider}
    taken = bid.accepts(**kind) and example.sells(bid) and example.may_serve(bid)
    return bid.cards(example.accelerator) if taken else 0


@dataclass(frozen=True, slots=True)
class _Places:
    """The market as it was before the auction, and what the auction left of it."""

    before: Shelf
    after: Shelf


def _write(batch: MatchBatch, frozen: Frozen, book: Book, outcome: Outcome) -> None:
    matched = [(bid, int(offer), int(start)) for bid, offer, start in _rows(frozen, outcome) if offer >= 0]
    left = book.capacity.copy()
    for bid, offer, start in matched:
        left[offer, start : start + bid.hours] -= bid.cards(book.asks[offer].accelerator)
    decisions.keep(batch, frozen, book, [_fill(book, bid, offer, start) for bid, offer, start in matched])
    places = _Places(Shelf(book), Shelf(replace(book, capacity=left)))
    missed = [bid for bid, offer, _start in _rows(frozen, outcome) if offer < 0]
    decisions.explain(book, [_miss(places, bid) for bid in missed])


def _rows(frozen: Frozen, outcome: Outcome) -> Iterator[tuple[Bid, int, int]]:
    return zip(frozen.bids, outcome.offer, outcome.start, strict=True)


def _fill(book: Book, bid: Bid, offer: int, start: int) -> Fill:
    ask = book.asks[offer]
    return Fill(
        order_id=bid.order_id,
        offering_id=ask.offering_id,
        start_hour=start,
        hours=bid.hours,
        count=bid.cards(ask.accelerator),
        price_micro=ask.price_micro,
        rank=0,
        considered=0,
    )


def _miss(places: _Places, bid: Bid) -> Unmatched:
    """Say why an order got nothing: it was outranked if it could have been served alone."""
    choice = places.before.choice(bid)
    affordable = choice.part(slice(choice.within(bid.limit_micro)))
    if places.before.cheapest(affordable, bid) is None:
        return explain(places.before, bid)
    cards, place = places.after.roomiest(affordable.rows, bid)
    start = {} if place is None else {"start_hour": place.start}
    return Unmatched(bid.order_id, Reason.OUTRANKED, {"free_cards": cards} | start)
