"""Share the embedded servers between commands: the first one in starts them, the last one out stops them."""

import fcntl
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from config.runtime import places, seats
from config.runtime.places import default_home
from config.runtime.postgres import Postgres
from config.runtime.server import Server
from config.runtime.valkey import Valkey

VARIABLES: dict[str, type[Postgres] | type[Valkey]] = {"DATABASE_URL": Postgres, "REDIS_URL": Valkey}


class EmbeddedServersRefused(RuntimeError):
    """Production runs on servers that somebody looks after."""


def is_embedded(database: Mapping[str, Any]) -> bool:
    """Tell whether a database of Django's settings is the embedded one; production has none."""
    ours = Postgres(default_home())
    if os.environ.get("SUANYI_ENV") == "production" or not ours.known:
        return False
    return (database["HOST"], str(database["PORT"])) == (seats.LOOPBACK, str(ours.seat.port))


@contextmanager
def serving(home: Path | None = None) -> Iterator[None]:
    """Export ``DATABASE_URL`` and ``REDIS_URL`` for the block, from embedded servers where they are not set.

    The embedded database is exported with its owner's address as well, ``DATABASE_OWNER_URL``.

    :raises EmbeddedServersRefused: in production.
    """
    missing = {name: server for name, server in VARIABLES.items() if not os.environ.get(name)}
    if missing and os.environ.get("SUANYI_ENV") == "production":
        raise EmbeddedServersRefused(f"set {' and '.join(missing)}: production does not run on embedded servers")
    with ExitStack() as stack:
        for server in missing.values():
            running = server(home or default_home())
            stack.enter_context(_shared(running))
            stack.enter_context(_exported(running.addresses()))
        yield


@contextmanager
def _shared(server: Server) -> Iterator[None]:
    """Hold a share of a server: whoever gives back the last one stops what a sharer started."""
    places.make_home(server.home)
    started_by_us = server.home / f"{server.name}.shared"
    with (server.home / f"{server.name}.users").open("w") as users:
        fcntl.flock(users, fcntl.LOCK_SH)
        if server.start():
            started_by_us.touch()
        try:
            yield
        finally:
            if _is_last(users.fileno()) and started_by_us.exists():
                server.stop()
                started_by_us.unlink()


def _is_last(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def _exported(addresses: dict[str, str]) -> Iterator[None]:
    os.environ.update(addresses)
    try:
        yield
    finally:
        for name in addresses:
            del os.environ[name]
