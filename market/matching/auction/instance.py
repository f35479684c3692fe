"""The frozen input of a call auction, as arrays: offers by hour, requests in the order of their sequence numbers."""

import hashlib
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
import numpy.typing as npt

Int32s = npt.NDArray[np.int32]
Int64s = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]
# An integer in compiled code: Python's or NumPy's outside, 64 bits inside.
Whole = Any

# Sums of money stay below this, so that adding or subtracting two of them cannot overflow 64 bits.
MOST_MICRO = 2**61


class BadInput(ValueError):
    """An input that the auction refuses; the sentence is for the person who made it."""


@dataclass(frozen=True, slots=True, eq=False)
class Instance:
    """Offers and requests of one auction.

    ``ask[offer, hour]`` is in micro-yuan per card-hour, ``value[request]`` in micro-yuan per hour for all its cards,
    ``count[request, class]`` the cards that it needs of a class, 0 where it does not accept the class.
    Requests are sorted by ``sequence``; ``row[request]`` is the place that each had in what was read.
    """

    offer_class: Int32s
    offer_region: Int32s
    ask: Int64s
    offer_attr: Int32s
    cap: Int32s
    ring: Int32s
    count: Int32s
    hours: Int32s
    start_min: Int32s
    start_max: Int32s
    value: Int64s
    attr_min: Int32s
    home: Int32s
    ring_max: Int32s
    sequence: Int64s
    voucher: Bools
    small: Bools
    age: Int64s
    row: Int64s

    @property
    def offers(self) -> int:
        return int(self.cap.shape[0])

    @property
    def horizon(self) -> int:
        return int(self.cap.shape[1])

    @property
    def requests(self) -> int:
        return len(self.hours)

    @property
    def latest(self) -> Int32s:
        """Return the last hour at which each request may start and still end within the horizon."""
        return np.minimum(self.start_max, self.horizon - self.hours).astype(np.int32)

    def sha256(self, *extra: str) -> str:
        """Return a digest of the content in canonical order, and of whatever else decides the outcome."""
        digest = hashlib.sha256("\n".join(extra).encode())
        for field in fields(self):
            if field.name == "row":
                continue
            array = getattr(self, field.name)
            digest.update(f"{field.name} {array.dtype.str} {array.shape}".encode())
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()
