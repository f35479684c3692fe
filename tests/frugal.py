"""No page asks the database more than a few times, however many rows it shows: every page that any test opens."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

from django.db import connection
from django.test import Client

MOST_QUERIES = 15
PROGRAMS = "/api/"  # what programs ask for is counted by their own tests, with the key that they show
TRIALS = "/seller/offerings/imports/"  # brings a file in, line by line, and takes it back, to show what it would do


def watch_pages() -> None:
    """Count the queries of every page that a test opens in this process from now on."""
    Client.get = _counted(Client.get)  # type: ignore[method-assign]


def _counted(get: Any) -> Any:
    @wraps(get)
    def counted(client: Client, path: Any, *args: Any, **kwargs: Any) -> Any:
        with _counting() as asked:
            answer = get(client, path, *args, **kwargs)
        if answer.status_code == 200 and not kwargs.get("follow") and not str(path).startswith((PROGRAMS, TRIALS)):
            assert len(asked) <= MOST_QUERIES, "\n".join([f"{len(asked)} queries of {path}:", *asked])
        return answer

    return counted


@contextmanager
def _counting() -> Iterator[list[str]]:
    asked: list[str] = []

    def note(execute: Any, sql: Any, params: Any, many: bool, context: Any) -> Any:
        asked.append(str(sql)[:160])
        return execute(sql, params, many, context)

    with connection.execute_wrapper(note):
        yield asked
