"""Real servers for every test: one PostgreSQL and one Valkey per run, one database per worker."""

from collections.abc import Iterator
from pathlib import Path

import django
import pytest
from django.db import connection
from django.test import TransactionTestCase

from config.runtime import Valkey
from tests import emptying, servers
from tests.processes import Processes

# Before anything else: the conftest files of subdirectories import models, and settings want addresses.
servers.start_or_join()
django.setup()

from tests import verified  # noqa: E402 - it imports models

verified.trust_forced_logins()


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Let tests that really commit be emptied in a way that facts cannot refuse."""
    emptying.remember()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _self: emptying.empty())
        yield


@pytest.fixture
def home() -> Path:
    """Return an empty directory in which servers can run, whoever runs the tests."""
    return servers.fresh_home()


@pytest.fixture
def valkey(home: Path) -> Iterator[Valkey]:
    """Give the test a broker of its own, to kill, to flush and to start again."""
    server = Valkey(home)
    server.start()
    yield server
    server.stop()


@pytest.fixture
def processes(transactional_db: None, valkey: Valkey) -> Iterator[Processes]:
    """Give the test real workers and beats on its own database and broker."""
    database_url = servers.postgres().url(connection.settings_dict["NAME"])
    started = Processes(database_url=database_url, broker=valkey, environment={})
    yield started
    started.stop()
