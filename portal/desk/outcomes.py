"""What came out of a simulation, in words: both rules side by side, who gains and who drops out, and why."""

from collections.abc import Iterable
from typing import Any, NamedTuple

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from vouchers import choices, explanations, hints

SHOWN = 50


class Row(NamedTuple):
    """A figure under the rules in force and under those that were tried."""

    label: str
    before: int
    after: int

    @property
    def change(self) -> int:
        """Return what the change makes of it."""
        return self.after - self.before


class Part(NamedTuple):
    """Firms of one kind under both rules."""

    label: str
    firms: int
    before: int
    after: int
    before_fen: int
    after_fen: int


CHANGES = {
    "lost": gettext_lazy("Get nothing any more"),
    "changed": gettext_lazy("Get another amount"),
    "gained": gettext_lazy("Get something for the first time"),
}


def told(outcome: dict[str, Any]) -> dict[str, Any]:
    """Return what the page of a simulation shows."""
    before, after = outcome["before"], outcome["after"]
    return {
        "money": [
            Row(_("Cost"), before["cost_fen"], after["cost_fen"]),
            Row(_("Budget"), before["budget_fen"], after["budget_fen"]),
        ],
        "numbers": [
            Row(_("Firms that get something"), before["reached"], after["reached"]),
            Row(_("Orders that are paid"), before["paid_orders"], after["paid_orders"]),
        ],
        "before": before,
        "after": after,
        "parts": [
            (_("Size of the firm"), _parts("size", before["sizes"], after["sizes"])),
            (_("District"), _parts("district", before["districts"], after["districts"])),
        ],
        "caps": _pairs("cap", "orders", before["caps"], after["caps"]),
        "refused": _pairs("reason", "orders", before["refusals"], after["refusals"]),
        "not_known": [(reason(one["code"]), one["firms"]) for one in after["not_known"]],
        "firms": [(str(title), _firms(outcome[code]), len(outcome[code])) for code, title in CHANGES.items()],
        "shown": SHOWN,
    }


def _firms(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    ordered = sorted(rows, key=lambda one: one["after_fen"] - one["before_fen"])
    return [one | {"why": reasons(one["reasons"])} for one in ordered[:SHOWN]]


def _parts(axis: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[Part]:
    old = {one[axis]: one for one in before}
    return [
        Part(
            (size(one[axis]) if axis == "size" else one[axis]) or _("not stated"),
            one["firms"],
            old[one[axis]]["reached"],
            one["reached"],
            old[one[axis]]["cost_fen"],
            one["cost_fen"],
        )
        for one in after
    ]


def _pairs(name: str, number: str, before: list[dict[str, Any]], after: list[dict[str, Any]]) -> list[Row]:
    old, new = ({one[name]: one[number] for one in rows} for rows in (before, after))
    return [Row(reason(code), old.get(code, 0), new.get(code, 0)) for code in sorted(old | new)]


def size(code: str) -> str:
    """Name the size of a firm."""
    return choices.word(code) if code else ""


def reason(code: str) -> str:
    """Name why somebody gets nothing, or less; what is newer than these words is its code."""
    known = {**explanations.CAPS, **hints.CONDITIONS, **explanations.REFUSALS}
    return str(known.get(code, code))


def reasons(codes: Iterable[str]) -> str:
    """Name several reasons."""
    return _(", ").join(reason(code) for code in codes)
