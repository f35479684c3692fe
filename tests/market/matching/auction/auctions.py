"""Small auctions in the words of a test, and the best allocation by trying all."""

from itertools import product

import numpy as np
from hypothesis import strategies as st

HOURS = 6


def offer(free, ask=100, *, kind=0, region=0, attr=5):
    return {"free": free, "ask": ask, "kind": kind, "region": region, "attr": attr}


def request(value, count=(1,), hours=1, window=(0, HOURS), *, seq=None, attr=0, home=0, ring=9, **extra):
    return {
        "value": value, "count": count, "hours": hours, "window": window, "seq": seq, "attr": attr, "home": home,
        "ring": ring, **extra,
    }  # fmt: skip


def auction(offers, requests, *, classes=1, hours=HOURS):
    """Return the arrays of an auction with one attribute and two regions, one ring apart."""
    cards = [one["free"] if isinstance(one["free"], list) else [one["free"]] * hours for one in offers]
    counts = [(*one["count"], *[0] * classes)[:classes] for one in requests]
    column = {name: [one[name] for one in requests] for name in ("value", "hours", "attr", "home", "ring")}
    arrays = {
        "offer_class": np.array([one["kind"] for one in offers], dtype=np.int32),
        "offer_region": np.array([one["region"] for one in offers], dtype=np.int32),
        "offer_ask": np.array([one["ask"] for one in offers], dtype=np.int64),
        "offer_attr": np.array([one["attr"] for one in offers], dtype=np.int32).reshape(len(offers), 1),
        "cap": np.array(cards, dtype=np.int32).reshape(len(offers), hours),
        "ring": np.array([[0, 1], [1, 0]], dtype=np.int32),
        "req_count": np.array(counts, dtype=np.int32).reshape(len(requests), classes),
        "req_hours": np.array(column["hours"], dtype=np.int32),
        "req_start_min": np.array([one["window"][0] for one in requests], dtype=np.int32),
        "req_start_max": np.array([one["window"][1] for one in requests], dtype=np.int32),
        "req_value": np.array(column["value"], dtype=np.int64),
        "req_attr_min": np.array(column["attr"], dtype=np.int32).reshape(len(requests), 1),
        "req_home": np.array(column["home"], dtype=np.int32),
        "req_ring_max": np.array(column["ring"], dtype=np.int32),
        "req_seq": np.array(
            [place if one["seq"] is None else one["seq"] for place, one in enumerate(requests)], dtype=np.int64
        ),
    }
    for name in ("voucher", "small", "age"):
        if any(name in one for one in requests):
            arrays[f"req_{name}"] = np.array([int(one.get(name, 0)) for one in requests], dtype=np.int64)
    return arrays


def shuffled(arrays, order):
    """Return the same auction with its requests in another order."""
    return {name: array[order] if name.startswith("req_") else array for name, array in arrays.items()}


def best_welfare(arrays):
    """Return the welfare of the best allocation, by trying every combination of places."""
    choices = [[None, *_places(arrays, number)] for number in range(len(arrays["req_seq"]))]
    return max(_welfare(arrays, combination) for combination in product(*choices))


def _places(arrays, number):
    hours, horizon = arrays["req_hours"][number], arrays["cap"].shape[1]
    last = min(arrays["req_start_max"][number], horizon - hours)
    for row, start in product(range(len(arrays["cap"])), range(arrays["req_start_min"][number], last + 1)):
        count = int(arrays["req_count"][number, arrays["offer_class"][row]])
        near = arrays["ring"][arrays["req_home"][number], arrays["offer_region"][row]] <= arrays["req_ring_max"][number]
        suits = (arrays["offer_attr"][row] >= arrays["req_attr_min"][number]).all()
        ask = np.broadcast_to(arrays["offer_ask"].reshape(len(arrays["cap"]), -1), arrays["cap"].shape)
        surplus = int(arrays["req_value"][number] * hours - count * ask[row, start : start + hours].sum())
        if count and near and suits and surplus >= 0:
            yield row, start, count, int(hours), surplus


def _welfare(arrays, combination):
    free = arrays["cap"].astype(np.int64)
    for row, start, count, hours, _ in filter(None, combination):
        free[row, start : start + hours] -= count
    return -1 if free.size and free.min() < 0 else sum(place[-1] for place in combination if place)


@st.composite
def auctions(draw, most_requests=4):
    """Draw an auction of up to two offers and a few requests, in two classes, with asks by hour or not."""
    offers = [
        offer(
            draw(st.lists(st.integers(0, 4), min_size=HOURS, max_size=HOURS)),
            draw(st.integers(0, 5)),
            kind=draw(st.integers(0, 1)), region=draw(st.integers(0, 1)), attr=draw(st.integers(0, 2)),
        )
        for _ in range(draw(st.integers(0, 2)))
    ]  # fmt: skip
    requests = [draw(_requests()) for _ in range(draw(st.integers(0, most_requests)))]
    arrays = auction(offers, requests, classes=2)
    if offers and draw(st.booleans()):
        hourly = draw(st.lists(st.integers(0, 5), min_size=HOURS, max_size=HOURS))
        arrays["offer_ask"] = np.array([hourly] * len(offers), dtype=np.int64)
    return arrays


@st.composite
def _requests(draw):
    start = draw(st.integers(0, HOURS))
    return request(
        draw(st.integers(0, 20)), (draw(st.integers(0, 3)), draw(st.integers(0, 3))), draw(st.integers(1, HOURS + 1)),
        (start, start + draw(st.integers(0, 3))),
        attr=draw(st.integers(0, 2)), home=draw(st.integers(0, 1)), ring=draw(st.integers(0, 1)),
        small=draw(st.booleans()), voucher=draw(st.booleans()), age=draw(st.integers(0, 3)),
    )  # fmt: skip
