"""The yearly sheet for the authority's own report (绩效自评): every figure with its unit, in one table."""

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _

from accounts.models import Organization
from billing import kpis as billing_kpis
from core import sheets
from core.money import format_yuan
from portal.desk.figures import STAGES, Figures, label_of
from vouchers import kpis
from vouchers.models import Programme
from vouchers.reached import Reached

Line = list[str | int | None]
AXES = ("size", "district", "industry", "qualification", "city")


def workbook(figures: Figures, *, authority: Organization, year: int, programmes: Sequence[Programme]) -> bytes:
    """Return the sheet as xlsx; no cell is a formula."""
    header = [_("Part"), _("Figure"), _("Value"), _("Unit")]
    lines: list[Line] = [
        [_("Annual report"), _("Authority"), authority.name, ""],
        [_("Annual report"), _("Year"), year, ""],
        [_("Annual report"), _("Programmes"), " · ".join(one.name for one in programmes), ""],
        *_budget(figures, year),
        *_speed(figures),
        *_applied(figures),
        *_reach(figures.reached),
        *_effect(figures),
        *_integrity(figures),
    ]
    return sheets.write(sheets.XLSX, header, lines, title=str(year))


def _yuan(part: str, name: str, fen: int) -> Line:
    return [part, name, format_yuan(fen).replace(",", ""), _("yuan")]


def _percent(part: str, name: str, bp: int | None) -> Line:
    return [part, name, "" if bp is None else f"{bp // 100}.{bp % 100:02d}", "%"]


def _budget(figures: Figures, year: int) -> Iterator[Line]:
    part, months = _("Budget"), [one for one in figures.course.months if one.month_on.year == year]
    yield _yuan(part, _("Budget, as of now"), figures.budget_fen)
    for name, field in {
        _("Not granted, as of now"): "unallocated_fen",
        _("Available to firms, as of now"): "available_fen",
        _("Held for orders, as of now"): "held_fen",
        _("Redeemed, all years"): "redeemed_fen",
        _("Lapsed, all years"): "expired_fen",
    }.items():
        yield _yuan(part, name, sum(getattr(one, field) for one in figures.positions))
    yield _percent(part, _("Execution, all years"), figures.execution_bp)
    yield _percent(part, _("Use of what was granted, all years"), figures.spent_bp)
    for name, field in {_("Granted in the year"): "granted_fen", _("Redeemed in the year"): "redeemed_fen"}.items():
        yield _yuan(part, name, sum(getattr(one, field) for one in months))
    yield _yuan(part, _("Paid out in the year"), sum(one.paid_fen for one in months))
    yield _yuan(part, _("Forecast for the end of the year"), figures.course.forecast_fen)


def _speed(figures: Figures) -> Iterator[Line]:
    part = _("From application to payment")
    for stage in figures.way:
        name = str(STAGES[stage.code])
        yield [part, name, stage.number, _("cases")]
        if stage.p50_tenths is not None:
            yield [part, f"{name} · {_('Days, median')}", _tenths(stage.p50_tenths), _("days")]
            yield [part, f"{name} · {_('Days, 9 of 10')}", _tenths(stage.p90_tenths), _("days")]


def _tenths(number: int | None) -> str:
    return "" if number is None else f"{number // 10}.{number % 10}"


def _reach(reached: Sequence[Reached]) -> Iterator[Line]:
    names = {
        "size": _("By size"),
        "district": _("By district"),
        "industry": _("By industry"),
        "qualification": _("By qualification"),
        "city": _("By city"),
    }
    sizes = [one for one in reached if one.axis == "size"]
    yield [_("Reach"), _("Firms"), sum(one.firms for one in sizes), _("firms")]
    yield [_("Reach"), _("Firms with a voucher"), sum(one.granted_firms for one in sizes), _("firms")]
    for axis in AXES:
        for one in reached:
            if one.axis == axis:
                yield [names[axis], label_of(one), one.firms, _("firms")]
                yield _yuan(names[axis], f"{label_of(one)} · {_('Granted')}", one.granted_fen)
                yield _yuan(names[axis], f"{label_of(one)} · {_('Redeemed')}", one.redeemed_fen)


def _applied(figures: Figures) -> Iterator[Line]:
    part, applied = _("Reach"), figures.oversight.applied
    yield [part, _("Applications handed in"), applied.applications, _("cases")]
    yield [part, _("Granted"), applied.granted, _("cases")]
    yield [part, _("Turned down"), applied.turned_down, _("cases")]
    yield _percent(part, _("Granted of those decided"), applied.approved_bp)
    yield _percent(part, _("Decided in time"), applied.in_time_bp)
    yield [part, _("Decided late, or overdue"), applied.late, _("cases")]
    yield [part, _("Firms with their first voucher"), applied.first_time, _("firms")]
    yield _percent(part, _("Small and micro firms"), kpis.small_bp(figures.reached))


def _effect(figures: Figures) -> Iterator[Line]:
    part, leverage, cards = _("Effect"), figures.oversight.leverage, figures.cards
    yield _yuan(part, _("Spending moved"), leverage.spending_fen)
    yield _yuan(part, _("Subsidy"), leverage.subsidy_fen)
    times = leverage.times_bp
    yield [part, _("Leverage"), "" if times is None else f"{times // 10_000}.{times % 10_000 // 100:02d}", _("times")]
    yield [part, _("Card-hours"), _hours(sum(one.accelerator_ms for one in cards)), _("card-hours")]
    milli = sum(one.pflops_hours_milli for one in cards)
    yield [part, _("Computing"), f"{milli // 1000}.{milli % 1000:03d}", _("PFLOPS-hours (FP16)")]
    yield _percent(part, _("Domestic share of card-hours"), billing_kpis.domestic_bp(cards))
    yield _percent(part, _("Share within the city"), billing_kpis.near_bp(cards))
    yield _percent(part, _("Use of reserved card-hours"), billing_kpis.used_bp(cards))
    for one in cards:
        yield [_("By card"), one.name, _hours(one.accelerator_ms), _("card-hours")]


def _hours(accelerator_ms: int) -> str:
    thousandths = accelerator_ms // 3_600
    return f"{thousandths // 1000}.{thousandths % 1000:03d}"


def _integrity(figures: Figures) -> Iterator[Line]:
    part, found = _("Supervision"), figures.oversight.integrity
    counted: dict[str, Any] = {
        _("Lines claimed"): found.lines,
        _("Of these in a sample"): found.sampled,
        _("Failed in the sample"): found.failed,
        _("Lines refused"): found.refused,
        _("Findings"): found.findings,
        _("Findings upheld"): found.findings_upheld,
        _("Clawbacks"): found.clawbacks,
        _("Witnesses of the latest checkpoint"): figures.oversight.sealed.witnesses,
    }
    yield from ([part, name, number, _("cases")] for name, number in counted.items())
    yield _yuan(part, _("Refused"), found.refused_fen)
    yield _yuan(part, _("Demanded back"), found.demanded_fen)
    yield _yuan(part, _("Recovered"), found.recovered_fen)
    yield _percent(part, _("Recovered of what was demanded"), found.recovered_bp)
