"""Name the input of a run by its content, so that a batch record proves what was matched."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import astuple

from market.matching.book import Ask, Bid, Book, Key, in_sequence

RULE = "price-walk/3"


def input_sha256(book: Book, bids: Iterable[Bid]) -> str:
    """Return the SHA-256 of the rule's name, the book and the bids in canonical order, in hexadecimal."""
    rows = sorted(range(len(book.asks)), key=lambda row: book.asks[row].offering_id)
    head = [RULE, int(book.hour0.timestamp()), book.hours, book.offered is not None, book.rings]
    lines = [head, *(_ask(book.asks[row]) for row in rows), *(_bid(bid) for bid in in_sequence(bids))]
    digest = hashlib.sha256("\n".join(json.dumps(line, separators=(",", ":")) for line in lines).encode())
    digest.update(book.capacity[rows].astype("<i4").tobytes())
    if book.offered is not None:
        digest.update(book.offered[rows].astype("<i4").tobytes())
    return digest.hexdigest()


def _ask(ask: Ask) -> list[object]:
    keys = [str(ask.offering_id), str(ask.accelerator), str(ask.provider), str(ask.category)]
    site = ["site", str(ask.site)] if ask.site else []
    return [*keys, ask.price_micro, ask.levels, ask.region, *_lot(ask), *site]


def _lot(ask: Ask) -> list[object]:
    """Return what limits the orders of an offering; nothing for one that sells everything to everyone."""
    lot = ask.counts, ask.most_hours, ask.consent
    return [] if lot == (None, None, None) else [str(part) for part in lot]


def _bid(bid: Bid) -> list[object]:
    numbers = [bid.sequence, bid.count, bid.hours, bid.start_min, bid.start_max, bid.limit_micro]
    sets = [_keys(bid.accelerators), _keys(bid.providers), _keys(bid.categories), _keys(bid.refused)]
    counts = None if bid.counts is None else sorted((str(model), cards) for model, cards in bid.counts.items())
    agreed = [_keys(bid.agreed)] if bid.agreed else []
    sites = [] if bid.sites is None else ["sites", _keys(bid.sites)]
    split = [] if bid.split is None else ["split", *astuple(bid.split)]
    return [str(bid.order_id), *numbers, *sets, counts, bid.least, bid.home, bid.ring_max, *agreed, *split, *sites]


def _keys(keys: frozenset[Key] | None) -> list[str] | None:
    return None if keys is None else sorted(map(str, keys))
