"""The small types that parameters are written in: each says its unit and its range, and so does the JSON schema."""

from datetime import date
from typing import Annotated

from msgspec import Meta, Struct

MOST_FEN = 10**17

Fen = Annotated[int, Meta(ge=0, le=MOST_FEN, description="An amount in fen.")]
PositiveFen = Annotated[int, Meta(ge=1, le=MOST_FEN, description="An amount in fen, more than nothing.")]
Bp = Annotated[int, Meta(ge=0, le=10_000, description="A share in basis points: 10,000 is all.")]
PositiveBp = Annotated[int, Meta(ge=1, le=10_000, description="A share in basis points, more than nothing.")]
Days = Annotated[int, Meta(ge=0, le=36_525, description="A number of days.")]
PositiveDays = Annotated[int, Meta(ge=1, le=36_525, description="A number of days, at least one.")]
Years = Annotated[int, Meta(ge=0, le=100, description="A number of years.")]
Count = Annotated[int, Meta(ge=0, le=1_000_000, description="A number of things.")]
PositiveCount = Annotated[int, Meta(ge=1, le=1_000_000, description="A number of things, at least one.")]
Year = Annotated[int, Meta(ge=2000, le=2200, description="A calendar year.")]
Code = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Z0-9][A-Z0-9_-]*$", description="A short code.")]
Slug = Annotated[str, Meta(min_length=1, max_length=40, pattern=r"^[A-Za-z0-9_-]+$", description="A programme's code.")]
Category = Annotated[str, Meta(min_length=1, max_length=16, description="The category of a line of spending.")]
Line = Annotated[str, Meta(max_length=200, description="A short text.")]
Name = Annotated[str, Meta(min_length=1, max_length=120, description="A name.")]
Prose = Annotated[str, Meta(max_length=10_000, description="A text.")]


class Group(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A group of parameters: never changed, and refusing names that it does not know."""


class Window(Group, frozen=True, kw_only=True):
    """Days on which something is open: from ``opens_on``, and no more on ``closes_on``."""

    opens_on: date
    closes_on: date

    def __contains__(self, on: date) -> bool:
        return self.opens_on <= on < self.closes_on


class Span(Group, frozen=True, kw_only=True):
    """A period as a document prints it: its first and its last day."""

    first_on: date
    last_on: date
