"""One PostgreSQL and one Valkey for a whole test run, whatever the number of its workers."""

import atexit
import contextlib
import os
import shutil
import tempfile
from pathlib import Path

import psutil
import psycopg

from config.runtime import Postgres, Valkey
from config.runtime.postgres import APPLICATION, OWNER

PREFIX = "suanyi-tests-"
HOME = "SUANYI_TESTS_HOME"


def start_or_join() -> None:
    """Point the settings of this process at the servers, starting them unless a worker of xdist finds them running."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "")
    if not worker:
        _start()
    home = Path(os.environ[HOME])
    os.environ |= Postgres(home).addresses()
    os.environ["REDIS_URL"] = Valkey(home).url(int(worker.removeprefix("gw") or 0))
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")


def postgres() -> Postgres:
    """Return the database server of the run."""
    return Postgres(Path(os.environ[HOME]))


def shared_home() -> Path:
    """Return the directory that all workers of the run share."""
    return Path(os.environ[HOME])


def fresh_home() -> Path:
    """Return an empty directory for other servers; it goes with the run."""
    return Path(tempfile.mkdtemp(dir=os.environ[HOME]))


def _start() -> None:
    """Start the servers in a directory named after this process, and clear up after runs that were killed."""
    _clear_up_after_the_dead()
    home = Path(tempfile.gettempdir()) / f"{PREFIX}{os.getpid()}"
    atexit.register(_stop, home)
    database = Postgres(home, durable=False)
    database.start()
    with psycopg.connect(database.superuser_url(), autocommit=True) as superuser:
        superuser.execute(f"GRANT {APPLICATION} TO {OWNER}")  # see tests.owning
    Valkey(home).start()
    os.environ[HOME] = str(home)


def _stop(home: Path) -> None:
    """Stop the servers and remove their files."""
    Postgres(home).stop()
    Valkey(home).stop()
    shutil.rmtree(home, ignore_errors=True)


def _clear_up_after_the_dead() -> None:
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = home.name.removeprefix(PREFIX)
        if not pid.isdigit() or psutil.pid_exists(int(pid)):
            continue
        with contextlib.suppress(FileNotFoundError):  # two runs that start together clear up after the same dead
            if home.stat().st_uid == os.geteuid():
                _stop(home)
