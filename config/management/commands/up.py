"""Run the whole product on this machine: web server, worker and beat, on the same data."""

import io
import os
import signal
import time
import urllib.error
import urllib.request
from typing import Any

from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config import fleet
from config.runtime import seats

FIRST_PORT = 8000
LAST_PORT = 8099
READY_SECONDS = 60.0
LOOK_SECONDS = 0.5
ANSWER_SECONDS = 10.0


class Command(BaseCommand):
    """Migrate, seed, and run every process until Ctrl-C."""

    help = "Run web server, worker and beat until Ctrl-C; a process that dies is started again."

    def add_arguments(self, parser: CommandParser) -> None:
        """Say what can be chosen."""
        parser.add_argument("--host", default=seats.LOOPBACK, help="address to listen on (default: this machine only)")
        parser.add_argument("--port", type=int, default=0, help="port (default: 8000, or the next free one)")

    def handle(self, *_args: Any, host: str, port: int, **_options: Any) -> None:
        """Run until interrupted."""
        self.stdout.write("Preparing the database …")
        call_command("migrate", interactive=False, verbosity=0)
        # What seeding says are the logins: they belong under the address, not above the starting processes' lines.
        logins = io.StringIO()
        call_command("seed", stdout=logins)
        port = port or free_port()
        # A flag, no exception: one raised while an object is being cleared away is lost, and the Ctrl-C with it.
        # It also makes a second Ctrl-C harmless, which would otherwise leave processes behind.
        self.asked_to_stop = False
        for wish in (signal.SIGINT, signal.SIGTERM):
            signal.signal(wish, self._note_wish)
        with fleet.Fleet() as processes:
            self._run(processes, host, port, logins.getvalue())
            self.stdout.write("\nStopping …")

    def _note_wish(self, *_: object) -> None:
        self.asked_to_stop = True

    def _run(self, processes: fleet.Fleet, host: str, port: int, logins: str) -> None:
        processes.start("web", fleet.web(port=port, host=host))
        quiet = {"CELERY_LOG_LEVEL": os.environ.get("CELERY_LOG_LEVEL", "WARNING")}
        processes.start("worker", fleet.worker(), **quiet)
        processes.start("beat", fleet.beat(), **quiet)
        address = f"http://{seats.LOOPBACK}:{port}"
        deadline = time.monotonic() + READY_SECONDS
        while not self.asked_to_stop and not answers(address):
            if time.monotonic() > deadline:
                raise CommandError(f"the web server does not answer at {address}; its lines above say why")
            self._tend(processes)
        self.stdout.write(self.style.SUCCESS(f"\nSuanyi 算易 is at {address}/\n") + logins + "Ctrl-C stops it.\n")
        while not self.asked_to_stop:
            self._tend(processes)

    def _tend(self, processes: fleet.Fleet) -> None:
        processes.tend()
        time.sleep(LOOK_SECONDS)


def free_port() -> int:
    """Return the first free port from 8000 on.

    :raises CommandError: if a hundred are taken.
    """
    for port in range(FIRST_PORT, LAST_PORT + 1):
        if seats.is_free(port):
            return port
    raise CommandError(f"every port from {FIRST_PORT} to {LAST_PORT} is taken; choose one with --port")


def answers(address: str) -> bool:
    """Return whether the web server answers."""
    try:
        with urllib.request.urlopen(f"{address}/healthz", timeout=ANSWER_SECONDS) as response:  # noqa: S310 - http to ourselves
            return bool(response.status)
    except (urllib.error.URLError, TimeoutError, ConnectionError):
        return False
