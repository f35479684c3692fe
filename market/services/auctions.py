"""Hold the call auction: clear all its orders at once, keep the input and the answer, and tell everyone why."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.conf import settings
from django.db import transaction

from market.matching import Bid, Book, Fill, Unmatched, shares
from market.matching.auction import clearing, pricing
from market.matching.auction.clearing import Outcome, Rules
from market.matching.auction.reading import Arrays, instance_of
from market.models import AuctionRules, MatchBatch, MatchInput, Order
from market.services import (
    auction_arrays,
    auction_misses,
    auction_rules,
    books,
    decisions,
    warm_prices,
    whole_orders,
)
from market.services.auction_arrays import RULE
from market.services.books import Frozen

SEED = 1
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class Cleared:
    """What the engine made of an input, the digest that names the input, and the arrays without what was withdrawn."""

    input_sha256: str
    outcome: Outcome
    arrays: Arrays
    withdrawn: Mapping[int, int] = field(default_factory=dict)
    """Orders of all or none that were withdrawn, by their marks in the arrays, with the card-hours they had got."""


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
    wanted = shares.requests(frozen.bids)
    laid = auction_arrays.arrays(frozen, frozen.book, wanted)
    arrays = laid | warm_prices.carried(laid["offer_id"], frozen.book, reserved=bool(rules and rules.reserve_bp), at=at)
    cleared = clear(arrays, rules, seed=SEED, iterations=settings.AUCTION_ITERATIONS)
    fills = _fills(frozen.book, wanted, cleared.outcome)
    batch = MatchBatch.objects.create(
        at=at,
        rules=rules,
        engine=RULE,
        input_sha256=cleared.input_sha256,
        orders=len(frozen.bids),
        matched=len({fill.order_id for fill in fills}),
        seed=SEED,
        iterations=settings.AUCTION_ITERATIONS,
        welfare_micro=cleared.outcome.welfare,
        bound_micro=cleared.outcome.bound,
    )
    MatchInput.objects.create(batch=batch, instance=packed(cleared.arrays), outcome=packed(answer(cleared.outcome)))
    missed = auction_misses.told(frozen.book, wanted, cleared.outcome, fills, _withdrawn(wanted, cleared))
    _write(batch, frozen, frozen.book, fills, missed)
    return batch


def clear(arrays: Arrays, published: AuctionRules | None, *, seed: int, iterations: int) -> Cleared:
    """Ask the engine; the same arrays, rules, seed and iterations always give the same answer.

    It is asked again without the orders that want all or none and would get only some of it.
    """
    fairness = {name: getattr(published, name) for name in ("reserve_bp", "ageing_bp") if published}
    rules = Rules(seed=seed, iterations=iterations, warm=arrays.get("price"), **fairness)
    given, withdrawn = whole_orders.restored(arrays), dict[int, int]()
    for clearing_number in count(1):
        instance = instance_of(given)
        outcome = clearing.clear(instance, rules)
        short = whole_orders.lacking(given, outcome.offer)
        if not short:
            break
        losers = whole_orders.losers(given, short, clearing=clearing_number)
        withdrawn |= {mark: short[mark] for mark in losers if mark in short}
        given = whole_orders.withdrawn(given, losers)
    return Cleared(instance.sha256(*rules.declared()), outcome, given, withdrawn)


def answer(outcome: Outcome) -> dict[str, Array]:
    """Return what the engine decided, by request: the offer or -1, and its first hour; and the prices that it found."""
    return {"offer": outcome.offer, "start": outcome.start, "price": outcome.prices}


def packed(arrays: Arrays) -> bytes:
    """Return arrays as a file of the engine, in NumPy's npz format."""
    file = io.BytesIO()
    np.savez_compressed(file, allow_pickle=False, **arrays)
    return file.getvalue()


def _write(batch: MatchBatch, frozen: Frozen, book: Book, fills: Sequence[Fill], missed: Sequence[Unmatched]) -> None:
    asks = {ask.offering_id: ask for ask in book.asks}
    split = {bid.order_id for bid in frozen.bids if bid.split is not None}
    parts = shares.joined([fill for fill in fills if fill.order_id in split], asks)
    matched = [fill for fill in fills if fill.order_id not in split] + parts
    pay, open_still = _payment(frozen, batch.rules), [one.order_id for one in missed]
    decisions.keep(batch, frozen, book, matched, pay=pay, open_still=open_still)
    decisions.explain(book, missed)


def _payment(frozen: Frozen, rules: AuctionRules | None) -> decisions.Pay:
    """Return what a fill costs by the rules: the asks, and for cash a share of what the limit leaves above them."""
    k_bp = rules.k_bp if rules else 0
    bids = {bid.order_id: bid for bid in frozen.bids}

    def pay(fill: Fill, asks: tuple[int, ...]) -> tuple[int, ...]:
        bid = bids[fill.order_id]
        limit = bid.limit_micro if bid.counts is None else bid.limit_micro // fill.count
        by_voucher = frozen.orders[fill.order_id].by_voucher
        return pricing.contract_prices_micro(asks, limit_micro=limit, k_bp=k_bp, voucher=by_voucher)

    return pay if k_bp else decisions.asked


def _withdrawn(wanted: Sequence[Bid], cleared: Cleared) -> dict[UUID, int]:
    """Return the orders that were withdrawn, with the card-hours that did not add up to them."""
    if not cleared.withdrawn:
        return {}
    marks = zip(wanted, cleared.arrays["req_whole"].tolist(), strict=True)
    return {bid.order_id: cleared.withdrawn[mark] for bid, mark in marks if mark in cleared.withdrawn}


def _fills(book: Book, wanted: Sequence[Bid], outcome: Outcome) -> list[Fill]:
    rows = zip(wanted, outcome.offer.tolist(), outcome.start.tolist(), strict=True)
    return [_fill(book, bid, offer, start) for bid, offer, start in rows if offer >= 0]


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
