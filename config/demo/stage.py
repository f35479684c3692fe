"""The processes of a rehearsal: web, worker, beat and a Stripe double, on the rehearsal's clock."""

import socket
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from config import fleet
from config.celery import app
from config.demo.client import Client

BEAT_SPEED = "5"
LONGEST_WAIT_S = 240.0
NUDGE_EVERY_S = 2.0
STRIPE_SECRET = "whsec_rehearsal"  # noqa: S105 - of the double, not of Stripe


class StuckError(RuntimeError):
    """The processes did not reach an expected state in time."""


@dataclass(frozen=True)
class Stage:
    """A running rehearsal."""

    folder: Path
    port: int
    stripe_port: int

    @property
    def clock_file(self) -> Path:
        """Return the file in which the processes read the time."""
        return clock_file(self.folder)

    def set_clock(self, at: datetime) -> None:
        """Move every process to an instant, in one atomic step."""
        write_clock(self.folder, at)

    def client(self, token: str) -> Client:
        """Return a client of the web server."""
        return Client(fleet.LOOPBACK, self.port, token)

    def wait(self, what: str, done: Callable[[], bool], *, nudge: str = "") -> None:
        """Wait until ``done``; ``nudge`` names a sweep that is too rare to wait for.

        The sweep is sent again and again, because one that finds another at work leaves without a word.

        :raises StuckError: after four minutes.
        """
        began = nudged = time.monotonic()
        if nudge:
            app.send_task(nudge)
        while not done():
            now = time.monotonic()
            if now > began + LONGEST_WAIT_S:
                raise StuckError(f"{what}: still waiting after {LONGEST_WAIT_S:.0f} s; see {self.folder}/processes.log")
            if nudge and now > nudged + NUDGE_EVERY_S:
                app.send_task(nudge)
                nudged = now
            time.sleep(0.1)


def clock_file(folder: Path) -> Path:
    """Return the file that holds the rehearsal's time."""
    return folder / "clock"


def write_clock(folder: Path, at: datetime) -> None:
    """Set the rehearsal's time; readers see the old or the new one, never a part."""
    draft = folder / "clock.next"
    draft.write_text(at.isoformat(), encoding="ascii")
    draft.replace(clock_file(folder))


@contextmanager
def standing(*, folder: Path, at: datetime) -> Iterator[Stage]:
    """Start the processes at an instant, and stop them at the end of the block."""
    write_clock(folder, at)
    stage = Stage(folder, _free_port(), _free_port())
    stripe_base = f"http://{fleet.LOOPBACK}:{stage.stripe_port}"
    environment = {
        "SUANYI_REHEARSAL_CLOCK": str(stage.clock_file),
        "SUANYI_BEAT_SPEED": BEAT_SPEED,
        "STRIPE_API_BASE": stripe_base,
        "STRIPE_SECRET_KEY": "sk_test_rehearsal",
        "STRIPE_WEBHOOK_SECRET": STRIPE_SECRET,
    }
    with (folder / "processes.log").open("w", encoding="utf-8") as out, fleet.Fleet(out=out) as processes:
        processes.start("stripe", _stripe(stage), **environment)
        processes.start("web", fleet.web(port=stage.port, workers=1), **environment)
        processes.start("worker", fleet.worker(concurrency=2), **environment)
        processes.start("beat", fleet.beat(), **environment)
        stage.wait("the web server", lambda: _answers(f"http://{fleet.LOOPBACK}:{stage.port}/healthz"))
        yield stage


def _stripe(stage: Stage) -> list[str]:
    webhook = f"http://{fleet.LOOPBACK}:{stage.port}/api/v1/stripe/webhook"
    options = ["--port", str(stage.stripe_port), "--webhook", webhook, "--secret", STRIPE_SECRET]
    return [sys.executable, "-m", "config.demo.stripe_server", *options]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((fleet.LOOPBACK, 0))
        return int(probe.getsockname()[1])


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as response:  # noqa: S310 - our own address
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False
