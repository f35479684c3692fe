"""Guess prices from a sketch of the market, so that learning does not have to begin at nothing.

Offers of one class and region are nearly substitutes: what their cards cost, ask and price together, is about the same.
So a market of such groups, and of some of the requests, is cleared roughly first. It decides nothing: any prices to
begin with give a valid bound.
"""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from market.matching.auction.instance import Instance, Int64s

REQUESTS = 10_000
CROWD = 16
MOST_CARDS = 2**31 - 1
OF_REQUESTS = (
    "count", "hours", "start_min", "start_max", "value", "attr_min", "home", "ring_max", "sequence", "voucher", "small",
    "age", "row",
)  # fmt: skip
Groups = npt.NDArray[np.intp]


def groups(instance: Instance) -> Groups:
    """Return the group of each offer: its class and region, numbered without gaps."""
    pair = instance.offer_class.astype(np.int64) * len(instance.ring) + instance.offer_region
    group: Groups = np.unique(pair, return_inverse=True)[1]
    return group


def worthwhile(group: Groups) -> bool:
    """Return whether groups hold enough offers for a sketch to be much smaller than the market."""
    return len(group) > 0 and len(group) >= CROWD * (int(group.max()) + 1)


def draw(instance: Instance, group: Groups, seed: int) -> Instance:
    """Return the sketch: groups as offers, a share of the requests, and as large a share of the capacity."""
    some = np.sort(np.random.default_rng(seed).permutation(instance.requests)[:REQUESTS])
    first = np.unique(group, return_index=True)[1]
    cap = np.zeros((len(first), instance.horizon), dtype=np.int64)
    np.add.at(cap, group, instance.cap)
    attr = np.full((len(first), instance.offer_attr.shape[1]), np.iinfo(np.int32).min, dtype=np.int32)
    np.maximum.at(attr, group, instance.offer_attr)
    requests = {name: np.ascontiguousarray(getattr(instance, name)[some]) for name in OF_REQUESTS}
    return replace(
        instance,
        offer_class=instance.offer_class[first],
        offer_region=instance.offer_region[first],
        ask=_average_ask(instance, group),
        offer_attr=attr,
        cap=np.minimum(-(-cap * len(some) // max(instance.requests, 1)), MOST_CARDS).astype(np.int32),
        **requests,
    )


def _average_ask(instance: Instance, group: Groups) -> Int64s:
    """Return the average ask by group and hour, rounded down offer by offer so that no sum overflows."""
    number = np.bincount(group)
    ask = np.zeros((len(number), instance.horizon), dtype=np.int64)
    np.add.at(ask, group, instance.ask // number[group][:, None])
    return ask


def spread(instance: Instance, group: Groups, sketch: Instance, prices: Int64s) -> Int64s:
    """Return prices by offer and hour: what a card costs in the group, as far as that is above the ask."""
    above: Int64s = np.maximum((prices[:, 0] + sketch.ask)[group] - instance.ask, 0)
    return above[:, None]
