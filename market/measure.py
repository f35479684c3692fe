"""The unified measure 标准卡时 (SCH): how many hours of the reference card an hour of another card is worth.

For each scenario u = Π (x / x_ref) ^ w over compute rate, memory bandwidth, memory capacity and interconnect; the
weights add up to 1 and are published under a version. Integers throughout: u is kept in parts per million, the exact
value rounded half up once, and a price per SCH in micro-yuan is rounded half up once more.

A card without a rate at the scenario's precision is infeasible, never slow. A card that lacks another weighted figure
is not comparable: sharing its weight out among the figures that are known would let the choice of the reference card
decide who is ahead. See docs/measure.md.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import gcd, prod

from core.money import round_half_up

WHOLE_PERCENT = 100
WHOLE_PPM = 1_000_000


class Metric(StrEnum):
    """What a figure is about: a rate at a precision, or another component of a card."""

    FP64 = "fp64"
    FP32 = "fp32"
    TF32 = "tf32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"
    FP8 = "fp8"
    MEMORY_BANDWIDTH = "memory-bandwidth"
    MEMORY_CAPACITY = "memory-capacity"
    INTERCONNECT = "interconnect"


RATES = (Metric.FP64, Metric.FP32, Metric.TF32, Metric.FP16, Metric.BF16, Metric.INT8, Metric.FP8)
UNITS = dict.fromkeys(RATES, "GFLOPS") | {
    Metric.INT8: "GOPS",
    Metric.MEMORY_BANDWIDTH: "MB/s",
    Metric.MEMORY_CAPACITY: "MiB",
    Metric.INTERCONNECT: "MB/s",
}
"""Every figure is an integer of its metric's unit; the interconnect counts both directions."""


class Kind(StrEnum):
    """Who says so: the vendor, or a measurement."""

    PUBLISHED = "published"
    MEASURED = "measured"


class Density(StrEnum):
    """Whether a rate counts the zeros of structured sparsity as work; other figures have no density."""

    NONE = ""
    DENSE = "dense"
    SPARSE = "sparse"


class Component(StrEnum):
    """What is weighed; ``COMPUTE`` is the rate at one of the scenario's precisions."""

    COMPUTE = "compute"
    MEMORY_BANDWIDTH = "memory-bandwidth"
    MEMORY_CAPACITY = "memory-capacity"
    INTERCONNECT = "interconnect"


class Scenario(StrEnum):
    """What the hours are for; a measure never crosses scenarios."""

    HPC_FP64 = "hpc-fp64"
    TRAIN_FP16 = "train-fp16"
    FINETUNE_FP32 = "finetune-fp32"
    INFER_INT8 = "infer-int8"


class Status(StrEnum):
    """How far a measure can be trusted, or why there is none."""

    MEASURED = "measured"
    PROVISIONAL = "provisional"
    NOT_COMPARABLE = "not-comparable"
    INFEASIBLE = "infeasible"


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure of a card, good from ``dated_on`` until ``expires_on``."""

    metric: Metric
    kind: Kind
    density: Density
    value: int
    dated_on: date
    expires_on: date | None = None

    def is_good(self, on: date) -> bool:
        """Tell whether the figure counts on a day: it has been made and has not expired."""
        return self.dated_on <= on and (self.expires_on is None or on < self.expires_on)


@dataclass(frozen=True, slots=True)
class Recipe:
    """The precisions of a scenario, the weights in per cent, and the figures of the reference card.

    :raises ValueError: if the weights do not add up to the whole, or a weighted reference figure is missing.
    """

    precisions: tuple[Metric, ...]
    weights: Mapping[Component, int]
    reference: Mapping[Component, int]

    def __post_init__(self) -> None:
        if sum(self.weights.values()) != WHOLE_PERCENT or min(self.weights.values()) < 0:
            raise ValueError("weights are not negative and add up to 100 per cent")
        if any(self.reference.get(component, 0) <= 0 for component in self.weighted):
            raise ValueError("the reference card has every weighted figure")

    @property
    def weighted(self) -> tuple[Component, ...]:
        """Return the components that count."""
        return tuple(component for component in Component if self.weights.get(component, 0) > 0)

    def metrics(self, component: Component) -> tuple[Metric, ...]:
        """Return the metrics that a component may be read from."""
        return self.precisions if component is Component.COMPUTE else (Metric(component.value),)


@dataclass(frozen=True, slots=True)
class Standard:
    """One published version of the recipes."""

    version: str
    reference_card: str
    recipes: Mapping[Scenario, Recipe]


@dataclass(frozen=True, slots=True)
class Measure:
    """What a card is worth in a scenario: ``ppm`` millionths of the reference card, or why there is no such number."""

    status: Status
    ppm: int | None = None
    missing: tuple[Component, ...] = ()
    used: tuple[Figure, ...] = ()


def _recipe(precisions: tuple[Metric, ...], compute: int, weights: tuple[int, int, int, int]) -> Recipe:
    reference = dict(zip(Component, (compute, 1_935_000, 81_920, 600_000), strict=True))
    return Recipe(precisions, dict(zip(Component, weights, strict=True)), reference)


STANDARD = Standard(
    version="2026-1",
    reference_card="nvidia-a100-80gb-pcie",
    recipes={
        Scenario.HPC_FP64: _recipe((Metric.FP64,), 19_500, (60, 30, 0, 10)),
        Scenario.TRAIN_FP16: _recipe((Metric.FP16, Metric.BF16), 312_000, (55, 20, 10, 15)),
        Scenario.FINETUNE_FP32: _recipe((Metric.FP32, Metric.TF32), 156_000, (60, 25, 10, 5)),
        Scenario.INFER_INT8: _recipe((Metric.INT8, Metric.FP8), 624_000, (35, 45, 20, 0)),
    },
)
"""The weights in use: (compute, memory bandwidth, memory capacity, interconnect). A change is a new version."""


def measure(figures: Iterable[Figure], *, recipe: Recipe, on: date) -> Measure:
    """Measure a card by its figures as they are good on a day."""
    good = [figure for figure in figures if figure.is_good(on)]
    known = {component: counting(good, recipe.metrics(component)) for component in recipe.weighted}
    missing = tuple(component for component, figure in known.items() if figure is None)
    if missing:
        lacks_precision = Component.COMPUTE in missing
        return Measure(Status.INFEASIBLE if lacks_precision else Status.NOT_COMPARABLE, missing=missing)
    found = {component: figure for component, figure in known.items() if figure is not None}
    published = any(figure.kind is Kind.PUBLISHED for figure in found.values())
    ppm = _ppm({component: figure.value for component, figure in found.items()}, recipe)
    return Measure(Status.PROVISIONAL if published else Status.MEASURED, ppm, used=tuple(found.values()))


def price_micro(*, card_hour_micro: int, ppm: int) -> int:
    """Return the price of a standard card-hour in micro-yuan, half up, where a card-hour costs ``card_hour_micro``."""
    return round_half_up(card_hour_micro * WHOLE_PPM, ppm)


def counting(good: Sequence[Figure], metrics: tuple[Metric, ...]) -> Figure | None:
    """Return the figure that counts: measured before published, the latest of each metric, then the highest.

    Figures with sparsity never count. Of two figures of one day the lower does.
    """
    fitting = [figure for figure in good if figure.metric in metrics and figure.density is not Density.SPARSE]
    measured = [figure for figure in fitting if figure.kind is Kind.MEASURED]
    latest: dict[Metric, Figure] = {}
    for figure in sorted(measured or fitting, key=lambda figure: (figure.dated_on, -figure.value)):
        latest[figure.metric] = figure
    return max(latest.values(), key=lambda figure: figure.value, default=None)


def _ppm(values: Mapping[Component, int], recipe: Recipe) -> int:
    """Return u in parts per million, half up; the least is 1, so that there is always a price.

    Weights in per cent have a common divisor, so u is a root of a fraction of integers and nothing is approximated.
    """
    common = gcd(*(recipe.weights[component] for component in recipe.weighted))
    powers = {component: recipe.weights[component] // common for component in recipe.weighted}
    degree = WHOLE_PERCENT // common
    numerator = prod(values[component] ** power for component, power in powers.items())
    denominator = prod(recipe.reference[component] ** power for component, power in powers.items())
    doubled = _floor_root((2 * WHOLE_PPM) ** degree * numerator // denominator, degree)
    return max(1, (doubled + 1) // 2)


def _floor_root(number: int, degree: int) -> int:
    """Return the largest integer whose ``degree``-th power is at most ``number``, by Newton's steps from above."""
    if number == 0:
        return 0
    root = 1 << -(-number.bit_length() // degree)
    while (step := ((degree - 1) * root + number // root ** (degree - 1)) // degree) < root:
        root = step
    return root
