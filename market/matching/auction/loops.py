"""How loops are compiled: kept on disk, without the interpreter's lock, and without counting references.

A loop gets every array that it needs and makes none. So nothing has to be counted, which would cost more than the work
of the shorter loops: each row that is looked at would be an atomic increment and a decrement.
"""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

UNCOUNTED: Any = {"_nrt": False}
Loop = TypeVar("Loop", bound=Callable[..., Any])


def compiled(function: Loop) -> Loop:
    """Compile a function; what it calls must be compiled as well."""
    loop: Loop = njit(cache=True, nogil=True, **UNCOUNTED)(function)
    return loop


def built_in(function: Loop) -> Loop:
    """Compile a function into each place that calls it: for the few that are called for every slot."""
    loop: Loop = njit(cache=True, inline="always", **UNCOUNTED)(function)
    return loop
