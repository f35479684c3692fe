"""Parameters one after another, as people read them: by group, each with its path and its value. Pure."""

from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import inspect

from vouchers.parameters import Parameters
from vouchers.parameters.award import Award
from vouchers.parameters.differences import flat, readable
from vouchers.parameters.identity import Identity
from vouchers.parameters.money import Money
from vouchers.parameters.recorded import is_recorded
from vouchers.parameters.redemption import Validity

# What every programme says, so that nobody looks for it among what this one says besides.
ALWAYS = (
    "identity.code",
    "identity.name",
    "identity.mode",
    "identity.opens_on",
    "identity.closes_on",
    "money.budget_fen",
    "award.tiers",
    "award.eligible_categories",
    "validity.days",
)


class Written(NamedTuple):
    """A parameter by its path; ``usual`` says that its value is what a programme has that says nothing about it."""

    path: str
    value: Any
    usual: bool

    @property
    def is_recorded(self) -> bool:
        """Whether no code acts on it."""
        return is_recorded(self.path)


def written(parameters: Parameters) -> dict[str, list[Written]]:
    """Return every parameter by the name of its group, in the order of the parameters."""
    plain = dict(flat("", readable(_plain(parameters))))
    groups: dict[str, list[Written]] = {}
    for path, value in flat("", readable(parameters)):
        usual = not path.startswith(ALWAYS) and path in plain and plain[path] == value
        groups.setdefault(path.partition(".")[0], []).append(Written(path, value, usual))
    return groups


def _plain(parameters: Parameters) -> Parameters:
    """Return the programme that says only what every programme has to say."""
    identity, money, award = parameters.identity, parameters.money, parameters.award
    return Parameters(
        identity=Identity(
            code=identity.code, name=identity.name, opens_on=identity.opens_on, closes_on=identity.closes_on
        ),
        money=Money(budget_fen=money.budget_fen),
        award=Award(tiers=award.tiers, eligible_categories=award.eligible_categories),
        validity=Validity(days=parameters.validity.days),
    )


@lru_cache
def chosen() -> frozenset[str]:
    """Return the names of parameters whose values are choices, not words that somebody wrote."""
    return frozenset(_chosen(inspect.type_info(Parameters)))


def _chosen(kind: Any) -> Iterator[str]:
    for field in kind.fields:
        inner = _inner(field.type)
        if isinstance(inner, inspect.EnumType):
            yield field.name
        if isinstance(inner, inspect.StructType) and inner.tag is None:
            yield from _chosen(inner)


def _inner(kind: Any) -> Any:
    """Return what a type is of, without notes, lists and whether it may be absent."""
    while not isinstance(kind, inspect.StructType | inspect.EnumType):
        inner = (
            getattr(kind, "type", None)
            or getattr(kind, "item_type", None)
            or next(iter(getattr(kind, "types", ())), None)
        )
        if inner is None:
            return kind
        kind = inner
    return kind
