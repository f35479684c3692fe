"""Make synthetic call auctions: seeded, any size, more than ten kinds of constraint.

    python -m benchmarks.matching_instances OUT.npz [--requests 1000] [--offers 100] [--hours 336] [--load 1] [--seed 1]

Fourteen card models, seven of them domestic; sixteen cities in rings of latency; pools of 8 to 128 cards on an hourly
calendar with partial availability and maintenance gaps; one request in five asks for TFLOPS, so that its number of
cards depends on the model. Capacity is scaled so that the card-hours wanted by requests that somebody could serve are
``load`` times those on offer.
"""

import argparse
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.int64]
Instance = dict[str, npt.NDArray[np.generic]]

# FP64, FP32, FP16 and INT8 in TFLOPS, memory GB, bandwidth GB/s, interconnect GB/s, domestic, yuan per card-hour
MODELS = np.array([
    [67, 67, 990, 1979, 80, 3350, 900, 0, 16.0],  # H100
    [67, 67, 990, 1979, 141, 4800, 900, 0, 20.0],  # H200
    [67, 67, 990, 1979, 80, 3350, 400, 0, 14.0],  # H800
    [1, 44, 148, 296, 96, 4000, 900, 0, 7.5],  # H20
    [10, 20, 312, 624, 80, 2039, 600, 0, 7.0],  # A100
    [1, 91, 362, 733, 48, 864, 64, 0, 5.0],  # L40S
    [1, 83, 330, 661, 24, 1008, 32, 0, 2.2],  # 4090
    [10, 85, 320, 640, 64, 1600, 392, 1, 6.0],  # 910B
    [20, 170, 780, 1560, 128, 3200, 784, 1, 12.0],  # 910C
    [13, 27, 200, 400, 64, 1600, 184, 1, 4.5],  # K100
    [1, 32, 256, 512, 64, 1200, 256, 1, 4.0],  # BI-V150
    [1, 40, 280, 560, 48, 819, 160, 1, 3.6],  # MLU590
    [1, 25, 200, 400, 48, 768, 240, 1, 3.0],  # S4000
    [1, 37, 300, 600, 64, 1230, 200, 1, 4.2],  # C500
])  # fmt: skip
PRICE, DOMESTIC = 8, 7
CITIES = 16
COUNTS = np.array([1, 2, 4, 8, 16, 32, 64])
COUNT_SHARES = np.array([0.08, 0.08, 0.12, 0.22, 0.22, 0.16, 0.12])
POOLS = np.array([8, 16, 32, 64, 128])
SAMPLE = 1_000
ANY = -(2**31) + 1
# The attributes of an offer, in this order; a request names the least that it accepts of each.
ATTRIBUTES = (
    "fp64", "fp32", "fp16", "int8", "memory", "bandwidth", "interconnect", "domestic",
    "green_percent", "minus_pue_percent", "voucher", "reputation", "verified",
)  # fmt: skip


class Size(NamedTuple):
    """How large an instance is, how contested, and which one it is."""

    requests: int = 1_000
    offers: int = 100
    hours: int = 336
    load: float = 1.0
    seed: int = 1


def generate(size: Size) -> Instance:
    """Return the arrays of an instance."""
    random = np.random.default_rng([size.seed, size.requests, size.offers, size.hours])
    offers = _offers(random, size)
    requests, rings = _requests(random, size), _rings(random)
    servable = _servable(offers, requests, rings)
    wanted = servable * int((requests.pop("cards") * requests["req_hours"]).sum())
    free = offers["cap"]
    scaled = free * (wanted / max(size.load * free.sum(), 1))
    offers["cap"] = np.where(free > 0, np.maximum(np.rint(scaled), 1), 0).astype(np.int32)
    return {**offers, "ring": rings, **requests}


def _servable(offers: Instance, requests: Instance, rings: npt.NDArray[np.int32]) -> float:
    """Return the share of the requests that some offer suits at a price within the limit, judged by a sample."""
    some = slice(0, SAMPLE)
    count = requests["req_count"][some][:, offers["offer_class"]]
    suits = (count > 0) & (count * offers["offer_ask"] <= requests["req_value"][some, None])
    suits &= rings[requests["req_home"][some]][:, offers["offer_region"]] <= requests["req_ring_max"][some, None]
    for column in range(len(ATTRIBUTES)):
        suits &= offers["offer_attr"][:, column] >= requests["req_attr_min"][some, column, None]
    return float(suits.any(axis=1).mean()) if suits.size else 1.0


def _rings(random: np.random.Generator) -> npt.NDArray[np.int32]:
    """Return rings of latency between cities: 0 at home, growing with the distance on a map."""
    places = random.random((CITIES, 2))
    distance = np.sqrt(((places[:, None] - places[None]) ** 2).sum(axis=2))
    return np.digitize(distance, [1e-9, 0.25, 0.5, 0.8]).astype(np.int32)


def _offers(random: np.random.Generator, size: Size) -> Instance:
    model = random.integers(0, len(MODELS), size.offers)
    own = np.stack(
        [
            random.integers(20, 101, size.offers),
            -random.integers(110, 160, size.offers),
            random.random(size.offers) < 0.7,
            random.integers(30, 101, size.offers),
            random.random(size.offers) < 0.8,
        ],
        axis=1,
    )
    ask = MODELS[model, PRICE] * np.exp(random.normal(0, 0.15, size.offers)) * 1_000_000
    return {
        "offer_class": model.astype(np.int32),
        "offer_region": random.integers(0, CITIES, size.offers).astype(np.int32),
        "offer_ask": np.rint(ask / 10_000).astype(np.int64) * 10_000,
        "offer_attr": np.concatenate([MODELS[model, :PRICE], own], axis=1).astype(np.int32),
        "cap": _calendars(random, size),
    }


def _calendars(random: np.random.Generator, size: Size) -> npt.NDArray[np.int64]:
    """Return free cards by offer and hour: a share of the pool that changes daily, less by day, with gaps."""
    pool = POOLS[random.integers(0, len(POOLS), size.offers)]
    hour = np.arange(size.hours)
    daily = random.uniform(0.4, 1.0, (size.offers, size.hours // 24 + 1))[:, hour // 24]
    busy = np.where((hour % 24 >= 9) & (hour % 24 < 18), random.uniform(0.6, 1.0, (size.offers, 1)), 1.0)
    free = np.rint(pool[:, None] * daily * busy).astype(np.int64)
    for row in np.flatnonzero(random.random(size.offers) < 0.6):
        begin = random.integers(0, size.hours)
        free[row, begin : begin + random.integers(2, 24)] = 0
    opens = np.where(random.random(size.offers) < 0.2, random.integers(0, max(size.hours // 3, 1), size.offers), 0)
    free[hour[None, :] < opens[:, None]] = 0
    return free


def _requests(random: np.random.Generator, size: Size) -> dict[str, npt.NDArray[np.generic]]:
    count, cards, fair = _wanted_cards(random, size.requests)
    hours = np.clip(np.rint(np.exp(random.normal(np.log(30), 0.9, size.requests))), 1, min(168, size.hours))
    hours = hours.astype(np.int32)
    start_min = np.rint(random.random(size.requests) * (size.hours - hours)).astype(np.int32)
    kind = random.random(size.requests)
    slack = np.where(kind < 0.35, 0, random.integers(1, np.where(kind < 0.7, 25, 169)))
    limit = fair * np.exp(random.normal(0.25, 0.35, size.requests)) * 1_000_000
    return {
        "req_count": count.astype(np.int32),
        "req_hours": hours,
        "req_start_min": start_min,
        "req_start_max": (start_min + slack).astype(np.int32),
        "req_value": np.rint(limit).astype(np.int64),
        "req_attr_min": _least(random, size.requests),
        "req_home": random.integers(0, CITIES, size.requests).astype(np.int32),
        "req_ring_max": random.choice([1, 2, 3, 4], size.requests, p=[0.15, 0.25, 0.3, 0.3]).astype(np.int32),
        "req_seq": random.permutation(size.requests).astype(np.int64),
        "cards": cards,
    }


def _wanted_cards(random: np.random.Generator, number: int) -> tuple[Array, Array, npt.NDArray[np.float64]]:
    """Return cards by model, a typical number of cards, and a fair price per hour of the whole request in yuan."""
    typical = random.choice(COUNTS, number, p=COUNT_SHARES)
    favourite = random.integers(0, len(MODELS), number)
    accepted = random.random((number, len(MODELS))) < random.choice([0.0, 0.1, 0.3], number)[:, None]
    accepted[np.arange(number), favourite] = True
    count = np.where(accepted, typical[:, None], 0)
    by_speed = random.random(number) < 0.2
    precision = random.integers(0, 4, number)
    tflops = typical * MODELS[favourite, precision]
    needed = np.ceil(tflops[:, None] / MODELS[:, precision].T).astype(np.int64)
    count = np.where(by_speed[:, None], np.where(needed <= 64, needed, 0), count)
    count[np.arange(number), favourite] = typical
    return count, typical, typical * MODELS[favourite, PRICE]


def _least(random: np.random.Generator, number: int) -> npt.NDArray[np.int32]:
    """Return what each request demands of each attribute; most demand little."""
    choices = {
        "memory": [0, 24, 48, 64], "bandwidth": [0, 700, 1200], "interconnect": [0, 60, 200], "domestic": [0, 1],
        "green_percent": [0, 30, 50], "minus_pue_percent": [-200, -150, -130], "voucher": [0, 1],
        "reputation": [0, 40, 60], "verified": [0, 1],
    }  # fmt: skip
    least = np.full((number, len(ATTRIBUTES)), ANY, dtype=np.int32)
    for column, name in enumerate(ATTRIBUTES):
        levels = choices.get(name, [0])
        shares = np.array([0.75, *[0.25 / max(len(levels) - 1, 1)] * (len(levels) - 1)])
        least[:, column] = random.choice(levels, number, p=shares / shares.sum())
    return least


def main() -> None:
    """Write one instance to a file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path)
    for name, default in Size()._asdict().items():
        parser.add_argument(f"--{name}", type=type(default), default=default)
    options = vars(parser.parse_args())
    out = options.pop("out")
    with out.open("wb") as file:
        np.savez_compressed(file, **generate(Size(**options)))


if __name__ == "__main__":
    main()
