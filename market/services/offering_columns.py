"""The columns of an offering's row in a file: how each is named, read and written."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from core.errors import DomainError
from core.money import format_micro, parse_scaled
from core.periods import SHANGHAI
from core.sheets import cells
from market.models import Accelerator, Category, Offering, Site
from market.models.offering import MOST_NOTICE_HOURS, MOST_PROVISIONING_MINUTES

MOST_NUMBER = 1_000_000
MOST_MICRO = 10**12
YEARS = range(2000, 2200)
MUST = object()
INSTANT = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})(?:[ T](\d{1,2}):(\d{2})(?::(\d{2})(?:\.(\d{1,6}))?)?)?")


class BadCell(DomainError):
    """What stands in a cell cannot be read."""

    code = "bad-cell"


@dataclass(frozen=True, slots=True)
class Place:
    """What the names in a file stand for: the sites of the provider by name, the card models by code."""

    sites: Mapping[str, Site]
    accelerators: Mapping[str, Accelerator]


Reader = Callable[[str, Place], Any]
Writer = Callable[[Any], str | int | None]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its name in files, its title for people, the term of an offering that it holds."""

    name: str
    title: Promise
    term: str
    read: Reader
    write: Writer
    meaning: Promise
    empty: Any = MUST

    @property
    def needed(self) -> bool:
        """Tell whether a new offering must have it."""
        return self.empty is MUST


def _name(most: int) -> Reader:
    def read(text: str, _place: Place) -> str:
        if len(text) > most:
            raise BadCell(_("At most %(most)d characters.") % {"most": most})
        if cells.mixes_writing(text):
            raise BadCell(_("Letters of different alphabets are mixed in one word."))
        return text

    return read


def _reference(text: str, place: Place) -> str:
    return str(_name(60)(cells.plain_width(text), place))


def _number(least: int, most: int) -> Reader:
    def read(text: str, _place: Place) -> int:
        digits = cells.plain_width(text)
        if not (digits.isascii() and digits.isdigit() and len(digits) < 12 and least <= int(digits) <= most):
            raise BadCell(_("A whole number from %(least)d to %(most)d.") % {"least": least, "most": most})
        return int(digits)

    return read


def _price(text: str, _place: Place) -> int:
    try:
        micro = parse_scaled(cells.plain_width(text).removeprefix("¥"), decimals=6)
    except ValueError as error:
        raise BadCell(_("A price in yuan with at most 6 decimals.")) from error
    if not 0 < micro <= MOST_MICRO:
        raise BadCell(_("Enter an amount above zero, within reason."))
    return micro


def _instant(text: str, _place: Place) -> datetime:
    found = INSTANT.fullmatch(cells.plain_width(text))
    wrong = BadCell(_("A day or an instant in Shanghai, like 2026-10-01 08:00."))
    if found is None or int(found[1]) not in YEARS:
        raise wrong
    try:
        year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
        microsecond = int((found[7] or "").ljust(6, "0"))
        local = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=SHANGHAI)
    except ValueError as error:
        raise wrong from error
    return local.astimezone(UTC)


def _site(text: str, place: Place) -> Site:
    if text not in place.sites:
        raise BadCell(_("You have no site of this name."))
    return place.sites[text]


def _accelerator(text: str, place: Place) -> Accelerator:
    code = cells.plain_width(text).casefold()
    if code not in place.accelerators:
        raise BadCell(_("There is no card model with this code."))
    return place.accelerators[code]


def _category(text: str, _place: Place) -> str:
    known = _categories()
    folded = cells.folded(text)
    if folded not in known:
        raise BadCell(_("One of %(known)s.") % {"known": ", ".join(Category.values)})
    return known[folded]


@cache
def _categories() -> dict[str, str]:
    """Return every name of a category, in every language, with its value."""
    return {name: one.value for one in Category for name in (cells.folded(one.value), *_in_all_languages(one.label))}


def _in_all_languages(text: Promise | str) -> list[str]:
    names = []
    for code, _label in settings.LANGUAGES:
        with translation.override(code):
            names.append(cells.folded(str(text)))
    return names


def _as_is(value: Any) -> str | int | None:
    return value if isinstance(value, int) or value is None else str(value)


def _written_price(micro: int) -> str:
    return format_micro(micro).replace(",", "")


def _written_instant(at: datetime | None) -> str:
    if at is None:
        return ""
    local = at.astimezone(SHANGHAI).replace(tzinfo=None)
    return local.isoformat(sep=" ", timespec="auto" if local.microsecond or local.second else "minutes")


def _code(accelerator: Accelerator) -> str:
    return str(accelerator.code)


COUNT, ANY = _number(1, MOST_NUMBER), gettext_lazy("Empty: no limit.")
COLUMNS = (
    Column(
        "reference",
        gettext_lazy("Own reference"),
        "reference",
        _reference,
        _as_is,
        gettext_lazy("Your own name of the offering; a row with a known one changes it, another makes a new one."),
    ),
    Column("name", gettext_lazy("Name"), "name", _name(120), _as_is, gettext_lazy("What buyers see.")),
    Column("site", gettext_lazy("Site"), "site", _site, _as_is, gettext_lazy("The name of one of your sites.")),
    Column(
        "model",
        gettext_lazy("Model"),
        "accelerator",
        _accelerator,
        _code,
        gettext_lazy("The code of the card model."),
    ),
    Column(
        "category",
        gettext_lazy("Category"),
        "category",
        _category,
        _as_is,
        gettext_lazy("GPU_TRAIN, GPU_INFER or HPC."),
    ),
    Column("cards", gettext_lazy("Cards"), "count", COUNT, _as_is, gettext_lazy("How many there are.")),
    Column(
        "price_yuan",
        gettext_lazy("Price (¥ per card-hour)"),
        "price_micro",
        _price,
        _written_price,
        gettext_lazy("With at most 6 decimals."),
    ),
    Column("opens_at", gettext_lazy("Opens"), "opens_at", _instant, _written_instant, gettext_lazy("Shanghai time.")),
    Column(
        "closes_at",
        gettext_lazy("Closes"),
        "closes_at",
        _instant,
        _written_instant,
        gettext_lazy("Empty: stays open."),
        empty=None,
    ),
    Column(
        "min_cards",
        gettext_lazy("Fewest cards of an order"),
        "min_count",
        COUNT,
        _as_is,
        gettext_lazy("Empty: 1."),
        empty=1,
    ),
    Column(
        "step_cards",
        gettext_lazy("Cards by which orders grow"),
        "step_count",
        COUNT,
        _as_is,
        gettext_lazy("Empty: 1."),
        empty=1,
    ),
    Column("max_cards", gettext_lazy("Most cards of an order"), "max_count", COUNT, _as_is, ANY, empty=None),
    Column("max_hours", gettext_lazy("Longest order (hours)"), "max_hours", COUNT, _as_is, ANY, empty=None),
    Column(
        "notice_hours",
        gettext_lazy("Notice before the start (hours)"),
        "notice_hours",
        _number(0, MOST_NOTICE_HOURS),
        _as_is,
        gettext_lazy("Empty: 0."),
        empty=0,
    ),
    Column(
        "provisioning_minutes",
        gettext_lazy("Time to provision (minutes)"),
        "provisioning_minutes",
        _number(0, MOST_PROVISIONING_MINUTES),
        _as_is,
        gettext_lazy("Empty: 0."),
        empty=0,
    ),
)
BY_TERM = {column.term: column for column in COLUMNS}


@cache
def names() -> dict[str, Column]:
    """Return every name by which a file may call a column: ours, and its title in every language."""
    return {name: column for column in COLUMNS for name in (column.name, *_in_all_languages(column.title))}


def row_of(offering: Offering) -> list[str | int | None]:
    """Return an offering as a row of a file."""
    return [column.write(getattr(offering, column.term)) for column in COLUMNS]
