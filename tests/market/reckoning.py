"""Standard card-hours, the price index and reputations once more from the documents alone: slow, not by our modules."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from typing import Any

DAY = timedelta(days=1)
MS = timedelta(milliseconds=1)
OTHERS = ("memory-bandwidth", "memory-capacity", "interconnect")
SCENARIOS: dict[str, tuple[tuple[str, ...], tuple[str, ...], tuple[int, ...]]] = {
    "hpc-fp64": (("fp64",), ("0.60", "0.30", "0", "0.10"), (19_500, 1_935_000, 81_920, 600_000)),
    "train-fp16": (("fp16", "bf16"), ("0.55", "0.20", "0.10", "0.15"), (312_000, 1_935_000, 81_920, 600_000)),
    "finetune-fp32": (("fp32", "tf32"), ("0.60", "0.25", "0.10", "0.05"), (156_000, 1_935_000, 81_920, 600_000)),
    "infer-int8": (("int8", "fp8"), ("0.35", "0.45", "0.20", "0"), (624_000, 1_935_000, 81_920, 600_000)),
}
"""Version 2026-1: precisions, weights and the reference card, as docs/measure.md prints them."""

# Standard card-hours


@dataclass(frozen=True)
class Known:
    """A figure of a card as somebody wrote it down."""

    metric: str
    measured: bool
    sparse: bool
    value: int
    dated_on: date
    expires_on: date | None


def counting(figures: Iterable[Known], metrics: Sequence[str], on: date) -> Known | None:
    """Return the figure that counts on a day: dense, measured before published, the latest, the best precision."""
    good = [one for one in figures if one.metric in metrics and not one.sparse and one.dated_on <= on]
    good = [one for one in good if one.expires_on is None or on < one.expires_on]
    good = [one for one in good if one.measured] or good
    latest = [max((one for one in good if one.metric == metric), key=_newest, default=None) for metric in metrics]
    return max((one for one in latest if one), key=lambda one: one.value, default=None)


def _newest(one: Known) -> tuple[date, int]:
    return one.dated_on, -one.value


def worth(values: Sequence[int], weights: Sequence[str], reference: Sequence[int]) -> Decimal:
    """Return the weighted geometric mean of the ratios, to sixty digits."""
    with localcontext(Context(prec=60)):
        ratios = [Decimal(value) / Decimal(of) for value, of in zip(values, reference, strict=True)]
        logs = [Decimal(weight) * ratio.ln() for weight, ratio in zip(weights, ratios, strict=True)]
        return sum(logs, Decimal(0)).exp()


def measured(figures: Iterable[Known], scenario: str, on: date) -> tuple[str, int | None]:
    """Return how far a card's measure can be trusted, and what it is worth in millionths of the reference card."""
    precisions, weights, reference = SCENARIOS[scenario]
    facts = list(figures)
    needed = [(precisions, weights[0], reference[0])]
    needed += [((name,), w, ref) for name, w, ref in zip(OTHERS, weights[1:], reference[1:], strict=True)]
    needed = [one for one in needed if Decimal(one[1])]
    found = [counting(facts, metrics, on) for metrics, _weight, _reference in needed]
    known = [one for one in found if one is not None]
    if len(known) < len(found):
        return ("infeasible" if found[0] is None else "not-comparable"), None
    exact = worth([one.value for one in known], [one[1] for one in needed], [one[2] for one in needed])
    ppm = max(int((exact * 1_000_000).quantize(Decimal(1), ROUND_HALF_UP, Context(prec=60))), 1)
    return ("measured" if all(one.measured for one in known) else "provisional"), ppm


def per_standard_hour(price_micro: int, ppm: int) -> int:
    return int((Decimal(price_micro) * 1_000_000 / ppm).quantize(Decimal(1), ROUND_HALF_UP))


# The price index


@dataclass(frozen=True)
class Deal:
    """A trade as both parties know it."""

    on: date
    card: Any
    hub: str
    seller: Any
    buyer: Any
    price: int
    standard: int | None


def middle(values: Iterable[int]) -> int:
    """Return the median that was paid: of an even number the lower middle one."""
    ordered = sorted(values)
    return ordered[(len(ordered) - 1) // 2]


def index(deals: Iterable[Deal], on: date, *, standard: bool) -> tuple[Any, ...]:
    """Return status, trades, sellers, buyers, screened out and the published prices of a day."""
    pairs: dict[Any, list[Deal]] = defaultdict(list)
    for one in deals:
        if on - 6 * DAY <= one.on <= on and (one.standard is not None or not standard):
            pairs[(one.on, one.seller, one.buyer)].append(one)
    told = [(*key[1:], *_pair(mine, standard=standard)) for key, mine in pairs.items()]
    if not told:
        return ("few-trades", 0, 0, 0, 0, None, None)
    centre = middle(value for *_parties, value, _sch in told)
    spread = middle(abs(value - centre) for *_parties, value, _sch in told)
    kept = [one for one in told if abs(one[2] - centre) <= 5 * spread or 10 * abs(one[2] - centre) <= centre]
    counts = len(kept), len({one[0] for one in kept}), len({one[1] for one in kept})
    short = [name for name, n, least in zip(THIN, counts, (5, 3, 3), strict=True) if n < least]
    if short:
        return (short[0], *counts, len(told) - len(kept), None, None)
    prices = [one[3] for one in kept if one[3] is not None]
    price = None if standard else middle(one[2] for one in kept)
    return ("published", *counts, len(told) - len(kept), price, middle(prices) if prices else None)


THIN = ("few-trades", "few-sellers", "few-buyers")


def _pair(mine: Sequence[Deal], *, standard: bool) -> tuple[int, int | None]:
    known = [one.standard for one in mine if one.standard is not None]
    sch = middle(known) if known else None
    return (sch or 0, sch) if standard else (middle(one.price for one in mine), sch)


# Reputations


@dataclass
class Service:
    """A reservation that is over as both parties know it; ``ours`` is what the provider broke off or never gave."""

    provider: Any
    offering: Any
    cards: int
    starts_at: datetime
    ends_at: datetime
    stopped_at: datetime
    status: str
    ours: bool
    access_at: datetime | None
    reported: bool
    used: bool
    related: bool
    downtimes: list[tuple[datetime, datetime]] = field(default_factory=list)
    upheld: int = 0

    @property
    def counts(self) -> bool:
        served = self.status in ("ended", "interrupted") and (self.used or bool(self.downtimes))
        return not self.related and (served or self.ours)

    @property
    def promised(self) -> timedelta:
        until = self.ends_at if self.ours else self.stopped_at
        return max([until, *(end for _start, end in self.downtimes)]) - self.starts_at

    @property
    def lost(self) -> timedelta:
        spans = list(self.downtimes)
        spans += [(self.starts_at, self.access_at)] if self.access_at else []
        if self.ours:
            spans.append((self.starts_at if self.status == "failed" else self.stopped_at, self.ends_at))
        gone, until = timedelta(), self.starts_at
        for start, end in sorted((start, min(end, self.starts_at + self.promised)) for start, end in spans):
            gone += max(end - max(start, until), timedelta())
            until = max(until, end)
        return gone


def reputation(services: Iterable[Service], since: datetime, until: datetime) -> Mapping[str, int]:
    """Return what a provider, or one of its offerings, promised and kept over some days."""
    mine = [one for one in services if since <= one.stopped_at < until and one.counts and one.promised]
    begun = [one.access_at - one.starts_at for one in mine if one.reported and one.access_at]
    return {
        "observations": len(mine),
        "promised_ms": sum(one.promised // MS * one.cards for one in mine),
        "delivered_ms": sum((one.promised - one.lost) // MS * one.cards for one in mine),
        "starts": len(begun),
        "start_delay_ms": sum(delay // MS for delay in begun),
        "interruptions": sum(one.status == "interrupted" and one.ours for one in mine),
        "failures": sum(one.status == "failed" for one in mine),
        "disputes_upheld": sum(one.upheld for one in mine),
    }
