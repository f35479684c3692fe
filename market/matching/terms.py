"""Levels that an order may ask an offering to reach, and who reaches them.

A level is an integer of which more is better: 1 for domestic cards, MiB of memory, MB/s between cards, a PUE below
zero. What nobody knows is below every level that can be asked for, so it never counts as enough.
"""

from dataclasses import dataclass
from enum import IntEnum

UNKNOWN = -(2**31)
"""The level of what is not known, and the level that asks for nothing."""


HIGHEST = 2**31 - 1
"""A level that is higher counts as this one, which is more than anybody may ask for."""


class Attribute(IntEnum):
    """What a level is about; the number is its place among the levels of an offering or an order."""

    DOMESTIC = 0
    MEMORY = 1
    INTERCONNECT = 2
    PUE = 3
    GREEN = 4
    RELIABILITY = 5


Levels = tuple[int, ...]
NOTHING: Levels = (UNKNOWN,) * len(Attribute)


def levels(**known: int | None) -> Levels:
    """Return levels by the names of their attributes in lower case; what is None or left out is not known."""
    given = {Attribute[name.upper()]: min(level, HIGHEST) for name, level in known.items() if level is not None}
    return tuple(given.get(attribute, UNKNOWN) for attribute in Attribute)


@dataclass(frozen=True, slots=True)
class Split:
    """How an order may be served in parts: how many more, of at least ``cards`` × ``hours``, ``card_hours`` in all.

    ``taken`` are the parts that it has got before: first hour, hour after the last, cards. It never runs on more cards
    at once than it wants in all.
    """

    parts: int
    cards: int
    hours: int
    card_hours: int
    all_or_none: bool = False
    taken: tuple[tuple[int, int, int], ...] = ()

    def __post_init__(self) -> None:
        if min(self.parts, self.cards, self.hours, self.card_hours) < 1:
            raise ValueError(f"an order is split into {self}: all of it starts at 1")

    @property
    def least(self) -> int:
        """Return the card-hours of the smallest part."""
        return self.cards * self.hours
