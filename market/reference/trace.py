"""Read the trace of a GPU cluster: its nodes and the tasks that ran on them.

The trace is Alibaba's cluster-trace-gpu-v2023 ("Beware of Fragmentation", USENIX ATC 2023, CC BY 4.0). It is not part
of the product: a directory that holds one ``*node_list*.csv`` and one ``*pod_list*.csv`` can be read here.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TypeVar

Row = dict[str, str]
Record = TypeVar("Record")

NODE_COLUMNS = frozenset({"sn", "gpu", "model"})
TASK_COLUMNS = frozenset(
    {"name", "num_gpu", "gpu_spec", "pod_phase", "creation_time", "scheduled_time", "deletion_time"}
)


class TraceError(ValueError):
    """The directory is not a readable trace; the message names the file and the line."""


class Phase(StrEnum):
    """How a task stood when the trace ended."""

    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    PENDING = "Pending"


@dataclass(frozen=True, slots=True)
class NodeFact:
    """A machine with ``cards`` cards of one model."""

    sn: str
    model: str
    cards: int


@dataclass(frozen=True, slots=True)
class TaskFact:
    """A task in whole seconds since the trace began; a share of a card counts as one card.

    No ``models`` means that any will do. A task that was never scheduled has no ``scheduled_s``; ``deleted_s`` is None
    for one that was not deleted within the trace.
    """

    name: str
    cards: int
    models: tuple[str, ...]
    created_s: int
    scheduled_s: int | None
    deleted_s: int | None
    phase: Phase

    @property
    def cpu_only(self) -> bool:
        """Return whether the task used no card at all."""
        return self.cards == 0


@dataclass(frozen=True, slots=True)
class Trace:
    """The nodes and the tasks, each in the order of its file."""

    nodes: tuple[NodeFact, ...]
    tasks: tuple[TaskFact, ...]


def read(directory: Path) -> Trace:
    """Read the trace in a directory.

    :raises TraceError: if a file is missing, or a line cannot be right.
    """
    nodes = tuple(_records(_the_file(directory, "*node_list*.csv"), NODE_COLUMNS, _node))
    tasks = tuple(_records(_the_file(directory, "*pod_list*.csv"), TASK_COLUMNS, _task))
    _check_distinct("node", (node.sn for node in nodes))
    _check_distinct("task", (task.name for task in tasks))
    return Trace(nodes, tasks)


def _the_file(directory: Path, pattern: str) -> Path:
    if not directory.is_dir():
        raise TraceError(f"{directory} is not a directory")
    found = sorted(directory.glob(pattern))
    if len(found) != 1:
        raise TraceError(f"{directory} holds {len(found)} files {pattern}: one was expected")
    return found[0]


def _records(path: Path, columns: frozenset[str], record: Callable[[Row], Record]) -> Iterator[Record]:
    try:
        rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines(), restval=""))
    except (UnicodeDecodeError, csv.Error) as error:
        raise TraceError(f"{path.name} is not a CSV text: {error}") from error
    missing = columns - set(rows[0] if rows else ())
    if missing:
        raise TraceError(f"{path.name} is empty or has no column {', '.join(sorted(missing))}")
    for line, row in enumerate(rows, start=2):
        try:
            yield record(row)
        except ValueError as error:
            raise TraceError(f"{path.name}, line {line}: {error}") from error


def _node(row: Row) -> NodeFact:
    node = NodeFact(row["sn"], row["model"], _count(row["gpu"]))
    if not (node.sn and node.model and node.cards):
        raise ValueError("a node needs a name, a model and at least one card")
    return node


def _task(row: Row) -> TaskFact:
    task = TaskFact(
        name=row["name"],
        cards=_count(row["num_gpu"]),
        models=_models(row["gpu_spec"]),
        created_s=_count(row["creation_time"]),
        scheduled_s=_second(row["scheduled_time"]),
        deleted_s=_second(row["deletion_time"]),
        phase=Phase(row["pod_phase"]),
    )
    _check_course(task)
    return task


def _check_course(task: TaskFact) -> None:
    """Refuse a task without a name, one that ran before it was created, and one that ran although it never did."""
    if not task.name:
        raise ValueError("a task needs a name")
    moments = [moment for moment in (task.created_s, task.scheduled_s, task.deleted_s) if moment is not None]
    if moments != sorted(moments):
        raise ValueError(f"{task.name} is created, scheduled and deleted in the order of {moments}")
    if (task.phase is Phase.PENDING) != (task.scheduled_s is None):
        raise ValueError(f"{task.name} is {task.phase} and scheduled at {task.scheduled_s}")


def _models(text: str) -> tuple[str, ...]:
    """Return the accepted models; the source repeats some of them."""
    return tuple(dict.fromkeys(model for model in text.split("|") if model))


def _count(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise ValueError(f"{text!r} is not a whole number")
    return int(text)


def _second(text: str) -> int | None:
    return _count(text) if text else None


def _check_distinct(what: str, names: Iterable[str]) -> None:
    twice = sorted(name for name, times in Counter(names).items() if times > 1)
    if twice:
        raise TraceError(f"{what} {twice[0]} comes twice")
