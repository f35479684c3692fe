"""One worker migrates and the others copy its database: side by side, each would take twice as long."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from django.db import connection
from psycopg import sql

from tests import servers

MIGRATED = "suanyi_migrated"


def of_a_worker() -> bool:
    """Return whether this process is one of several."""
    return "PYTEST_XDIST_WORKER" in os.environ


@contextmanager
def turn(what: str) -> Iterator[None]:
    """Keep the other workers waiting during the block if they want to do the same."""
    with (servers.shared_home() / f"{what}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def use() -> None:
    """Let the database of this worker be made from the migrated one, if there is one already."""
    if _exists():
        connection.settings_dict["TEST"]["TEMPLATE"] = MIGRATED


def keep() -> None:
    """Copy the database of this worker for the others, unless that was done."""
    name = connection.settings_dict["NAME"]
    connection.close()
    if not _exists():
        command = sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(MIGRATED), sql.Identifier(name))
        _maintain(command)


def _exists() -> bool:
    return bool(_maintain(sql.SQL("SELECT 1 FROM pg_database WHERE datname = {}").format(MIGRATED)))


def _maintain(statement: sql.Composed) -> int:
    """Run a statement on the maintenance database; return how many rows it found."""
    with psycopg.connect(servers.postgres().owner_url("postgres"), autocommit=True) as maintenance:
        return maintenance.execute(statement).rowcount
