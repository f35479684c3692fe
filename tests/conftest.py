"""Real servers for every test: one PostgreSQL and one Valkey per run, one database per worker."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.test import TransactionTestCase

from config.runtime import Valkey
from tests import emptying, servers

STARTED = pytest.StashKey[Path]()


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Start the servers in the first process; the workers of xdist find them through the environment."""
    worker = getattr(config, "workerinput", {}).get("workerid")
    if worker is None:
        config.stash[STARTED] = servers.start()
    servers.join(0 if worker is None else 1 + int(worker.removeprefix("gw")))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop what this process started."""
    if STARTED in config.stash:
        servers.stop(config.stash[STARTED])


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureDef) -> Iterator[None]:
    """Let tests that really commit be emptied in a way that facts cannot refuse."""
    emptying.remember()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _self: emptying.empty())
        yield


@pytest.fixture
def valkey(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Valkey]:
    """Give the test a broker of its own, to kill, to flush and to start again."""
    server = Valkey(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server
    server.stop()
