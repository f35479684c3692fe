"""The processes of a running Suanyi: started and stopped together, the dead started again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Self, TextIO

from config.runtime.places import CHECKOUT
from config.runtime.seats import LOOPBACK

__all__ = ["LOOPBACK", "Fleet", "Member", "beat", "web", "worker"]

STOP_SECONDS = 40.0
STEADY_SECONDS = 10.0
LONGEST_PAUSE_SECONDS = 30.0


def web(*, port: int, workers: int = 2, host: str = LOOPBACK) -> list[str]:
    """Return the command of the web server."""
    options = ["--bind", f"{host}:{port}", "--workers", str(workers), "--threads", "4", "--access-logfile", "-"]
    # Its control socket lies in the home directory, where every other gunicorn of the user wants it too.
    return [sys.executable, "-m", "gunicorn", "config.wsgi", "--no-control-socket", *options]


def worker(*, concurrency: int = 2, name: str = "worker") -> list[str]:
    """Return the command of a Celery worker with that many processes."""
    options = ["--concurrency", str(concurrency), "--hostname", f"{name}@%h", "--without-gossip", "--without-mingle"]
    return [sys.executable, "-m", "celery", "--quiet", "--app", "config", "worker", *options]


def beat() -> list[str]:
    """Return the command of the beat."""
    return [sys.executable, "-m", "celery", "--quiet", "--app", "config", "beat"]


def _without_the_owner(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment that does not say how to change the tables: nothing here migrates."""
    return {name: value for name, value in environment.items() if name != "DATABASE_OWNER_URL"}


@dataclass
class Member:
    """One process and the command that replaces it."""

    name: str
    command: list[str]
    environment: dict[str, str] = field(default_factory=dict)
    process: "subprocess.Popen[str] | None" = None
    reader: threading.Thread | None = None
    started_at: float = 0.0
    pause_seconds: float = 0.0

    def start(self, out: TextIO) -> None:
        """Start the process in a session of its own, so that a Ctrl-C reaches only us, and copy its lines."""
        self.process = subprocess.Popen(
            self.command,
            cwd=CHECKOUT,
            env=_without_the_owner(os.environ) | {"PYTHONUNBUFFERED": "1"} | self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            text=True,
            errors="replace",
            start_new_session=True,
        )
        self.started_at = time.monotonic()
        self.reader = threading.Thread(target=self._copy_lines, args=[self.process.stdout, out], daemon=True)
        self.reader.start()

    def is_alive(self) -> bool:
        """Return whether the process runs."""
        return self.process is not None and self.process.poll() is None

    def restart_if_dead(self, out: TextIO) -> None:
        """Start the process again; one that dies young waits longer every time."""
        if self.is_alive():
            return
        age = time.monotonic() - self.started_at
        if age > STEADY_SECONDS + self.pause_seconds:
            self.pause_seconds = 0.0
        if age < self.pause_seconds:
            return
        out.write(f"{self.name} | died, starting it again\n")
        self.pause_seconds = min(LONGEST_PAUSE_SECONDS, 1.0 + 2 * self.pause_seconds)
        self.start(out)

    def ask_to_end(self) -> None:
        """Ask the process to finish what it is doing and end."""
        if self.process is not None and self.is_alive():
            self.process.terminate()

    def kill(self) -> None:
        """End the process and its children as a crash does, and wait until they are gone."""
        if self.process is None or self.reader is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join()

    def _copy_lines(self, lines: TextIO, out: TextIO) -> None:
        with lines:
            for line in lines:
                out.write(f"{self.name:<6} | {line}")
                out.flush()


class Fleet:
    """Processes that live and end with a block."""

    def __init__(self, *, out: TextIO = sys.stdout) -> None:
        self.out = out
        self.members: dict[str, Member] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, name: str, command: list[str], **environment: str) -> Member:
        """Start a process under a name; ``environment`` adds to ours."""
        member = self.members[name] = Member(name, command, environment)
        member.start(self.out)
        return member

    def tend(self) -> None:
        """Start again whatever has died."""
        for member in self.members.values():
            member.restart_if_dead(self.out)

    def stop(self) -> None:
        """Ask every process to end, and kill what has not ended in time."""
        for member in self.members.values():
            member.ask_to_end()
        deadline = time.monotonic() + STOP_SECONDS
        while any(member.is_alive() for member in self.members.values()) and time.monotonic() < deadline:
            time.sleep(0.05)
        for member in self.members.values():
            member.kill()
