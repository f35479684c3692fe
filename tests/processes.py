"""Real Celery workers, beats and web servers on the database of a test, to be killed in the middle of their work."""

import os
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from config import fleet, runtime
from tests import servers


class Processes:
    """The processes of one test. They see what the test has committed, so it needs ``transactional_db``."""

    def __init__(self, *, database_url: str, broker: runtime.Valkey, environment: dict[str, str]) -> None:
        self.broker = broker
        self.log_file = Path(tempfile.mkdtemp(dir=os.environ[servers.HOME])) / "processes.log"
        self._out = self.log_file.open("w", encoding="utf-8", buffering=1)
        self._fleet = fleet.Fleet(out=self._out)
        self._environment = {"DATABASE_URL": database_url, "REDIS_URL": broker.url(), **environment}

    def worker(self, name: str = "worker", *, concurrency: int = 1, **environment: str) -> fleet.Member:
        """Start a Celery worker and return it."""
        return self._start(name, fleet.worker(concurrency=concurrency, name=name), environment)

    def beat(self, name: str = "beat", **environment: str) -> fleet.Member:
        """Start a beat and return it; ``SUANYI_BEAT_SPEED="20"`` makes the sweeps twenty times as frequent."""
        return self._start(name, fleet.beat(), environment)

    def web(self, name: str = "web", *, port: int, **environment: str) -> fleet.Member:
        """Start the web server on a port and return it."""
        return self._start(name, fleet.web(port=port, workers=1), environment)

    @property
    def log(self) -> str:
        """Return every line that the processes have written, each after its name."""
        return self.log_file.read_text(encoding="utf-8")

    def stop(self) -> None:
        """End everything."""
        self._fleet.stop()
        self._out.close()

    def _start(self, name: str, command: list[str], environment: dict[str, str]) -> fleet.Member:
        return self._fleet.start(name, command, **(self._environment | environment))


def eventually(condition: Callable[[], object], *, within: float = 60.0, every: float = 0.1, why: object = "") -> None:
    """Wait until a condition holds.

    :raises AssertionError: if it does not within that many seconds; ``why`` (a value or a callable) explains.
    """
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"still not so after {within} s: {why() if callable(why) else why}")
        time.sleep(every)
