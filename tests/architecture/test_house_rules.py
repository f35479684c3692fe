"""House rules that no linter knows. Each finds a planted violation, so that an empty answer means something."""

import ast
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

from config.runtime.places import CHECKOUT

ROOMS = ["accounts", "benchmarks", "billing", "config", "core", "ledger", "market", "portal", "sdk", "vouchers"]
MONEY_ROOMS = ("billing/", "core/money.py", "ledger/", "vouchers/")
LONGEST_FILE = 300
LONGEST_FUNCTION = 40
ONE_FILE = "sdk/verify/suanyi_verify.py"  # auditors carry it alone, so nothing of it may live elsewhere

Rule = Callable[[ast.AST], bool]


@cache
def sources() -> dict[str, str]:
    """Return the text of every file of ours that is neither a test nor a migration."""
    paths = [CHECKOUT / "manage.py", *(path for room in ROOMS for path in (CHECKOUT / room).rglob("*.py"))]
    ours = [path for path in paths if "migrations" not in path.parts and "tests" not in path.parts]
    return {str(path.relative_to(CHECKOUT)): path.read_text(encoding="utf-8") for path in ours}


@cache
def nodes(text: str) -> list[ast.stmt | ast.expr]:
    """Return all statements and expressions of a text."""
    return [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.stmt | ast.expr)]


def places(rule: Rule, text: str) -> list[int]:
    """Return the lines at which a rule is broken."""
    return [node.lineno for node in nodes(text) if rule(node)]


def breaches(rule: Rule, *, only: tuple[str, ...] = ("",), but: tuple[str, ...] = ()) -> Iterator[str]:
    """Yield every place of the product, or of the rooms named, that breaks a rule."""
    for path, text in sources().items():
        if path.startswith(only) and not path.startswith(but):
            yield from (f"{path}:{line}" for line in places(rule, text))


def calls(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name


def passes(node: ast.AST, *names: str) -> bool:
    return isinstance(node, ast.Call) and any(keyword.arg in names for keyword in node.keywords)


def changes_a_status_without_move_to(node: ast.AST) -> bool:
    return calls(node, "update") and passes(node, "status")


def reads_the_clock(node: ast.AST) -> bool:
    owner = node.value if isinstance(node, ast.Attribute) else None
    name = owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")
    return (
        isinstance(node, ast.Attribute)
        and node.attr in {"now", "today", "utcnow", "localdate", "localtime"}
        and name in {"timezone", "datetime", "date"}
    )


def postpones_a_task(node: ast.AST) -> bool:
    return calls(node, "delay") or passes(node, "countdown", "eta")


def makes_a_float(node: ast.AST) -> bool:
    literal = isinstance(node, ast.Constant) and isinstance(node.value, float)
    return literal or (isinstance(node, ast.Name) and node.id == "float")


def is_a_long_function(node: ast.AST) -> bool:
    is_function = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    return is_function and (node.end_lineno or 0) - node.lineno >= LONGEST_FUNCTION


@pytest.mark.parametrize(
    ("rule", "planted"),
    [
        (changes_a_status_without_move_to, "Order.objects.filter(pk=1).update(status='open')"),
        (reads_the_clock, "timezone.now()"),
        (reads_the_clock, "datetime.datetime.now(UTC)"),
        (reads_the_clock, "Field(default=timezone.now)"),
        (reads_the_clock, "date.today()"),
        (postpones_a_task, "task.delay(1)"),
        (postpones_a_task, "task.apply_async(countdown=3)"),
        (postpones_a_task, "task.apply_async(eta=at)"),
        (makes_a_float, "fen = float(yuan) * 100"),
        (makes_a_float, "fen = 0.06 * gross"),
        (is_a_long_function, "def f():\n" + "    pass\n" * 40),
    ],
)
def test_every_rule_finds_what_it_forbids(rule: Rule, planted: str) -> None:
    assert len(places(rule, planted)) == 1


def test_only_move_to_changes_a_status() -> None:
    # Their set-based moves name the old status in the same statement, as move_to does for one row.
    set_based = ("ledger/services/posting.py", "market/models/moves.py")

    assert list(breaches(changes_a_status_without_move_to, but=("core/models.py", *set_based))) == []


def test_only_the_clock_reads_the_time() -> None:
    assert list(breaches(reads_the_clock, but=("benchmarks/", "core/clock.py"))) == []


def test_no_task_is_postponed_in_the_broker() -> None:
    assert list(breaches(postpones_a_task)) == []


def test_money_is_never_a_float() -> None:
    assert list(breaches(makes_a_float, only=MONEY_ROOMS)) == []


def test_functions_are_short() -> None:
    assert list(breaches(is_a_long_function)) == []


def test_files_are_short() -> None:
    lengths = {path: len(text.splitlines()) for path, text in sources().items() if path != ONE_FILE}

    assert {path: lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_names_say_what_is_inside() -> None:
    empty_words = {"utils", "util", "common", "helpers", "helper", "misc", "scripts"}

    assert [path for path in sources() if empty_words & {Path(path).stem, *Path(path).parts}] == []
