"""Hold the call auction: clear all its orders at once, keep the input and the answer, and tell everyone why."""

import io
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import transaction

from market.matching import Bid, Book, Fill, Reason, Unmatched
from market.matching.auction import clearing, pricing, reasons
from market.matching.auction.clearing import Outcome, Rules
from market.matching.auction.reading import Arrays, instance_of
from market.matching.shelf import Shelf
from market.matching.walk import explain
from market.models import AuctionRules, MatchBatch, MatchInput, Order
from market.services import auction_arrays, auction_rules, books, decisions, warm_prices
from market.services.auction_arrays import RULE
from market.services.books import Frozen

SEED = 1
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

    Who is worth most per card-hour comes first; the published rules say what else counts, and what share of the limit
    is paid. Nobody pays more than the limit.
    """
    if not decisions.alone():
        return None
    frozen = books.freeze(wanting=Order.objects.for_auction(), at=at)
    if frozen.book is None:
        return None
    rules = auction_rules.in_effect(at)
    laid = auction_arrays.arrays(frozen, frozen.book)
    arrays = laid | warm_prices.carried(laid["offer_id"], frozen.book, reserved=bool(rules and rules.reserve_bp), at=at)
    cleared = clear(arrays, rules, seed=SEED, iterations=settings.AUCTION_ITERATIONS)
    batch = MatchBatch.objects.create(
        at=at,
        rules=rules,
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


def clear(arrays: Arrays, published: AuctionRules | None, *, seed: int, iterations: int) -> Cleared:
    """Ask the engine; the same arrays, rules, seed and iterations always give the same answer."""
    fairness = {name: getattr(published, name) for name in ("reserve_bp", "ageing_bp") if published}
    rules = Rules(seed=seed, iterations=iterations, warm=arrays.get("price"), **fairness)
    instance = instance_of(arrays)
    return Cleared(instance.sha256(*rules.declared()), clearing.clear(instance, rules))


def answer(outcome: Outcome) -> dict[str, Array]:
    """Return what the engine decided, by request: the offer or -1, and its first hour; and the prices that it found."""
    return {"offer": outcome.offer, "start": outcome.start, "price": outcome.prices}


def packed(arrays: Arrays) -> bytes:
    """Return arrays as a file of the engine, in NumPy's npz format."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


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
    fills = [_fill(book, bid, offer, start) for bid, offer, start in matched]
    decisions.keep(batch, frozen, book, fills, pay=_payment(frozen, batch.rules))
    places = _Places(Shelf(book), Shelf(replace(book, capacity=left)))
    missed = np.flatnonzero(outcome.offer < 0)
    decisions.explain(book, [_miss(places, frozen.bids[row], outcome, row) for row in missed.tolist()])


def _payment(frozen: Frozen, rules: AuctionRules | None) -> decisions.Pay:
    """Return what a fill costs by the rules: the asks, and for cash a share of what the limit leaves above them."""
    k_bp = rules.k_bp if rules else 0
    bids = {bid.order_id: bid for bid in frozen.bids}

    def pay(fill: Fill, asks: tuple[int, ...]) -> tuple[int, ...]:
        limit = bids[fill.order_id].value_micro // fill.count
        by_voucher = frozen.orders[fill.order_id].by_voucher
        return pricing.contract_prices_micro(asks, limit_micro=limit, k_bp=k_bp, voucher=by_voucher)

    return pay if k_bp else decisions.asked


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


def _miss(places: _Places, bid: Bid, outcome: Outcome, row: int) -> Unmatched:
    """Say why an order got nothing: it was outranked if it could have been served alone.

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
