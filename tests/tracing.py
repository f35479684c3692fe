"""Measure coverage only where it can grow: the tracer slows down whatever Python runs by a half.

What plays the same paths hundreds of times is measured the first times; what follows tests as before and adds nothing
to the measure, which can only come out lower for it.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from _pytest import python

STORIES = 10  # of a state machine, are measured
STARTERS = ["COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"]  # what makes a process that we start trace itself


@contextmanager
def untraced_processes() -> Iterator[None]:
    """Let no process trace itself that is started in the block: one that imports all of Django takes half as long."""
    starters = {name: os.environ.pop(name) for name in STARTERS if name in os.environ}
    try:
        yield
    finally:
        os.environ.update(starters)


@contextmanager
def paused() -> Iterator[None]:
    """Trace nothing in the block, neither in this thread nor in threads and processes that it starts."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    sys.settrace(None)
    threading.settrace(None)
    try:
        with untraced_processes():
            yield
    finally:
        threading.settrace(in_threads)
        _wake(here)


@contextmanager
def resumed(tracer: Any) -> Iterator[None]:
    """Trace in the block what a paused thread does; the tracer is what ``sys.gettrace`` returned before."""
    _wake(tracer)
    try:
        yield
    finally:
        sys.settrace(None)


@contextmanager
def imports_alone() -> Iterator[None]:
    """Trace nothing in the block but what modules of tests do, and import, when they are imported to be collected."""
    tracer, importing = sys.gettrace(), python.importtestmodule

    def traced(*args: Any) -> Any:
        with resumed(tracer):
            return importing(*args)

    with pytest.MonkeyPatch.context() as patch, paused():
        patch.setattr(python, "importtestmodule", traced)
        yield


def _wake(tracer: Any) -> None:
    sys.settrace(tracer)
    # Coverage's tracer comes to itself at a call; a return before one would be lost, and its caller's lines with it.
    _call()


def _call() -> None:
    pass
