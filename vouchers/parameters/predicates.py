"""Conditions as data: a small language over whitelisted facts, evaluated by one function and by nothing else. Pure.

Its logic has three values. A fact that is not known makes a comparison neither true nor false (``None``), and only
what is true applies: nobody gets a better ratio for what they did not prove, and ``not`` proves nothing either.
"""

from collections.abc import Callable, Iterator
from operator import eq, ge, gt, le, lt
from typing import Annotated, Any, Final, TypeAlias

from msgspec import Meta, Struct

from vouchers.parameters.facts import KINDS, Facts

DEEPEST: Final = 8
MOST_NODES: Final = 64
Word: TypeAlias = Annotated[str, Meta(min_length=1, max_length=80)]
FactName: TypeAlias = Annotated[str, Meta(min_length=1, max_length=40)]


class Node(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="op"):
    """A part of a condition."""


class All(Node, frozen=True, kw_only=True, tag="all"):
    """Every part holds."""

    of: Annotated[tuple["Predicate", ...], Meta(min_length=1, max_length=16)]


class AnyOf(Node, frozen=True, kw_only=True, tag="any"):
    """At least one part holds."""

    of: Annotated[tuple["Predicate", ...], Meta(min_length=1, max_length=16)]


class Not(Node, frozen=True, kw_only=True, tag="not"):
    """The part is known not to hold."""

    of: "Predicate"


class Is(Node, frozen=True, kw_only=True, tag="is"):
    """A truth is so."""

    fact: FactName


class Compares(Node, frozen=True, kw_only=True):
    """A fact beside a number."""

    fact: FactName
    value: Annotated[int, Meta(ge=-(10**18), le=10**18)]


class Below(Compares, frozen=True, kw_only=True, tag="lt"):
    """The fact is smaller."""


class AtMost(Compares, frozen=True, kw_only=True, tag="le"):
    """The fact is not larger."""


class Above(Compares, frozen=True, kw_only=True, tag="gt"):
    """The fact is larger."""


class AtLeast(Compares, frozen=True, kw_only=True, tag="ge"):
    """The fact is not smaller."""


class Equals(Compares, frozen=True, kw_only=True, tag="eq"):
    """The fact is this number."""


class Among(Node, frozen=True, kw_only=True, tag="in"):
    """A word is one of these."""

    fact: FactName
    values: Annotated[tuple[Word, ...], Meta(min_length=1, max_length=200)]


class Has(Node, frozen=True, kw_only=True, tag="has"):
    """A set of words contains this one."""

    fact: FactName
    value: Word


Predicate: TypeAlias = All | AnyOf | Not | Is | Below | AtMost | Above | AtLeast | Equals | Among | Has
COMPARE: dict[Any, Callable[[int, int], bool]] = {Below: lt, AtMost: le, Above: gt, AtLeast: ge, Equals: eq}
NEEDS: dict[Any, type] = {Is: bool, Among: str, Has: tuple} | dict.fromkeys(COMPARE, int)


class Flaw(Struct, frozen=True):
    """What is wrong with a condition: a code, and the name or number at fault."""

    code: str
    given: str


def holds(predicate: "Predicate | None", facts: Facts) -> bool | None:
    """Say whether a condition holds of these facts; ``None`` if they do not tell. No condition always holds."""
    return True if predicate is None else EVALUATE[type(predicate)](predicate, facts)


def _all(predicate: All, facts: Facts) -> bool | None:
    answer: bool | None = True
    for part in predicate.of:
        held = EVALUATE[type(part)](part, facts)
        if held is False:
            return False
        if held is None:
            answer = None
    return answer


def _any(predicate: AnyOf, facts: Facts) -> bool | None:
    answer: bool | None = False
    for part in predicate.of:
        held = EVALUATE[type(part)](part, facts)
        if held:
            return True
        if held is None:
            answer = None
    return answer


def _not(predicate: Not, facts: Facts) -> bool | None:
    held = EVALUATE[type(predicate.of)](predicate.of, facts)
    return None if held is None else not held


def _is(predicate: Is, facts: Facts) -> bool | None:
    known: bool | None = getattr(facts, predicate.fact, None)
    return known


def _compares(predicate: Any, facts: Facts) -> bool | None:
    known = getattr(facts, predicate.fact, None)
    return None if known is None else bool(COMPARE[type(predicate)](known, predicate.value))


def _among(predicate: Among, facts: Facts) -> bool | None:
    known = getattr(facts, predicate.fact, None)
    return None if known is None else known in predicate.values


def _has(predicate: Has, facts: Facts) -> bool | None:
    known = getattr(facts, predicate.fact, None)
    return None if known is None else predicate.value in known


EVALUATE: dict[Any, Callable[[Any, Facts], bool | None]] = {
    All: _all,
    AnyOf: _any,
    Not: _not,
    Is: _is,
    Among: _among,
    Has: _has,
    **dict.fromkeys(COMPARE, _compares),
}


def flaws(predicate: "Predicate | None") -> list[Flaw]:
    """Return what is wrong with a condition: facts nobody knows, facts of another kind, or too large to be read."""
    if predicate is None:
        return []
    nodes = list(walk(predicate))
    found = [flaw for node, _depth in nodes for flaw in _misused(node)]
    if len(nodes) > MOST_NODES:
        found.append(Flaw("PREDICATE_TOO_LARGE", str(MOST_NODES)))
    if max(depth for _node, depth in nodes) > DEEPEST:
        found.append(Flaw("PREDICATE_TOO_DEEP", str(DEEPEST)))
    return found


def walk(predicate: "Predicate", depth: int = 1) -> Iterator[tuple["Predicate", int]]:
    """Yield every part of a condition with its depth."""
    yield predicate, depth
    inner = predicate.of if isinstance(predicate, All | AnyOf | Not) else ()
    for part in inner if isinstance(inner, tuple) else (inner,):
        yield from walk(part, depth + 1)


def _misused(node: Any) -> list[Flaw]:
    fact = getattr(node, "fact", None)
    if fact is None:
        return []
    if fact not in KINDS:
        return [Flaw("UNKNOWN_FACT", fact)]
    return [] if KINDS[fact] is NEEDS[type(node)] else [Flaw("FACT_OF_ANOTHER_KIND", fact)]
