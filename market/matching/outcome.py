"""The answer of a matching run: one fill or one reason per order."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID


class Reason(StrEnum):
    """Why an order found nothing."""

    NO_MODEL = "no-model"
    NO_PROVIDER = "no-provider"
    NO_CATEGORY = "no-category"
    TFLOPS = "tflops"
    CONSENT = "consent"
    LOT = "lot"
    REFUSED = "refused"
    NOT_DOMESTIC = "no-domestic"
    MEMORY = "memory"
    INTERCONNECT = "interconnect"
    PUE = "pue"
    GREEN = "green"
    RELIABILITY = "reliability"
    RING = "ring"
    WINDOW = "window"
    PRICE_GAP = "price-gap"
    CAPACITY = "capacity"
    OUTRANKED = "outranked"
    PARTS = "parts"
    SITE = "site"


@dataclass(frozen=True, slots=True)
class Fill:
    """An order that got an offering: ``count`` cards from hour ``start_hour`` for ``hours`` hours at the posted ask.

    ``rank`` is the offering's place among the ``considered`` ones that the order accepts within its limit, 1 being
    the cheapest: the places before it had too few cards. An auction ranks orders, not offerings: its fills have 0.
    """

    order_id: UUID
    offering_id: UUID
    start_hour: int
    hours: int
    count: int
    price_micro: int
    rank: int
    considered: int


@dataclass(frozen=True, slots=True)
class Unmatched:
    """An order that got nothing, why, and in ``detail`` what would have matched.

    REFUSED, NOT_DOMESTIC, MEMORY, INTERCONNECT, PUE, GREEN, RELIABILITY, RING: ``without``, how many offerings the
    order would accept but for this condition, and ``nearest``, what the best of them has; no detail where that alone
    would not do.
    WINDOW: ``start_hour``, the first hour of the book at which an acceptable offering is open for long enough.
    PRICE_GAP: ``lowest_ask_micro`` and ``start_hour``, the cheapest offering with room, above the limit.
    PARTS: ``card_hours``, what the parts that fit add up to.
    CAPACITY, OUTRANKED: ``free_cards``, the most that one offering has free for all the hours, and ``start_hour``,
    from when.
    A key is left out where nothing would do. ``lowest_ask_micro`` of an order by performance is for all its cards.
    """

    order_id: UUID
    reason: Reason
    detail: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Outcome:
    """Every order of a run, in the order of submission within each part.

    One that is split has several matches, and is unmatched as well if it wants more and may still get it.
    """

    matches: tuple[Fill, ...]
    unmatched: tuple[Unmatched, ...]
