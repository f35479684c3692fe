"""What PostgreSQL and Valkey have in common: a place, a port, one start at a time, and patience after a crash."""

import fcntl
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from config.runtime import places, seats
from config.runtime.errors import ServerFailed

PATIENCE_SECONDS = 60.0
RETRY_SECONDS = 0.2
PORT_SECONDS = 5.0
LOG_TAIL_CHARACTERS = 2000


class Server(ABC):
    """A server with all its files under ``home``."""

    name: ClassVar[str]

    def __init__(self, home: Path) -> None:
        self.home = home
        self.files = home / self.name
        self.log = self.files / "server.log"
        self._seat_file = home / f"{self.name}.json"

    @property
    def seat(self) -> seats.Seat:
        """Return where the server listens, as last kept.

        :raises ServerFailed: if it has never been started.
        """
        seat = seats.load(self._seat_file)
        if seat is None:
            raise ServerFailed(f"{self.name} has never been started in {self.home}")
        return seat

    @property
    def known(self) -> bool:
        """Return whether the server has been started before and we may talk to it."""
        return seats.load(self._seat_file) is not None

    def start(self) -> bool:
        """Start the server unless it answers already; return whether this call started it.

        :raises ServerFailed: if it does not answer in time.
        """
        places.make_home(self.home)
        with self._alone():
            # A seat kept by an earlier version lacks what came later, and gets it once.
            seats.save(self._seat_file, seats.load(self._seat_file) or seats.Seat())
            if self.runs():
                return False
            self.prepare()
            self._launch_until_it_answers()
        return True

    def runs(self) -> bool:
        """Return whether the server has a process and answers."""
        return self.lives() and self.answers()

    def stop(self) -> None:
        """Stop the server and wait until it is gone; do nothing if it does not run."""
        if not self.home.exists():
            return
        with self._alone():
            self.shut()

    @abstractmethod
    def addresses(self) -> dict[str, str]:
        """Return what a process needs to find the server, by the variable that tells it."""

    @abstractmethod
    def answers(self) -> bool:
        """Return whether our server, not another one, answers on the port."""

    @abstractmethod
    def lives(self) -> bool:
        """Return whether our server has a process, which may not answer yet."""

    @abstractmethod
    def prepare(self) -> None:
        """Create what the server needs before its first start."""

    @abstractmethod
    def launch(self) -> None:
        """Start the server's process, with every sign of its last life removed."""

    @abstractmethod
    def shut(self) -> None:
        """Stop the server's process."""

    def _launch_until_it_answers(self) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not self.runs():
            if time.monotonic() > deadline:
                raise ServerFailed(f"{self.name} does not start in {self.home}:\n{self._last_words()}")
            if not self.lives():
                self._have_a_free_port()
                self.launch()
            time.sleep(RETRY_SECONDS)

    def _have_a_free_port(self) -> None:
        """Keep the port of the last life if possible, for clients that know it; a killed server lets go of it late."""
        seat = self.seat
        deadline = time.monotonic() + PORT_SECONDS
        while seat.port and time.monotonic() < deadline:
            if seats.is_free(seat.port):
                return
            time.sleep(RETRY_SECONDS / 10)
        seat.port = seats.free_port()
        seats.save(self._seat_file, seat)

    def _last_words(self) -> str:
        if not self.log.exists():
            return "(it logged nothing)"
        return self.log.read_text(encoding="utf-8", errors="replace")[-LOG_TAIL_CHARACTERS:]

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self.home / f"{self.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
