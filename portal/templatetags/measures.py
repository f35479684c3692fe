"""How the pages write figures of cards and prices per standard card-hour."""

from typing import Any

from django import template
from django.utils.translation import gettext

from core.money import MICRO_PER_FEN, format_yuan, round_half_up
from market import measure
from market.measure import WHOLE_PPM
from market.models import Figure, Metric, Offering
from market.selectors import measures

register = template.Library()

METRICS = dict(Metric.choices)
THOUSAND = 1000
MIB_PER_GIB = 1024


@register.filter
def quantity(figure: Figure | None) -> str:
    """Write a figure as people say it: ``312 TFLOPS``, ``1,935 GB/s``, ``80 GiB``."""
    if figure is None:
        return "–"
    if figure.metric == Metric.MEMORY_CAPACITY:
        return f"{_decimal(figure.value * THOUSAND // MIB_PER_GIB)} GiB"
    units = {"GFLOPS": "TFLOPS", "GOPS": "TOPS", "MB/s": "GB/s"}
    return f"{_decimal(figure.value)} {units[figure.unit]}"


@register.filter
def milli(value: int | None) -> str:
    """Write thousandths: ``1.25``."""
    return "–" if value is None else _decimal(value)


@register.filter
def component(name: str) -> str:
    """Name a component of the measure."""
    return gettext("Compute at the precision") if name == measure.Component.COMPUTE else str(METRICS[name])


@register.filter
def worth(ppm: int | None) -> str:
    """Write millionths of the reference card: ``2.238``."""
    return "–" if ppm is None else _decimal(round_half_up(ppm * THOUSAND, WHOLE_PPM))


@register.filter
def rounded_price(micro: int) -> str:
    """Write micro-yuan as yuan and fen, half up: a price to compare, not to pay."""
    return f"¥{format_yuan(round_half_up(micro, MICRO_PER_FEN))}"


@register.inclusion_tag("portal/parts/sch.html")
def sch(offering: Offering, *, whole: bool = False) -> dict[str, Any]:
    """Show the price per standard card-hour with how sure it is, or why there is none; ``whole`` names the scenario."""
    standing = measures.standing(offering)
    return {"standing": standing, "missing": " · ".join(component(name) for name in standing.missing), "whole": whole}


def _decimal(thousandths: int) -> str:
    whole, rest = divmod(thousandths, THOUSAND)
    return f"{whole:,}" + (f".{rest:03d}".rstrip("0") if rest else "")
