"""Read an instance from a file and refuse, in one sentence, whatever is wrong with it."""

import zipfile
from collections.abc import Mapping
from operator import mul
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from market.matching.auction.instance import MOST_MICRO, BadInput, Bools, Instance, Int32s, Int64s

MOST_HOURS = 100_000
HALF = 32
Arrays = Mapping[str, npt.NDArray[Any]]
INT32 = np.iinfo(np.int32)

SHAPES = {
    "offer_class": "o",
    "offer_region": "o",
    "offer_attr": "oa",
    "cap": "oh",
    "ring": "gg",
    "req_count": "rc",
    "req_hours": "r",
    "req_start_min": "r",
    "req_start_max": "r",
    "req_value": "r",
    "req_attr_min": "ra",
    "req_home": "r",
    "req_ring_max": "r",
    "req_seq": "r",
}
OPTIONAL = ("req_voucher", "req_small", "req_age")
WIDE = ("req_value", "req_seq", "req_age", "offer_ask")


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Return the arrays of a file in NumPy's npz format, never unpickling anything.

    :raises BadInput: if it cannot be read.
    """
    try:
        with path.open("rb") as stream, np.lib.npyio.NpzFile(stream, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else "it is not a readable npz file"
        raise BadInput(f"cannot read {path}: {reason}") from error


def read(path: Path) -> Instance:
    """Return the instance of a file.

    :raises BadInput: if it cannot be read or makes no sense.
    """
    return instance_of(read_arrays(path))


def instance_of(arrays: Arrays) -> Instance:
    """Return arrays as an instance, requests in the order of their sequence numbers.

    :raises BadInput: if an array is missing, has a wrong type or shape, or holds what makes no sense.
    """
    size = _sizes(arrays)
    given = {name: _checked(arrays, name, tuple(size[axis] for axis in axes)) for name, axes in SHAPES.items()}
    extra = {name: _optional(arrays, name, size["r"]) for name in OPTIONAL}
    row = np.argsort(given["req_seq"], kind="stable")
    instance = Instance(
        offer_class=_int32s(given["offer_class"]),
        offer_region=_int32s(given["offer_region"]),
        ask=_asks(arrays, size["o"], size["h"]),
        offer_attr=_int32s(given["offer_attr"]),
        cap=_int32s(given["cap"]),
        ring=_int32s(given["ring"]),
        count=_int32s(given["req_count"][row]),
        hours=_int32s(given["req_hours"][row]),
        start_min=_int32s(given["req_start_min"][row]),
        start_max=_int32s(given["req_start_max"][row]),
        value=given["req_value"][row].astype(np.int64),
        attr_min=_int32s(given["req_attr_min"][row]),
        home=_int32s(given["req_home"][row]),
        ring_max=_int32s(given["req_ring_max"][row]),
        sequence=given["req_seq"][row].astype(np.int64),
        voucher=extra["req_voucher"][row] > 0,
        small=extra["req_small"][row] > 0,
        age=extra["req_age"][row].astype(np.int64),
        row=row.astype(np.int64),
    )
    _check_meaning(instance)
    _check_money(instance)
    return instance


def _sizes(arrays: Arrays) -> dict[str, int]:
    """Return the length of each axis, as the arrays that introduce it have it."""
    sizes: dict[str, int] = {}
    for name in ("cap", "offer_attr", "ring", "req_count"):
        if name not in arrays:
            raise BadInput(f"the array {name} is missing")
        if arrays[name].ndim != 2:
            raise BadInput(f"{name} has {arrays[name].ndim} axes: 2 were expected")
        for axis, length in zip(SHAPES[name], arrays[name].shape, strict=True):
            sizes.setdefault(axis, length)
    if sizes["h"] < 1 or sizes["h"] > MOST_HOURS:
        raise BadInput(f"cap covers {sizes['h']} hours: 1 to {MOST_HOURS} were expected")
    return sizes


def _checked(arrays: Arrays, name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    if name not in arrays:
        raise BadInput(f"the array {name} is missing")
    array = arrays[name]
    if array.dtype.kind not in "iub":
        raise BadInput(f"{name} holds {array.dtype}: integers were expected")
    if array.shape != shape:
        raise BadInput(f"{name} has the shape {array.shape}: {shape} was expected")
    limit = MOST_MICRO if name in WIDE else INT32.max
    if array.size and (int(array.max()) > limit or int(array.min()) < -limit - 1):
        raise BadInput(f"{name} holds a number that is too large: the most is {limit}")
    return array


def _optional(arrays: Arrays, name: str, requests: int) -> npt.NDArray[Any]:
    if name not in arrays:
        return np.zeros(requests, dtype=np.int64)
    array = _checked(arrays, name, (requests,))
    _refuse(array < 0, name, "is negative")
    return array


def _asks(arrays: Arrays, offers: int, hours: int) -> Int64s:
    """Return asks by offer and hour; given by offer, they are kept once and only look so."""
    if "offer_ask" not in arrays:
        raise BadInput("the array offer_ask is missing")
    hourly = arrays["offer_ask"].ndim == 2
    ask = _checked(arrays, "offer_ask", (offers, hours) if hourly else (offers,)).astype(np.int64)
    return np.ascontiguousarray(ask) if hourly else np.broadcast_to(ask[:, None], (offers, hours))


def _int32s(array: npt.NDArray[Any]) -> Int32s:
    return np.ascontiguousarray(array, dtype=np.int32)


def _refuse(bad: Bools, name: str, why: str, row: Int64s | None = None) -> None:
    """Refuse what is bad; ``row`` says where the requests stood in the file."""
    if bad.any():
        first, *rest = np.argwhere(bad)[0].tolist()
        place = ", ".join(str(index) for index in (first if row is None else int(row[first]), *rest))
        raise BadInput(f"{name}[{place}] {why}")


def _check_meaning(instance: Instance) -> None:
    regions, classes = len(instance.ring), instance.count.shape[1]
    _refuse(_outside(instance.offer_class, classes), "offer_class", f"is no class: there are {classes}")
    _refuse(_outside(instance.offer_region, regions), "offer_region", f"is no region: there are {regions}")
    for name, array in (("offer_ask", instance.ask), ("cap", instance.cap)):
        _refuse(array < 0, name, "is negative")
    _check_requests(instance, regions)


def _check_requests(instance: Instance, regions: int) -> None:
    row = instance.row
    _refuse(_outside(instance.home, regions), "req_home", f"is no region: there are {regions}", row)
    _refuse(instance.count < 0, "req_count", "is negative", row)
    _refuse(instance.value < 0, "req_value", "is negative", row)
    _refuse(instance.hours < 1, "req_hours", "is less than one hour", row)
    _refuse(instance.start_min < 0, "req_start_min", "is before the first hour", row)
    _refuse(instance.start_max < instance.start_min, "req_start_max", "is before req_start_min", row)
    twice = instance.sequence[1:][instance.sequence[1:] == instance.sequence[:-1]]
    if twice.size:
        raise BadInput(f"req_seq holds {int(twice[0])} more than once")


def _outside(array: Int32s, length: int) -> Bools:
    return (array < 0) | (array >= length)


def _check_money(instance: Instance) -> None:
    """Refuse amounts whose sums could leave 64 bits."""
    total = _worth(instance)
    if total > MOST_MICRO:
        raise BadInput(f"req_value is too large: all hours together are worth {total:.3g}, the most is {MOST_MICRO}")
    cost = _dearest(instance.ask, int(instance.count.max(initial=0)))
    if cost > MOST_MICRO:
        raise BadInput(f"offer_ask is too large: one request could cost {cost:.3g}, the most is {MOST_MICRO}")


def _worth(instance: Instance) -> int:
    """Return what all hours of all requests are worth, or more than that if it is little."""
    most = int(instance.value.max(initial=0)) * int(instance.hours.max(initial=0)) * instance.requests
    return most if most <= MOST_MICRO else sum(map(mul, instance.value.tolist(), instance.hours.tolist()))


def _dearest(ask: Int64s, cards: int) -> int:
    """Return what so many cards cost for all hours at the dearest offer, or more than that if it is little."""
    most = int(ask.max(initial=0)) * ask.shape[1] * cards
    return most if most <= MOST_MICRO else max(_row_sums(ask)) * cards


def _row_sums(amounts: Int64s) -> list[int]:
    """Return the exact sum of each row: the halves of the amounts are added apart, so that nothing overflows."""
    high, low = (amounts >> HALF).sum(axis=1).tolist(), (amounts & ((1 << HALF) - 1)).sum(axis=1).tolist()
    return [(upper << HALF) + lower for upper, lower in zip(high, low, strict=True)]


def read_prices(path: Path) -> Int64s:
    """Return the prices that an earlier batch has written.

    :raises BadInput: if it cannot be read or holds no prices.
    """
    arrays = read_arrays(path)
    price = arrays.get("price")
    if price is None or price.ndim != 3 or price.dtype != np.int64:
        raise BadInput(f"{path} holds no prices: an array price of int64 with three axes was expected")
    _refuse((price < 0) | (price > MOST_MICRO), "price", "is negative or too large")
    return np.ascontiguousarray(price)
