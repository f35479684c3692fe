"""Conditions as people write and read them: ``is_sme and annual_contract_sum_fen <= 50000000``. Pure.

The text is a convenience: what is kept is the condition it stands for, and both have the same meaning.
"""

import re
from typing import Any

import msgspec

from vouchers.parameters.predicates import (
    Above,
    All,
    Among,
    AnyOf,
    AtLeast,
    AtMost,
    Below,
    Equals,
    Has,
    Is,
    Not,
    Predicate,
)

TOKEN = re.compile(r"\s*(?:(?P<word>[A-Za-z_]\w*)|(?P<number>-?\d+)|'(?P<text>[^']*)'|(?P<sign><=|>=|==|[<>()\[\],]))")
LONGEST = 2_000
SIGNS: dict[str, type] = {"<": Below, "<=": AtMost, ">": Above, ">=": AtLeast, "==": Equals}
WRITTEN = {kind: sign for sign, kind in SIGNS.items()}


class BadFormula(ValueError):
    """The text is no condition; it says where it stopped making sense."""


def parse(text: str) -> Predicate:
    """Return the condition that a text stands for.

    :raises BadFormula: if it stands for none.
    """
    reader = _Reader(text)
    predicate = reader.either()
    if reader.tokens:
        raise BadFormula(f"unexpected {reader.tokens[0][1]!r}")
    return predicate


def written(predicate: Predicate) -> str:
    """Return a condition as text; ``parse`` reads it back to the same condition."""
    if isinstance(predicate, All | AnyOf):
        word = " and " if isinstance(predicate, All) else " or "
        return "(" + word.join(written(part) for part in predicate.of) + ")"
    if isinstance(predicate, Not):
        return f"not {written(predicate.of)}"
    if isinstance(predicate, Is):
        return predicate.fact
    if isinstance(predicate, Among):
        return f"{predicate.fact} in [{', '.join(map(repr, predicate.values))}]"
    if isinstance(predicate, Has):
        return f"{predicate.fact} has {predicate.value!r}"
    return f"{predicate.fact} {WRITTEN[type(predicate)]} {predicate.value}"


def document_of(text: str) -> Any:
    """Return the JSON object of the condition that a text stands for.

    :raises BadFormula: if it stands for none.
    """
    return msgspec.to_builtins(parse(text))


def of_document(document: Any) -> str:
    """Return the condition that a JSON object is as text."""
    return written(msgspec.convert(document, Predicate))


class _Reader:
    """Reads tokens by recursive descent; parentheses are the only nesting, and as deep as the text allows."""

    def __init__(self, text: str) -> None:
        if len(text) > LONGEST:
            raise BadFormula(f"longer than {LONGEST} characters")
        self.tokens = _tokens(text)
        self.depth = 0

    def either(self) -> Predicate:
        parts = [self.both()]
        while self.takes("or"):
            parts.append(self.both())
        return parts[0] if len(parts) == 1 else AnyOf(of=tuple(parts))

    def both(self) -> Predicate:
        parts = [self.one()]
        while self.takes("and"):
            parts.append(self.one())
        return parts[0] if len(parts) == 1 else All(of=tuple(parts))

    def one(self) -> Predicate:
        self.depth += 1
        if self.depth > 100:
            raise BadFormula("too many parts")
        if self.takes("not"):
            return Not(of=self.one())
        if self.takes("("):
            inner = self.either()
            self.needs(")")
            return inner
        return self.fact(self.next("word"))

    def fact(self, name: str) -> Predicate:
        if self.takes("in"):
            return Among(fact=name, values=self.words())
        if self.takes("has"):
            return Has(fact=name, value=self.next("text"))
        sign = self.tokens[0][1] if self.tokens else ""
        if sign not in SIGNS:
            return Is(fact=name)
        self.tokens.pop(0)
        if sign == "==" and self.tokens and self.tokens[0][0] == "text":
            return Among(fact=name, values=(self.next("text"),))
        kind: Any = SIGNS[sign]
        compared: Predicate = kind(fact=name, value=int(self.next("number")))
        return compared

    def words(self) -> tuple[str, ...]:
        self.needs("[")
        found = [self.next("text")]
        while self.takes(","):
            found.append(self.next("text"))
        self.needs("]")
        return tuple(found)

    def takes(self, token: str) -> bool:
        if self.tokens and self.tokens[0][0] != "text" and self.tokens[0][1] == token:
            self.tokens.pop(0)
            return True
        return False

    def needs(self, token: str) -> None:
        if not self.takes(token):
            raise BadFormula(f"{token!r} is missing")

    def next(self, kind: str) -> str:
        if not self.tokens or self.tokens[0][0] != kind:
            raise BadFormula(f"a {kind} is missing")
        return self.tokens.pop(0)[1]


def _tokens(text: str) -> list[tuple[str, str]]:
    found, place = [], 0
    text = text.rstrip()
    while place < len(text):
        match = TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise BadFormula(f"unexpected {text[place:].strip()[:10]!r}")
        found.append((match.lastgroup, match[match.lastgroup]))
        place = match.end()
    return found
