"""All figures of some programmes in one period, asked for with one query each."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import OrganizationSize
from billing import kpis as billing_kpis
from billing.kpis import Cards
from core.money import BP_WHOLE
from core.periods import Period
from vouchers import industries, kpis, selectors
from vouchers.kpis import Course, Oversight, Stage
from vouchers.models import Programme
from vouchers.reached import Reached
from vouchers.selectors import ProgrammePosition

STAGES = {
    "applied": gettext_lazy("Applied"),
    "granted": gettext_lazy("Granted"),
    "held": gettext_lazy("First hold"),
    "redeemed": gettext_lazy("Redeemed"),
    "paid": gettext_lazy("Paid"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """Where budgets stand now, and what happened in a period; the course is of all months."""

    positions: list[ProgrammePosition]
    course: Course
    way: list[Stage]
    reached: list[Reached]
    oversight: Oversight
    cards: list[Cards]

    @classmethod
    def of(cls, programmes: Sequence[Programme], period: Period, at: datetime) -> Self:
        """Ask for all of them."""
        ids = [programme.pk for programme in programmes]
        return cls(
            selectors.programme_positions(programmes=programmes) if programmes else [],
            kpis.course(programmes=ids, at=at),
            kpis.way(programmes=ids, period=period),
            kpis.reach(programmes=ids, period=period),
            kpis.oversight(programmes=ids, at=at, period=period),
            billing_kpis.compute(programmes=ids, period=period, at=at),
        )

    @property
    def budget_fen(self) -> int:
        """Return all budgets together."""
        return sum(one.budget_fen for one in self.positions)

    @property
    def execution_bp(self) -> int | None:
        """Return the share of the budgets that was redeemed."""
        return self.course.redeemed_fen * BP_WHOLE // self.budget_fen if self.budget_fen else None

    @property
    def spent_bp(self) -> int | None:
        """Return the share of what was granted, and is not taken back, that was redeemed."""
        redeemed = sum(one.redeemed_fen for one in self.positions)
        granted = sum(one.budget_fen - one.unallocated_fen - one.forgone_fen for one in self.positions)
        return redeemed * BP_WHOLE // granted if granted else None


def label_of(one: Reached) -> str:
    """Name the kind of firms that was reached."""
    if one.axis == "size" and one.label:
        return str(OrganizationSize(one.label).label)
    if one.axis == "industry" and one.label:
        return str(industries.NAMES[one.label])
    return one.label or _("not stated")
