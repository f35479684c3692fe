"""Measure coverage only where it can grow: the tracer slows down whatever Python runs by a half.

What plays the same paths hundreds of times is measured the first times; what follows tests as before and adds nothing
to the measure, which can only come out lower for it.
"""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

STORIES = 25  # of a state machine, are measured
STARTERS = ["COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG"]  # what makes a process that we start trace itself


@contextmanager
def paused() -> Iterator[None]:
    """Trace nothing in the block, neither in this thread nor in threads and processes that it starts."""
    here, in_threads = sys.gettrace(), threading.gettrace()
    starters = {name: os.environ.pop(name) for name in STARTERS if name in os.environ}
    sys.settrace(None)
    threading.settrace(None)
    try:
        yield
    finally:
        os.environ.update(starters)
        threading.settrace(in_threads)
        sys.settrace(here)
