"""Many real threads that do the same thing at the same moment."""

from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

from django.db import connection, connections

from core.errors import DomainError
from tests import emptying
from tests.owning import as_owner

THREADS = 32


def race(act: Callable[[int], Any], *, threads: int = THREADS) -> Counter[str]:
    """Run ``act(number)`` in every thread at once and count the outcomes: ``ok``, or the code of the refusal."""
    start = Barrier(threads)

    def run(number: int) -> str:
        try:
            connection.ensure_connection()
            start.wait(timeout=60)
            act(number)
        except DomainError as refusal:
            return refusal.code
        finally:
            connections.close_all()
        return "ok"

    with ThreadPoolExecutor(threads) as pool:
        return Counter(pool.map(run, range(threads)))


@contextmanager
def without_constraint(table: str, name: str) -> Iterator[None]:
    """Take a guard away for a negative control, and put it back when the tables are empty."""
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = %s", [name])
        (definition,) = cursor.fetchone()
        cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
    try:
        yield
    finally:
        emptying.empty()
        with as_owner(), connection.cursor() as cursor:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")
