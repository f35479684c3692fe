"""The query language of the market search, as buyers of card-hours know it: ``gpu_name=A100 num_gpus>=4 price<12.5``.

Conditions stand side by side and must all hold. A condition is a field, an operator and a value; ``in`` takes a list in
brackets. Values with spaces are quoted. Full-width punctuation counts as its plain form. Whatever cannot be read is a
``Misread`` that names the word and its place.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from unicodedata import normalize

from core.money import parse_scaled

MOST_CHARACTERS = 500
MOST_CONDITIONS = 20
MOST_VALUES = 50
MOST_WHOLE = 1_000_000
MOST_MICRO = 10**12
MOST_BP = 10_000
MICRO_DECIMALS = 6
SHARE_DECIMALS = 2
RATIO_DECIMALS = 3
YEARS = range(2000, 2200)

Value = str | int | bool | date


class Kind(StrEnum):
    """What a field's values are."""

    TEXT = "text"
    WHOLE = "whole"
    PRICE = "price"
    SHARE = "share"
    RATIO = "ratio"
    SWITCH = "switch"
    CATEGORY = "category"
    DAY = "day"


class Operator(StrEnum):
    """How a field is compared."""

    EQUAL = "="
    UNEQUAL = "!="
    LESS = "<"
    AT_MOST = "<="
    MORE = ">"
    AT_LEAST = ">="
    IN = "in"


ALIKE = (Operator.EQUAL, Operator.UNEQUAL, Operator.IN)
OPERATORS = {
    Kind.TEXT: ALIKE,
    Kind.CATEGORY: ALIKE,
    Kind.SWITCH: (Operator.EQUAL, Operator.UNEQUAL),
    Kind.WHOLE: tuple(Operator),
    Kind.PRICE: tuple(Operator),
    Kind.SHARE: tuple(Operator),
    Kind.RATIO: tuple(Operator),
    Kind.DAY: tuple(Operator),
}
FIELDS = {
    "gpu_name": Kind.TEXT,
    "vendor": Kind.TEXT,
    "city": Kind.TEXT,
    "province": Kind.TEXT,
    "hub": Kind.TEXT,
    "site": Kind.TEXT,
    "provider": Kind.TEXT,
    "category": Kind.CATEGORY,
    "domestic": Kind.SWITCH,
    "num_gpus": Kind.WHOLE,
    "gpu_ram": Kind.WHOLE,
    "price": Kind.PRICE,
    "sch_price": Kind.PRICE,
    "start": Kind.DAY,
    "reliability": Kind.SHARE,
    "pue": Kind.RATIO,
    "green": Kind.SHARE,
}
"""Every field. Prices are in yuan, memory in GiB, days in Shanghai, shares in per cent."""

SWITCHES = dict.fromkeys(("true", "yes", "1", "是"), True) | dict.fromkeys(("false", "no", "0", "否"), False)
CATEGORIES = {
    "gpu_train": "GPU_TRAIN",
    "train": "GPU_TRAIN",
    "训练": "GPU_TRAIN",
    "gpu_infer": "GPU_INFER",
    "infer": "GPU_INFER",
    "推理": "GPU_INFER",
    "hpc": "HPC",
}


class Reason(StrEnum):
    """Why a query cannot be read."""

    TOO_LONG = "too-long"
    TOO_MANY = "too-many"
    UNKNOWN_FIELD = "unknown-field"
    UNKNOWN_OPERATOR = "unknown-operator"
    UNFIT_OPERATOR = "unfit-operator"
    MISSING_OPERATOR = "missing-operator"
    MISSING_VALUE = "missing-value"
    BAD_VALUE = "bad-value"
    BAD_LIST = "bad-list"
    OPEN_QUOTE = "open-quote"


class Misread(Exception):
    """A query that cannot be read: why, at which word, at which character (from 1), and what would do there."""

    def __init__(self, reason: Reason, word: str, position: int, expected: tuple[str, ...] = ()) -> None:
        super().__init__(f"{reason} at {position}: {word!r}")
        self.reason = reason
        self.word = word
        self.position = position
        self.expected = expected


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; only ``in`` has several values."""

    field: str
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a quoted text, an operator, a bracket, a comma, or the end."""

    kind: str
    text: str
    position: int


END = "end"
TOKEN = re.compile(
    r"""\s*(?:(?P<operator>[=<>!~＝＜＞！]+)|(?P<open>[\[［【])|(?P<close>[\]］】])|(?P<comma>[,，、])"""
    r"""|"(?P<double>[^"]*)"|'(?P<single>[^']*)'|“(?P<curly>[^“”]*)”|(?P<quote>["'“”])"""
    r"""|(?P<word>[^\s=<>!~＝＜＞！\[\]［］【】,，、"'“”]+))"""
)
QUOTED = ("double", "single", "curly")


def parse(text: str) -> tuple[Condition, ...]:
    """Read a query.

    :raises Misread: naming the first word that makes no sense.
    """
    if len(text) > MOST_CHARACTERS:
        raise Misread(Reason.TOO_LONG, text[:20], MOST_CHARACTERS + 1, (str(MOST_CHARACTERS),))
    reader = Reader(list(_tokens(text)))
    conditions: list[Condition] = []
    while reader.ahead.kind != END:
        if len(conditions) == MOST_CONDITIONS:
            raise Misread(Reason.TOO_MANY, reader.ahead.text, reader.ahead.position, (str(MOST_CONDITIONS),))
        conditions.append(reader.condition())
    return tuple(conditions)


def _tokens(text: str) -> Iterator[Token]:
    place = 0
    while match := TOKEN.match(text, place):
        kind = match.lastgroup or END
        position = match.start(kind) + 1
        if kind == "quote":
            raise Misread(Reason.OPEN_QUOTE, match[kind], position)
        yield Token("quoted" if kind in QUOTED else kind, match[kind], position)
        place = match.end()
    yield Token(END, "", len(text) + 1)


class Reader:
    """Reads tokens one after another."""

    def __init__(self, tokens: list[Token]) -> None:
        self.tokens = tokens
        self.place = 0

    @property
    def ahead(self) -> Token:
        """Return the token that comes next; after the last there is the end."""
        return self.tokens[min(self.place, len(self.tokens) - 1)]

    def take(self) -> Token:
        """Return the next token and go on."""
        token = self.ahead
        self.place += 1
        return token

    def condition(self) -> Condition:
        """Read a field, an operator and its value or values."""
        token = self.take()
        field = token.text.lower()
        if token.kind != "word" or field not in FIELDS:
            raise Misread(Reason.UNKNOWN_FIELD, token.text, token.position, tuple(FIELDS))
        operator = self.operator(FIELDS[field])
        values = self.values(FIELDS[field]) if operator is Operator.IN else (self.value(FIELDS[field]),)
        return Condition(field, operator, values)

    def operator(self, kind: Kind) -> Operator:
        """Read an operator that fits the kind of the field."""
        token = self.take()
        text = normalize("NFKC", token.text).lower()
        if token.kind == END or (token.kind != "operator" and text != Operator.IN):
            raise Misread(Reason.MISSING_OPERATOR, token.text, token.position, OPERATORS[kind])
        try:
            operator = Operator("=" if text == "==" else text)
        except ValueError as error:
            raise Misread(Reason.UNKNOWN_OPERATOR, token.text, token.position, OPERATORS[kind]) from error
        if operator not in OPERATORS[kind]:
            raise Misread(Reason.UNFIT_OPERATOR, token.text, token.position, OPERATORS[kind])
        return operator

    def values(self, kind: Kind) -> tuple[Value, ...]:
        """Read ``[value, value, …]``."""
        opening = self.take()
        if opening.kind != "open":
            raise Misread(Reason.BAD_LIST, opening.text, opening.position)
        found = [self.value(kind)]
        while (token := self.take()).kind == "comma" and len(found) < MOST_VALUES:
            found.append(self.value(kind))
        if token.kind != "close":
            raise Misread(Reason.BAD_LIST, token.text, token.position)
        return tuple(found)

    def value(self, kind: Kind) -> Value:
        """Read one value of a kind."""
        token = self.take()
        if token.kind not in ("word", "quoted"):
            raise Misread(Reason.MISSING_VALUE, token.text, token.position, (kind,))
        try:
            return READ[kind](token.text.strip())
        except (ValueError, KeyError) as error:
            raise Misread(Reason.BAD_VALUE, token.text, token.position, (kind,)) from error


def _text(text: str) -> str:
    if not text or "\x00" in text:
        raise ValueError("no text")
    text.encode("utf-8")  # a lone surrogate is no text
    return text


def _whole(text: str) -> int:
    return _within(parse_scaled(normalize("NFKC", text), decimals=0), MOST_WHOLE)


def _price(text: str) -> int:
    return _within(parse_scaled(normalize("NFKC", text), decimals=MICRO_DECIMALS), MOST_MICRO)


def _share(text: str) -> int:
    return _within(parse_scaled(normalize("NFKC", text).removesuffix("%"), decimals=SHARE_DECIMALS), MOST_BP)


def _ratio(text: str) -> int:
    return _within(parse_scaled(normalize("NFKC", text), decimals=RATIO_DECIMALS), MOST_WHOLE)


def _within(number: int, most: int) -> int:
    if not 0 <= number <= most:
        raise ValueError(f"not from 0 to {most}")
    return number


def _day(text: str) -> date:
    day = date.fromisoformat(text)
    if day.year not in YEARS:
        raise ValueError("not a year of our time")
    return day


READ: dict[Kind, Callable[[str], Value]] = {
    Kind.TEXT: _text,
    Kind.WHOLE: _whole,
    Kind.PRICE: _price,
    Kind.SHARE: _share,
    Kind.RATIO: _ratio,
    Kind.SWITCH: lambda text: SWITCHES[text.lower()],
    Kind.CATEGORY: lambda text: CATEGORIES[text.lower()],
    Kind.DAY: _day,
}
