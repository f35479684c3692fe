"""Measure no coverage while Django and psycopg do for themselves what it takes to ask the database.

Nine of ten lines that a test runs are a library's: they are not measured, but slow down for the tracer. The methods
named here call nothing of ours but what is named as well, so the tracer is away meanwhile and measures the same.
"""

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

import psycopg
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper
from django.db.models import Model, QuerySet
from django.db.models.manager import BaseManager
from django.db.models.sql.compiler import SQLCompiler

from vouchers.models.parameters import ParametersField

THEIRS: dict[Any, str] = {
    QuerySet: "_annotate _chain _fetch_all _filter_or_exclude _insert aggregate count exists get order_by"
    " select_related update values values_list",
    BaseManager: "get_queryset",
    SQLCompiler: "as_sql",
    BaseDatabaseWrapper: "cursor savepoint savepoint_commit savepoint_rollback",
    CursorWrapper: "execute executemany",
    psycopg.Cursor: "execute executemany",
}
OURS: dict[Any, str] = {ParametersField: "from_db_value get_prep_value get_db_prep_value"}


class Away(threading.local):
    """Which tracer this thread goes without for a moment."""

    tracer: Any = None


_away = Away()


def skip() -> None:
    """Do so in this process from now on."""
    _wrap(THEIRS, _untraced)
    Model.from_db = classmethod(_untraced(Model.from_db.__func__))  # type: ignore[attr-defined]
    _wrap(OURS, _traced)


def _wrap(methods: dict[Any, str], wrapped: Callable[[Any], Any]) -> None:
    for owner, names in methods.items():
        for name in names.split():
            setattr(owner, name, wrapped(getattr(owner, name)))


# The tracer counts calls and returns: it goes and comes back in one and the same frame.


def _untraced(function: Any) -> Any:
    @wraps(function)
    def untraced(*args: Any, **kwargs: Any) -> Any:
        tracer = sys.gettrace()
        if tracer is None:
            return function(*args, **kwargs)
        before, _away.tracer = _away.tracer, tracer
        sys.settrace(None)
        try:
            return function(*args, **kwargs)
        finally:
            _away.tracer = before
            sys.settrace(tracer)
            _call()

    return untraced


def _traced(function: Any) -> Any:
    @wraps(function)
    def traced(*args: Any, **kwargs: Any) -> Any:
        if _away.tracer is None or sys.gettrace() is not None:
            return function(*args, **kwargs)
        sys.settrace(_away.tracer)
        try:
            return function(*args, **kwargs)
        finally:
            sys.settrace(None)

    return traced


def _call() -> None:
    """Let the tracer come to itself: see ``tests.tracing``."""
