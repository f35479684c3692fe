"""Bars of budgets: where every fen of a programme is, as widths that add up to the whole bar."""

from typing import Any, NamedTuple

from django.utils.translation import gettext_lazy as _

from vouchers.dashboards import Dashboard

WIDTH = 1_000
LABELS: dict[str, Any] = {
    "paid": _("Paid out"),
    "set-off": _("Set off, not paid out"),
    "claimed": _("Claimed, not paid"),
    "redeemed": _("Redeemed, not claimed"),
    "held": _("Held for orders"),
    "available": _("Available to firms"),
    "expired": _("Lapsed"),
    "reserved": _("Reserved for proposed awards"),
    "unallocated": _("Not granted"),
    "unreleased": _("Released later"),
}


class Part(NamedTuple):
    """A part of a budget, and the stretch of the bar that shows it."""

    code: str
    label: str
    fen: int
    x: int
    width: int


def parts(dashboard: Dashboard) -> list[Part]:
    """Return the parts of a budget in the order in which money moves, from the end to the beginning."""
    budget_fen, made, sofar = dashboard.position.budget_fen, [], 0
    for code, fen in dashboard.parts.items():
        begins = sofar * WIDTH // budget_fen if budget_fen else 0
        sofar += fen
        ends = sofar * WIDTH // budget_fen if budget_fen else 0
        made.append(Part(code, str(LABELS[code]), fen, begins, ends - begins))
    return made
