"""What differs between two versions of a programme, parameter by parameter. Pure."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from vouchers.parameters import Parameters, codec
from vouchers.parameters.checks import conditions
from vouchers.parameters.formulas import written

NAMED_BY = ("code", "district")


class Difference(NamedTuple):
    """A parameter by its path, before and after; ``None`` is what is not there."""

    path: str
    before: Any
    after: Any


def differences(before: Parameters, after: Parameters) -> list[Difference]:
    """Return every parameter that two versions do not share, in the order of the parameters.

    Lists of things with codes are compared thing by thing, so that a tier moved is no tier changed.
    """
    old, new = dict(flat("", readable(before))), dict(flat("", readable(after)))
    paths = list(dict.fromkeys([*old, *new]))
    return [Difference(path, old.get(path), new.get(path)) for path in paths if old.get(path) != new.get(path)]


def readable(parameters: Parameters) -> dict[str, Any]:
    """Return parameters as JSON in which conditions are texts."""
    document = codec.dump(parameters)
    for path, predicate in conditions(parameters).items():
        if predicate is not None:
            holder: Any = document
            *steps, name = path.replace("[", ".").replace("]", "").split(".")
            for step in steps:
                holder = holder[int(step)] if step.isdigit() else holder[step]
            holder[name] = written(predicate)
    return document


def flat(path: str, value: Any) -> Iterator[tuple[str, Any]]:
    """Yield every value of a JSON object with its path; things that have a code are named by it."""
    if isinstance(value, dict):
        for name, part in value.items():
            yield from flat(f"{path}.{name}".lstrip("."), part)
    elif _is_named(value):
        for part in value:
            yield from flat(f"{path}[{_name(part)}]", part)
    else:
        yield path, list(value) if isinstance(value, tuple) else value


def _is_named(value: Any) -> bool:
    parts = isinstance(value, list | tuple) and bool(value)
    return parts and all(isinstance(part, dict) and _name(part) is not None for part in value)


def _name(part: dict[str, Any]) -> Any:
    return next((part[name] for name in NAMED_BY if name in part), None)
