"""Real servers for every test: one PostgreSQL and one Valkey per run, one database per worker."""

import gc
import os
from collections.abc import Iterator
from contextlib import ExitStack, nullcontext
from pathlib import Path

import django
import pytest
from django.conf import settings as django_settings
from django.contrib.auth.hashers import PBKDF2PasswordHasher
from django.db import connection
from django.test import TransactionTestCase
from django.utils import translation
from hypothesis import HealthCheck, settings
from pytest_django import DjangoDbBlocker

from config import roles
from config.demo import warming
from config.runtime import Valkey
from tests import copies, emptying, migrating, owning, servers, tracing
from tests.processes import Processes

# What is collected stays to the end: there is nothing to look for until then.
gc.disable()

# Before anything else: the conftest files of subdirectories import models, and settings want addresses.
servers.start_or_join()
django.setup()

from tests import frugal, libraries, unordered, verified  # noqa: E402 - they import models

verified.trust_forced_logins()
frugal.watch_pages()
libraries.skip()
unordered.turn_round()
# A thousandth of the work: what tests sign in with is no secret.
PBKDF2PasswordHasher.iterations //= 1000
# Each client makes the middleware anew; WhiteNoise need not look through all static files each time.
django_settings.WHITENOISE_AUTOREFRESH = True

# How long an example takes says how busy the machine is, not whether the product is right.
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")

COMPILING = pytest.StashKey[ExitStack]()
LONGEST = {"test_machine", "test_portal_pages", "test_api_contract", "test_faults", "test_up", "test_desk_pages"}


def pytest_xdist_auto_num_workers() -> int:
    """Run one worker more than there are processors: many tests wait for other processes."""
    return (os.cpu_count() or 1) + 1


def pytest_configure(config: pytest.Config) -> None:
    """Register a hook around fixtures of the session, to which none of a directory's is called."""
    config.pluginmanager.register(migrating)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Compile the auction's engine beside the migrations when all tests run, or each worker would do it for itself."""
    config = session.config
    if config.args == config.getini("testpaths") and not copies.of_a_worker():
        config.stash[COMPILING] = compiling = ExitStack()
        with tracing.untraced_processes():
            compiling.enter_context(warming.engine(servers.fresh_home()))


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Wait for the compiler if it is still at work."""
    session.config.stash.get(COMPILING, ExitStack()).close()


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Iterator[object]:
    """Collect in one worker after the other: what the first has compiled, the others read. Trace only what we wrote."""
    with copies.turn("collecting") if copies.of_a_worker() else nullcontext(), tracing.imports_alone():
        return (yield)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what takes longest: at the end one worker would be alone with it."""
    items.sort(key=lambda item: item.path.stem not in LONGEST)


def pytest_collection_finish() -> None:
    """Look for garbage again, but never through what was imported and collected: a look would take half a second."""
    gc.collect()
    gc.freeze()
    gc.enable()


@pytest.fixture(scope="session")
def its_turn() -> Iterator[ExitStack]:
    """Keep other workers waiting until the stack is closed."""
    with ExitStack() as turn:
        if copies.of_a_worker():
            turn.enter_context(copies.turn("migrating"))
        yield turn


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, its_turn: ExitStack) -> Iterator[None]:
    """Make the database of this worker as its owner, from that of the first if that is ready."""
    with roles.owning():
        if copies.of_a_worker():
            copies.use()
        yield


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, its_turn: ExitStack, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Let tests that really commit be emptied in a way that facts cannot refuse."""
    if copies.of_a_worker():
        with django_db_blocker.unblock():
            copies.keep()
    its_turn.close()
    emptying.remember()
    gc.collect()
    gc.freeze()  # the models of the migrations
    with pytest.MonkeyPatch.context() as patch, owning.not_owning():
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda _self: emptying.empty())
        yield


@pytest.fixture(autouse=True)
def _no_language_is_left() -> Iterator[None]:
    """Forget the language of the last request: Django keeps it for the thread, and the next test would speak it."""
    yield
    translation.deactivate()


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
def untraced_processes() -> Iterator[None]:
    """Let the processes of a test that is not about their lines run as fast as in production."""
    with tracing.untraced_processes():
        yield


@pytest.fixture
def processes(transactional_db: None, valkey: Valkey) -> Iterator[Processes]:
    """Give the test real workers and beats on its own database and broker."""
    database_url = servers.postgres().url(connection.settings_dict["NAME"])
    started = Processes(database_url=database_url, broker=valkey, environment={})
    yield started
    started.stop()
