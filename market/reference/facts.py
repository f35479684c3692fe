"""The records of the reference tables."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from market.measure import Density, Metric


class Precision(StrEnum):
    """The arithmetic in which a centre's capacity is printed; OPS counts integer operations."""

    FP16 = "FP16"
    OPS = "OPS"
    MIXED = "mixed"


class Status(StrEnum):
    """How far a centre is built."""

    OPERATING = "operating"
    PARTLY_BUILT = "partly built"
    UNDER_CONSTRUCTION = "under construction"


@dataclass(frozen=True, slots=True)
class AcceleratorFact:
    """A card model with its published peaks; None where the source prints no figure.

    ``with_sparsity`` marks vendor figures that count structured sparsity: the dense peak is half of them.
    """

    code: str
    vendor: str
    model: str
    architecture: str
    domestic: bool
    int8_tops: Decimal | None
    fp16_tflops: Decimal | None
    memory_gib: int | None
    memory_kind: str
    max_power_w: int | None
    process_nm: int | None
    released: str
    note: str

    @property
    def with_sparsity(self) -> bool:
        """Return whether the peaks count structured sparsity."""
        return "sparsity" in self.note

    def peak(self, precision: Precision) -> Decimal | None:
        """Return the published peak in the arithmetic of a centre's figure, in 10¹² operations a second."""
        return {Precision.FP16: self.fp16_tflops, Precision.OPS: self.int8_tops}.get(precision)


@dataclass(frozen=True, slots=True)
class FigureFact:
    """A published figure of a card model: an integer in the unit of its metric."""

    accelerator: str
    metric: Metric
    density: Density
    value: int
    source: str
    dated_on: date


@dataclass(frozen=True, slots=True)
class CentreFact:
    """A computing centre; ``capacity_pflops`` is in 10¹⁵ operations a second of ``precision``."""

    name: str
    builder: str
    province: str
    city: str
    hub: str | None
    capacity_pflops: Decimal | None
    precision: Precision | None
    status: Status
    capacity_as_printed: str
    note: str

    @property
    def builders(self) -> tuple[str, ...]:
        """Return the companies that built the centre, in the order in which they are printed."""
        return tuple(name for name in self.builder.split("、") if name)


@dataclass(frozen=True, slots=True)
class HubFact:
    """A cluster of one of the eight national hubs of 东数西算."""

    hub: str
    side: str
    cluster: str
