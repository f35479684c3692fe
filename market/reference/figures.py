"""The published figures of the card models, one by one: from the table of models and from vendors' own papers."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path

from market.measure import UNITS, Density, Metric
from market.reference.facts import AcceleratorFact, FigureFact
from market.reference.tables import HERE, Row, accelerators, filled, read

WHITE_PAPER = "智能算力产业发展白皮书（2024）"
WHITE_PAPER_ON = date(2024, 12, 31)
"""The paper names its year only."""

GIGA_PER_TERA = 1000
MIB_PER_GIB = 1024
HALVED = "; half of the figure with sparsity"


@cache
def figures() -> tuple[FigureFact, ...]:
    """Return every published figure."""
    of_models = (figure for fact in accelerators() for figure in printed(fact))
    return (*of_models, *read_figures(HERE / "figures.csv"))


def read_figures(path: Path) -> tuple[FigureFact, ...]:
    """Read a table of figures.

    :raises ValueError: naming the file and the line, if a column or a value is not as expected.
    """
    return read(path, _figure)


def printed(fact: AcceleratorFact) -> Iterator[FigureFact]:
    """Yield the figures that the table of models prints; the dense rate is half of one that counts sparsity."""
    for metric, peak in ((Metric.FP16, fact.fp16_tflops), (Metric.INT8, fact.int8_tops)):
        if peak is not None:
            yield from _rates(fact, metric, peak)
    if fact.memory_gib is not None:
        yield _from_paper(fact, Metric.MEMORY_CAPACITY, Density.NONE, fact.memory_gib * MIB_PER_GIB)


def _rates(fact: AcceleratorFact, metric: Metric, peak: Decimal) -> Iterator[FigureFact]:
    rate = int(peak * GIGA_PER_TERA)
    if not fact.with_sparsity:
        yield _from_paper(fact, metric, Density.DENSE, rate)
        return
    yield _from_paper(fact, metric, Density.SPARSE, rate)
    yield _from_paper(fact, metric, Density.DENSE, rate // 2, remark=HALVED)


def _from_paper(fact: AcceleratorFact, metric: Metric, density: Density, value: int, *, remark: str = "") -> FigureFact:
    return FigureFact(fact.code, metric, density, value, WHITE_PAPER + remark, WHITE_PAPER_ON)


def _figure(row: Row) -> FigureFact:
    metric = Metric(row["metric"])
    if row["unit"] != UNITS[metric]:
        raise ValueError(f"{metric} is in {UNITS[metric]}, not in {row['unit']}")
    return FigureFact(
        accelerator=filled(row, "accelerator"),
        metric=metric,
        density=Density(row["density"]),
        value=int(row["value"]),
        source=filled(row, "source"),
        dated_on=date.fromisoformat(row["dated_on"]),
    )
