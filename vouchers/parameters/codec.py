"""Parameters as JSON and back, losing nothing, with a schema for whoever writes them elsewhere. Pure."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from vouchers.parameters import Parameters
from vouchers.parameters.checks import Problem, contradictions

MOST_BYTES = 200_000
PATTERNS = [
    (re.compile(r"Object missing required field `(?P<name>.+?)`"), "MISSING"),
    (re.compile(r"Object contains unknown field `(?P<name>.+?)`"), "UNKNOWN"),
    (re.compile(r"Invalid enum value (?P<given>.+?)(?: - at|$)"), "NOT_A_CHOICE"),
    (re.compile(r"Invalid value (?P<given>.+?)(?: - at|$)"), "NOT_A_CHOICE"),
    (re.compile(r"Expected `(?P<kind>\w+)` (?P<sign><=|>=|<|>) (?P<limit>-?\d+)"), "OUT_OF_RANGE"),
    (re.compile(r"Expected `(?P<kind>\w+)` of length (?P<sign><=|>=|==) (?P<limit>\d+)"), "WRONG_LENGTH"),
    (re.compile(r"Expected `(?P<kind>.+?)` matching regex"), "WRONG_FORM"),
    (re.compile(r"Invalid RFC3339 encoded date|Invalid date"), "NOT_A_DATE"),
    (re.compile(r"Expected `(?P<kind>.+?)`, got `(?P<given>.+?)`"), "WRONG_TYPE"),
]
PLACE = re.compile(r" - at `\$\.?(?P<path>.*?)`$")


class BadParameters(ValueError):
    """The parameters cannot be read, or contradict each other; ``problems`` says where and how."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(f"{problem.path}: {problem.code}" for problem in problems))
        self.problems = problems


def load(document: Any) -> Parameters:
    """Return the parameters that a JSON object holds, once nothing in them contradicts anything else.

    :raises BadParameters: if it holds none, or they do not fit together.
    """
    parameters = read(document)
    require_coherent(parameters)
    return parameters


def require_coherent(parameters: Parameters) -> None:
    """Check that nothing in parameters contradicts anything else.

    :raises BadParameters: if something does.
    """
    problems = contradictions(parameters) + _unwritable(dump(parameters))
    if problems:
        raise BadParameters(problems)


def read(document: Any) -> Parameters:
    """Return the parameters that a JSON object holds, without asking whether they fit together.

    :raises BadParameters: if a value is missing, unknown, of another type or out of range.
    """
    try:
        return msgspec.convert(document, Parameters)
    except msgspec.ValidationError as error:
        raise BadParameters([problem_of(error)]) from error
    except RecursionError as error:
        raise BadParameters([Problem("", "TOO_DEEP", {})]) from error


def loads(text: str | bytes) -> Parameters:
    """Return the parameters that a JSON text holds; as ``load``.

    :raises BadParameters: if it is no JSON, or as ``load`` does.
    """
    return load(document(text))


def document(text: str | bytes) -> Any:
    """Return what a JSON text holds, whatever that is.

    :raises BadParameters: if it is no JSON, or longer than parameters are.
    """
    if len(text) > MOST_BYTES:
        raise BadParameters([Problem("", "TOO_LONG", {"limit": str(MOST_BYTES)})])
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadParameters([Problem("", "NOT_JSON", {})]) from error


def dump(parameters: Parameters) -> dict[str, Any]:
    """Return parameters as a JSON object that says everything, defaults included."""
    document: dict[str, Any] = msgspec.to_builtins(parameters)
    return document


def dumps(parameters: Parameters) -> str:
    """Return parameters as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(parameters), indent=2).decode()


def schema() -> dict[str, Any]:
    """Return the JSON schema (2020-12) of parameters."""
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **msgspec.json.schema(Parameters)}


def changed(parameters: Parameters, values: Mapping[str, Any]) -> Parameters:
    """Return parameters with some of them replaced, each named by its path: ``{"money.budget_fen": 1}``.

    :raises BadParameters: if the outcome is none.
    """
    document = dump(parameters)
    for path, value in values.items():
        *groups, name = path.split(".")
        group = document
        for step in groups:
            group = group[step]
        group[name] = value
    return load(document)


def _unwritable(value: Any, path: str = "") -> list[Problem]:
    """Find characters that no database keeps: the null character, and halves of others."""
    if isinstance(value, str):
        broken = any(letter == "\0" or "\ud800" <= letter <= "\udfff" for letter in value)
        return [Problem(path, "NOT_TEXT", {})] if broken else []
    if isinstance(value, list | tuple):
        return [problem for number, part in enumerate(value) for problem in _unwritable(part, f"{path}[{number}]")]
    if isinstance(value, dict):
        return [one for name, part in value.items() for one in _unwritable(part, f"{path}.{name}".lstrip("."))]
    return []


def problem_of(error: msgspec.ValidationError) -> Problem:
    """Return where a document cannot be read, and why."""
    message = str(error)
    place = PLACE.search(message)
    path = place["path"] if place else ""
    for pattern, code in PATTERNS:
        match = pattern.search(message)
        if match:
            given = {name: value for name, value in match.groupdict().items() if value is not None}
            return Problem(".".join(filter(None, [path, given.get("name")])), code, given)
    return Problem(path, "UNREADABLE", {})
