"""Orders that are served in parts: what makes sense, what such an order still wants, and when it is given up."""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from core.errors import DomainError
from core.periods import HOUR
from market.matching.terms import Split as Remaining
from market.models import Match, Order, OrderKind, OrderStatus, Reservation
from market.models.order_terms import MOST_PARTS
from market.services import reservations


class BadParts(DomainError):
    """An order of a number of cards, that is not interruptible, is served in a few parts, no larger than the whole."""

    code = "bad-parts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """In how many parts an order may be served, each of at least ``cards`` × ``hours``; or in all of them, or none."""

    parts: int
    cards: int = 1
    hours: int = 1
    all_or_none: bool = False


SPLIT_KINDS = (OrderKind.INSTANT, OrderKind.AUCTION)


def check(split: Split, *, count: int, hours: int, kind: str | None) -> None:
    """Check that an order of so many cards and hours can be split like that; no ``kind`` is one that never is.

    :raises BadParts: if it cannot.
    """
    wrong = _wrong_cards(split.cards, count=count, kind=kind)
    if not 2 <= split.parts <= MOST_PARTS:
        wrong["parts_max"] = _("From 2 to %(most)d.") % {"most": MOST_PARTS}
    if not 1 <= split.hours <= hours:
        wrong["part_hours"] = _("From 1 to the hours of the order.")
    if kind not in SPLIT_KINDS:
        wrong["kind"] = _("Only firm orders of a number of cards can be split.")
    if wrong:
        raise BadParts(_("The order cannot be split like that."), fields=wrong)


def _wrong_cards(cards: int, *, count: int, kind: str | None) -> dict[str, str]:
    if not 1 <= cards <= count:
        return {"part_cards": _("From 1 to the cards of the order.")}
    if kind == OrderKind.AUCTION and cards * 2 > count:
        return {"part_cards": _("The auction divides by cards: at most half the cards of the order.")}
    return {}


def for_auction(split: Split | None, *, hours: int) -> Split | None:
    """Return how the auction splits an order: each part runs for all its hours."""
    return split and replace(split, hours=hours)


def columns(split: Split | None) -> dict[str, int | bool]:
    """Return what an order keeps of how it may be split."""
    if split is None:
        return {}
    return {
        "parts_max": split.parts,
        "part_cards": split.cards,
        "part_hours": split.hours,
        "all_or_none": split.all_or_none,
    }


def remaining(orders: Iterable[Order], *, hour0: datetime) -> dict[UUID, Remaining]:
    """Return what the orders that are split still want, in hours from ``hour0`` on."""
    split = {order.pk: order for order in orders if order.is_split}
    matched: dict[UUID, list[int]] = defaultdict(list)
    for order_id, card_hours in Match.objects.filter(order__in=split).values_list("order", "card_hours"):
        matched[order_id].append(card_hours or 0)
    taken: dict[UUID, list[tuple[int, int, int]]] = defaultdict(list)
    for held in Reservation.objects.live().filter(order__in=split).order_by("pk"):
        span = (held.starts_at - hour0) // HOUR, -((hour0 - held.ends_at) // HOUR)
        taken[held.order_id].append((*span, held.count))
    return {key: _remaining(order, matched[key], taken[key]) for key, order in split.items()}


def _remaining(order: Order, matched: list[int], taken: list[tuple[int, int, int]]) -> Remaining:
    return Remaining(
        parts=order.parts_max - len(matched),
        cards=order.part_cards or 1,
        hours=order.part_hours or 1,
        card_hours=order.count * order.hours - sum(matched),
        all_or_none=order.all_or_none,
        taken=tuple(sorted(taken)),
    )


def next_parts(orders: Collection[UUID]) -> dict[UUID, int]:
    """Return the number of the next part of each order that may be split."""
    split = Order.objects.filter(pk__in=orders, parts_max__gt=1).values_list("pk", flat=True)
    numbers = dict.fromkeys(split, 1)
    for order_id in Match.objects.filter(order__in=numbers).values_list("order", flat=True):
        numbers[order_id] += 1
    return numbers


def give_up(*, ids: Collection[UUID], at: datetime) -> int:
    """Give up what locked open orders still want: those that got parts are matched with these, the others expire."""
    if not ids:
        return 0
    waiting = Order.objects.filter(pk__in=ids, status=OrderStatus.OPEN)
    served = Exists(Match.objects.filter(order=OuterRef("pk")))
    expired = waiting.filter(~served).move_all(OrderStatus.EXPIRED)
    kept = list(waiting.filter(served, parts_max__gt=1).values_list("pk", flat=True))
    if kept:
        Order.objects.filter(pk__in=kept).move_all(OrderStatus.MATCHED)
        reservations.close_orders(ids=kept, at=at)
    return expired + len(kept)
