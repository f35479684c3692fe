"""How many cards stand in a centre: its published capacity divided by the published peak of its card.

The tables name a builder, not a card. A centre is counted only where the builder makes its own cards, so that the
model is known, and where both figures are printed in the same arithmetic. FP16 capacity is divided by the FP16 peak;
OPS, which counts integer operations, by the INT8 peak. Everything else is skipped with the reason.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from market.reference.facts import CentreFact, Precision, Status
from market.reference.tables import accelerators, centres

CARDS_OF_BUILDER = {
    "华为昇腾": ("huawei-ascend-910b", "huawei-ascend-910"),
    "华为": ("huawei-ascend-910b", "huawei-ascend-910"),
    "寒武纪": ("cambricon-mlu370-x4",),
    "中科曙光": ("hygon-shensuan-1",),
}
"""The cards that builders make themselves, the newest first: the first with a peak in the right arithmetic counts.

The 910B has no INT8 figure in the source, so that Huawei's OPS centres are counted in 910s.
"""

TERA_PER_PETA = 1000


class SkipReason(StrEnum):
    """Why a centre has no card count."""

    NOT_BUILT = "not-built"
    NO_CAPACITY = "no-capacity"
    NO_PRECISION = "no-precision"
    CARD_UNKNOWN = "card-unknown"
    CARDS_MIXED = "cards-mixed"
    NO_PEAK = "no-peak"


@dataclass(frozen=True, slots=True)
class CardEstimate:
    """Whole cards of one model: ``capacity_pflops`` * 1000 / ``peak``, rounded down."""

    accelerator: str
    cards: int
    capacity_pflops: Decimal
    peak: Decimal
    precision: Precision


@dataclass(frozen=True, slots=True)
class Skipped:
    """A centre that cannot be counted honestly."""

    reason: SkipReason


def cards(centre: CentreFact) -> CardEstimate | Skipped:
    """Estimate the cards of a centre, or say why that is impossible."""
    if centre.status is not Status.OPERATING:
        return Skipped(SkipReason.NOT_BUILT)
    if centre.capacity_pflops is None:
        return Skipped(SkipReason.NO_CAPACITY)
    if centre.precision is None or centre.precision is Precision.MIXED:
        return Skipped(SkipReason.NO_PRECISION)
    makers = [name for name in centre.builders if name in CARDS_OF_BUILDER]
    if len(makers) != 1:
        return Skipped(SkipReason.CARDS_MIXED if makers else SkipReason.CARD_UNKNOWN)
    return _divide(centre.capacity_pflops, centre.precision, CARDS_OF_BUILDER[makers[0]])


def estimates() -> tuple[tuple[CentreFact, CardEstimate | Skipped], ...]:
    """Return every centre with its cards or the reason why it is left out."""
    return tuple((centre, cards(centre)) for centre in centres())


def _divide(capacity_pflops: Decimal, precision: Precision, codes: tuple[str, ...]) -> CardEstimate | Skipped:
    """Divide by the peak of the first of the builder's cards that has one."""
    peaks = {fact.code: fact.peak(precision) for fact in accelerators()}
    for code in codes:
        peak = peaks[code]
        if peak is not None:
            count = int(capacity_pflops * TERA_PER_PETA // peak)
            return CardEstimate(code, count, capacity_pflops, peak, precision)
    return Skipped(SkipReason.NO_PEAK)
