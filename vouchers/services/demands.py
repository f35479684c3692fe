"""What a clawback demands step by step, and what it may be about: captures of a grant that no case takes back yet."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any, NamedTuple, cast
from uuid import UUID

from django.db.models import Sum
from django.utils.translation import gettext as _

from core.errors import Conflict
from core.periods import date_of
from vouchers.fraud import sums
from vouchers.fraud.sums import Part, Taken
from vouchers.models import Capture, Clawback, ClawbackItem, Grant, Redemption
from vouchers.models.clawback import DROPPED
from vouchers.services import integrity_terms


class Item(NamedTuple):
    """A capture, and how much of it is to be taken back."""

    capture: Capture
    amount_fen: int


class BeyondPaid(Conflict):
    """More is taken back than was paid, or something that another case takes back already."""

    code = "beyond-paid"


class Takeable(NamedTuple):
    """A redemption, and what may still be taken back of it, in fen."""

    redemption: Redemption
    left_fen: int


class Reduced(NamedTuple):
    """What is left of a demand, as a decision keeps it, and what is demanded no more of each redemption, in fen."""

    calculation: dict[str, Any]
    remitted: dict[UUID, int]


def calculate(*, clawback: Clawback, at: datetime) -> dict[str, Any]:
    """Return what a case would demand if it was upheld now, redemption by redemption, as a decision keeps it."""
    parts, redemptions = _parts(clawback)
    net: dict[object, int] = {pk: one.refundable_fen for pk, one in redemptions.items()}
    interest_bp, on = integrity_terms.sanctions(clawback.grant.programme).interest_bp, date_of(at)
    taken = sums.walk(parts, net_fen=net, interest_bp=interest_bp, on=on)
    return _said(taken, redemptions, net, {"on": on.isoformat(), "interest_bp": interest_bp})


def reduced(*, clawback: Clawback, principal_fen: int) -> Reduced:
    """Return what is left of a demand of which only so much principal stays, by what was paid when it was decided."""
    parts, redemptions = _parts(clawback)
    decided = clawback.calculation
    on, interest_bp = date.fromisoformat(decided["on"]), decided["interest_bp"]
    paid = {step["reference"]: step["net_fen"] for step in decided["steps"]}
    net: dict[object, int] = {pk: paid[one.reference] for pk, one in redemptions.items()}
    taken = sums.walk(parts, net_fen=net, interest_bp=interest_bp, on=on)
    stays = sums.keep(taken, principal_fen=principal_fen, interest_bp=interest_bp)
    less: dict[UUID, int] = defaultdict(int)
    for before, now in zip(taken, stays, strict=True):
        less[cast("UUID", before.part.redemption)] += before.taken_fen - now.taken_fen
    said = _said(stays, redemptions, net, {"on": decided["on"], "interest_bp": interest_bp})
    return Reduced(said, {pk: fen for pk, fen in less.items() if fen})


def _parts(clawback: Clawback) -> tuple[list[Part], dict[UUID, Redemption]]:
    items = list(clawback.items.select_related("capture__redemption").order_by("pk"))
    redemptions = {item.capture.redemption_id: item.capture.redemption for item in items}
    parts = [Part(one.capture.redemption_id, one.amount_fen, date_of(one.capture.captured_at)) for one in items]
    return parts, redemptions


def _said(
    taken: list[Taken], redemptions: Mapping[UUID, Redemption], net: Mapping[object, int], terms: dict[str, Any]
) -> dict[str, Any]:
    of = {pk: [one for one in taken if one.part.redemption == pk] for pk in redemptions}
    return {
        **terms,
        "principal_fen": sum(one.taken_fen for one in taken),
        "interest_fen": sum(one.interest_fen for one in taken),
        "steps": [_step(one, int(net[pk]), of[pk]) for pk, one in redemptions.items()],
    }


def _step(redemption: Redemption, net_fen: int, taken: list[Taken]) -> dict[str, Any]:
    return {
        "reference": redemption.reference,
        "captures": len(taken),
        "paid_from": min(one.part.paid_on for one in taken).isoformat(),
        "paid_until": max(one.part.paid_on for one in taken).isoformat(),
        "asked_fen": sum(one.part.amount_fen for one in taken),
        "net_fen": net_fen,
        "taken_fen": sum(one.taken_fen for one in taken),
        "interest_fen": sum(one.interest_fen for one in taken),
    }


def takeable(*, grant: Grant) -> list[Takeable]:
    """Return the redemptions of a grant of which something may still be taken back, the latest first."""
    rows = Redemption.objects.filter(grant=grant, captured_fen__gt=0).order_by("-held_at", "-pk")
    taken = _taken_fen(ClawbackItem.objects.filter(capture__redemption__grant=grant), "capture__redemption")
    found = [Takeable(one, one.captured_fen - one.refunded_fen - taken.get(one.pk, 0)) for one in rows]
    return [one for one in found if one.left_fen > 0]


def items(*, grant: Grant, amounts: Mapping[UUID, int]) -> list[Item]:
    """Return the captures that make up what is to be taken back of redemptions of a grant, the latest captures first.

    :raises BeyondPaid: if a redemption has paid less, or another case takes it back.
    """
    captures = Capture.objects.filter(redemption__in=amounts, redemption__grant=grant).order_by("-captured_at", "-pk")
    taken = _taken_fen(ClawbackItem.objects.filter(capture__redemption__in=amounts), "capture")
    left, found = dict(amounts), []
    for one in captures.select_related("redemption"):
        free_fen = one.amount_fen - taken.get(one.pk, 0)
        share_fen = min(free_fen, left[one.redemption_id])
        if share_fen > 0:
            left[one.redemption_id] -= share_fen
            found.append(Item(one, share_fen))
    if any(left.values()):
        raise BeyondPaid(_("No more is taken back than was paid, and once only."))
    return found


def _taken_fen(rows: Any, key: str) -> dict[Any, int]:
    live: Iterable[tuple[Any, int]] = (
        rows.exclude(clawback__status__in=DROPPED)
        .order_by()
        .values(key)
        .annotate(total=Sum("amount_fen"))
        .values_list(key, "total")
    )
    return {pk: int(total) for pk, total in live}
