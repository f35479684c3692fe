"""One command runs everything and leaves nothing behind."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config import runtime
from config.runtime import seats
from config.runtime.places import CHECKOUT
from tests import servers
from tests.processes import eventually


class Up:
    """A running ``manage.py up`` with a data directory of its own."""

    def __init__(self, home: Path) -> None:
        self.port = seats.free_port()
        self.log_file = home / "up.log"
        environment = {name: value for name, value in os.environ.items() if "_URL" not in name}
        with self.log_file.open("w") as log:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "up", "--port", str(self.port)],
                cwd=CHECKOUT,
                env=environment | {"SUANYI_DATA_DIR": str(home)},
                stdout=log,
                stderr=subprocess.STDOUT,
            )

    @property
    def log(self) -> str:
        return self.log_file.read_text()

    def descendants(self, name: str = "") -> list[psutil.Process]:
        """Return the processes below it whose command line holds a word."""
        children = psutil.Process(self.process.pid).children(recursive=True)
        return [child for child in children if name in " ".join(child.cmdline())]


@pytest.fixture
def up(untraced_processes: None) -> Iterator[Up]:
    running = Up(servers.fresh_home())
    yield running
    running.process.kill()
    running.process.wait()


def test_up_serves_survives_a_dead_worker_and_stops_without_a_trace(up: Up) -> None:
    home = up.log_file.parent
    eventually(lambda: "Ctrl-C" in up.log or up.process.poll() is not None, within=600, why=lambda: up.log[-4000:])
    assert f"http://127.0.0.1:{up.port}/" in up.log, up.log[-4000:]

    with urllib.request.urlopen(f"http://127.0.0.1:{up.port}/healthz") as response:
        assert response.read() == b"ok"

    up.descendants(" worker ")[0].kill()
    eventually(lambda: "worker | died, starting it again" in up.log, why=lambda: up.log[-4000:])

    family = up.descendants()
    up.process.send_signal(signal.SIGINT)
    assert up.process.wait(timeout=90) == 0, up.log[-4000:]
    eventually(lambda: not [member for member in family if member.is_running() and member.status() != "zombie"])
    assert not runtime.Postgres(home).runs()
    assert not runtime.Valkey(home).runs()
