"""Quotes per second and core on the most complex programmes, beside the naive way.

The baseline is the calculation as one would write it first, by hand for one programme: ``Decimal`` yuan, ratios as
fractions, conditions as lambdas, no parameters, no explanation, no caps named. Both sides quote the same case in turns
and must agree on every fen. CPU time is counted, so that neighbours on the machine do not.

    python -m benchmarks.voucher_quote
"""

import json
import statistics
import time
from collections.abc import Callable
from datetime import date
from decimal import ROUND_DOWN, Decimal
from pathlib import Path
from typing import Any

from msgspec.structs import replace

from vouchers import rules
from vouchers.parameters import Facts, Funder, Span
from vouchers.parameters.award import Apportion, Discount
from vouchers.parameters.published import parameters_of
from vouchers.rules import Case, DiscountGiven, Limits, Spending, Support, Terms

FACTS = Path(__file__).parent.parent / "vouchers" / "reference" / "programmes.json"
ROUNDS, QUOTES = 5, 4_000
FLOOR_PER_SECOND = 20_000
CENT = Decimal("0.01")
DOMESTIC_FAST, DOMESTIC, SMALL = Decimal("0.15"), Decimal("0.3"), Decimal("0.5")
LINES = [("GPU_TRAIN", 60_000_000), ("GPU_INFER", 50_000_000), ("STORAGE", 5_000_000)]
OFF, OTHER, YEAR_LEFT, BUDGET_LEFT = 15_000_000, 20_000_000, 100_000_000, 10**12


def hangzhou() -> Terms:
    """Return the published programme with the most rules: five tiers by conditions, stacking, a ceiling, a waiver."""
    programmes = json.loads(FACTS.read_text(encoding="utf-8"))["programs"]
    facts = next(each for each in programmes if each["code"] == "HZ-2025")
    return rules.terms_of(parameters_of(facts, opens_on=date(2025, 1, 1), closes_on=date(2026, 1, 1)))


def everything() -> Terms:
    """Return Hangzhou with every other stage at work as well: tax, days, rounding, a cash share, two funders."""
    return replace(
        hangzhou(),
        vat_bp=600,
        apportion=Apportion.CONTRACT_DAYS,
        base_period=Span(first_on=date(2025, 3, 1), last_on=date(2025, 12, 31)),
        round_base_first=True,
        round_unit_fen=100,
        min_cash_share_bp=1_000,
        excluded_categories=("STORAGE",),
        funders=(Funder(code="PROVINCE"), Funder(code="CITY", weight=2)),
    )


def asked() -> tuple[list[Spending], Limits, Case]:
    """Return three lines with a discount, another voucher, and limits on several axes."""
    lines = [Spending(category=name, provider_listed=True, amount_fen=fen) for name, fen in LINES]
    case = Case(
        facts=Facts(is_sme=False, facility_type="DOMESTIC", fast_matched=False),
        discounts=(DiscountGiven(kind=Discount.PROVIDER_DISCOUNT, amount_fen=OFF),),
        support=(Support(kind="智能券", amount_fen=OTHER),),
        contract=Span(first_on=date(2025, 1, 1), last_on=date(2026, 12, 31)),
    )
    limits = Limits(entity_year_left_fen=YEAR_LEFT, budget_left_fen=BUDGET_LEFT, group_left_fen=YEAR_LEFT)
    return lines, limits, case


def naive() -> int:
    """Return Hangzhou's award as one would write it first, in fen."""
    yuan = {name: Decimal(fen) / 100 for name, fen in LINES}
    total, discount = sum(yuan.values()), Decimal(OFF) / 100
    shares = {name: (discount * part / total).quantize(CENT, ROUND_DOWN) for name, part in yuan.items()}
    odd = discount - sum(shares.values())
    for name in sorted(yuan, key=lambda each: (discount * yuan[each] / total) % CENT, reverse=True):
        if odd > 0:
            shares[name] += CENT
            odd -= CENT
    base = sum((yuan[name] - shares[name] for name in yuan if name in ("GPU_TRAIN", "GPU_INFER", "HPC")), Decimal())
    firm: dict[str, Any] = {"is_sme": False, "facility": "DOMESTIC", "fast": False, "filed": None}
    tiers: list[tuple[Decimal, Callable[[dict[str, Any]], bool]]] = [
        (DOMESTIC_FAST, lambda one: one["fast"] and (one["facility"] == "DOMESTIC" or one["filed"])),
        (Decimal("0.1"), lambda one: one["fast"] and not (one["facility"] == "DOMESTIC" or one["filed"])),
        (SMALL, lambda one: one["is_sme"] and one["sum"] <= 500_000),
        (DOMESTIC, lambda one: one["facility"] == "DOMESTIC" or one["filed"]),
        (Decimal("0.2"), lambda _one: True),
    ]
    ratio = next(part for part, applies in tiers if applies(firm))
    award = (base * ratio).quantize(CENT, ROUND_DOWN)
    ceiling = (base * Decimal("0.6")).quantize(CENT, ROUND_DOWN) - Decimal(OTHER) / 100
    award = min(award, Decimal(YEAR_LEFT) / 100, Decimal(BUDGET_LEFT) / 100, ceiling)
    return int(award * 100)


def rate(work: Callable[[], Any]) -> float:
    """Return how often something runs in a second of CPU time."""
    began = time.process_time()
    for _ in range(QUOTES):
        work()
    return QUOTES / (time.process_time() - began)


def main() -> None:
    """Measure in turns and print medians."""
    lines, limits, case = asked()
    plain, whole = hangzhou(), everything()
    sides: dict[str, Callable[[], Any]] = {
        "naive Decimal, no explanation": naive,
        "HZ-2025, with its steps": lambda: rules.quote(terms=plain, spending=lines, limits=limits, case=case),
        "every stage, with its steps": lambda: rules.quote(terms=whole, spending=lines, limits=limits, case=case),
        "HZ-2025, explanation as JSON": lambda: rules.quote(
            terms=plain, spending=lines, limits=limits, case=case
        ).explanation(),
    }
    quoted = sides["HZ-2025, with its steps"]()
    assert quoted.amount_fen == naive(), "both sides pay the same"
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, work in sides.items():
            rates[name].append(rate(work))
    medians = {name: statistics.median(each) for name, each in rates.items()}
    baseline = medians["naive Decimal, no explanation"]
    print(f"an award of {quoted.amount_fen} fen in {len(quoted.steps)} steps; quotes per second of one core, median")
    for name, each in medians.items():
        print(f"{name:32} {each:10,.0f}   {each / baseline:5.2f} × the naive way")
    slowest = medians["every stage, with its steps"]
    print(f"floor {FLOOR_PER_SECOND:,}: {'held' if slowest >= FLOOR_PER_SECOND else 'MISSED'} at {slowest:,.0f}")


if __name__ == "__main__":
    main()
