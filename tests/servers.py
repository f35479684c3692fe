"""One PostgreSQL and one Valkey for a whole test run, whatever the number of its workers."""

import os
import shutil
import tempfile
from pathlib import Path

import psutil

from config.runtime import Postgres, Valkey

PREFIX = "suanyi-tests-"
HOME = "SUANYI_TESTS_HOME"


def start() -> Path:
    """Start the servers in a directory named after this process, and clear up after runs that were killed."""
    _clear_up_after_the_dead()
    home = Path(tempfile.gettempdir()) / f"{PREFIX}{os.getpid()}"
    Postgres(home, durable=False).start()
    Valkey(home).start()
    os.environ[HOME] = str(home)
    return home


def join(number: int) -> None:
    """Point the settings of this process at the servers; every worker has a broker database of its own."""
    home = Path(os.environ[HOME])
    os.environ["DATABASE_URL"] = postgres().url()
    os.environ["REDIS_URL"] = Valkey(home).url(number)


def postgres() -> Postgres:
    """Return the database server of the run."""
    return Postgres(Path(os.environ[HOME]), durable=False)


def stop(home: Path) -> None:
    """Stop the servers and remove their files."""
    Postgres(home).stop()
    Valkey(home).stop()
    shutil.rmtree(home, ignore_errors=True)


def _clear_up_after_the_dead() -> None:
    for home in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = home.name.removeprefix(PREFIX)
        if pid.isdigit() and not psutil.pid_exists(int(pid)) and home.stat().st_uid == os.geteuid():
            stop(home)
