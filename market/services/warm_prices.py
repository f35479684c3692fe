"""Carry the prices of the last auction over to the next, so that it need not find them anew."""

import io
from datetime import datetime, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt

from core.periods import HOUR
from market.matching import Book
from market.models import MatchInput
from market.services.auction_arrays import RULE
from market.services.orders import hour_from

Array = npt.NDArray[Any]
FRESH_FOR = timedelta(days=1)


def carried(offers: Array, book: Book, *, reserved: bool, at: datetime) -> dict[str, Array]:
    """Return the prices of the last auction for these offers and hours, as ``price``; nothing if it is too long ago.

    New offers and hours begin at nothing above the ask. The prices belong to the kept input of the auction that uses
    them, so that it replays to the same answer.
    """
    recent = MatchInput.objects.filter(batch__engine=RULE, batch__at__gte=at - FRESH_FOR, batch__at__lte=at)
    last = recent.select_related("batch").order_by("-batch__at", "-pk").first()
    if last is None:
        return {}
    before, known = _array(last.outcome, "price"), _array(last.instance, "offer_id")
    passed = (book.hour0 - hour_from(last.batch.at)) // HOUR
    halves = before.reshape(-1, len(known), *before.shape[1:])
    price = np.stack([_moved(half, known, offers, passed, book.hours) for half in halves])
    if len(halves) == 1 + reserved:
        return {"price": price.reshape(-1, *price.shape[2:])}
    return {"price": np.concatenate([price[0]] * (1 + reserved))}


def _array(file: bytes | memoryview, name: str) -> Array:
    with np.load(io.BytesIO(bytes(file)), allow_pickle=False) as arrays:
        array: Array = arrays[name]
    return array


def _moved(before: Array, known: Array, offers: Array, passed: int, hours: int) -> Array:
    """Return prices by offer and hour, looked up by the keys of the offers, ``passed`` hours later."""
    row = {str(offer): number for number, offer in enumerate(known)}
    price = np.zeros((len(offers), *before.shape[1:-1], hours), dtype=np.int64)
    kept = before[..., passed : passed + hours]
    for number, offer in enumerate(offers):
        if str(offer) in row:
            price[number, ..., : kept.shape[-1]] = kept[row[str(offer)]]
    return price
