"""Judge an allocation without the code that made it: plain NumPy over the arrays of the file."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def welfare_micro(arrays: Mapping[str, Array], offer: Array, start: Array) -> int:
    """Return the welfare of an allocation in micro-yuan."""
    return sum(int(surplus) for surplus in _surpluses(arrays, np.flatnonzero(offer >= 0), offer, start))


def faults(arrays: Mapping[str, Array], offer: Array, start: Array) -> list[str]:
    """Return everything that is wrong with an allocation: nothing for an honest one."""
    matched = np.flatnonzero(offer >= 0)
    return [*_misplaced(arrays, matched, offer, start), *_overbooked(arrays, matched, offer, start)]


def _counts(arrays: Mapping[str, Array], matched: Array, offer: Array) -> Array:
    counts: Array = arrays["req_count"][matched, arrays["offer_class"][offer[matched]]]
    return counts


def _surpluses(arrays: Mapping[str, Array], matched: Array, offer: Array, start: Array) -> Iterator[int]:
    ask = arrays["offer_ask"]
    counts = _counts(arrays, matched, offer)
    for request, count in zip(matched, counts, strict=True):
        hours, begin = int(arrays["req_hours"][request]), int(start[request])
        row = ask[offer[request]]
        per_card = int(row) * hours if ask.ndim == 1 else int(row[begin : begin + hours].sum())
        yield int(arrays["req_value"][request]) * hours - int(count) * per_card


def _misplaced(arrays: Mapping[str, Array], matched: Array, offer: Array, start: Array) -> Iterator[str]:
    place, begin = offer[matched], start[matched]
    end = begin + arrays["req_hours"][matched]
    rings = arrays["ring"][arrays["req_home"][matched], arrays["offer_region"][place]]
    kept = {
        "class": _counts(arrays, matched, offer) > 0,
        "attributes": (arrays["offer_attr"][place] >= arrays["req_attr_min"][matched]).all(axis=1),
        "ring": rings <= arrays["req_ring_max"][matched],
        "window": (begin >= arrays["req_start_min"][matched]) & (begin <= arrays["req_start_max"][matched]),
        "horizon": (begin >= 0) & (end <= arrays["cap"].shape[1]),
        "value": np.array([surplus >= 0 for surplus in _surpluses(arrays, matched, offer, start)], dtype=np.bool_),
    }
    for term, honoured in kept.items():
        for request in matched[~honoured]:
            yield f"request {request} does not get its {term}"


def _overbooked(arrays: Mapping[str, Array], matched: Array, offer: Array, start: Array) -> Iterator[str]:
    used = np.zeros((arrays["cap"].shape[0], arrays["cap"].shape[1] + 1), dtype=np.int64)
    counts = _counts(arrays, matched, offer).astype(np.int64)
    np.add.at(used, (offer[matched], start[matched]), counts)
    np.subtract.at(used, (offer[matched], start[matched] + arrays["req_hours"][matched]), counts)
    taken = np.cumsum(used[:, :-1], axis=1)
    for row, hour in np.argwhere(taken > arrays["cap"]):
        yield f"offer {row} gives {taken[row, hour]} cards in hour {hour} but has {arrays['cap'][row, hour]}"
