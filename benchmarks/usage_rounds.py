"""Run the three ways to take usage in, in turns, and print what each took; see usage_ingest."""

import argparse
import http.client
import json
import os
import resource
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import psycopg

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

from django.core.management import call_command
from django.db import connection

from benchmarks import usage_naive
from benchmarks.usage_scene import COLUMNS, EVENTS, TYPES, Event, Scene

TARGETS = {"bare": 0.60, "naive": 8.0}
STEPS = {"minutes": timedelta(minutes=1), "hours": timedelta(hours=1)}
REPORTS = 5
WORKER = "usage-ingest-worker"
COPY = f"COPY arriving ({COLUMNS}) FROM STDIN (FORMAT binary)"
INSERT = f"INSERT INTO bare_usage ({COLUMNS}) SELECT {COLUMNS} FROM arriving ON CONFLICT DO NOTHING"


class Measure(NamedTuple):
    """Seconds that a round took: on the clock, of the client's or worker's CPU, of its server process' CPU."""

    wall: float
    client: float
    server: float

    @property
    def rate(self) -> float:
        """Return events per second."""
        return REPORTS * EVENTS / self.wall


Reports = list[list[Event]]
Side = Callable[[Reports], Measure]


def cpu_seconds(pid: int) -> float:
    """Return the user and system seconds of a process with one thread, while it waits."""
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[0]) / 1e9


def own_seconds() -> float:
    """Return the user and system seconds of this process."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def timed(act: Callable[[], None], client: Callable[[], float], server: Callable[[], float]) -> Measure:
    """Return what a call took."""
    before = time.perf_counter(), client(), server()
    act()
    after = time.perf_counter(), client(), server()
    return Measure(*(end - start for start, end in zip(before, after, strict=True)))


def encoded(events: list[Event]) -> bytes:
    """Return the body of a report."""
    return json.dumps(events, separators=(",", ":")).encode()


def bare_side(scene: Scene) -> Side:
    """Return the bare COPY into a table like the real one."""
    bare = psycopg.connect(os.environ["DATABASE_URL"])
    bare.execute("CREATE TABLE bare_usage (LIKE market_usage INCLUDING ALL)")
    bare.execute(f"CREATE TEMPORARY TABLE arriving ON COMMIT DELETE ROWS AS SELECT {COLUMNS} FROM bare_usage LIMIT 0")
    bare.commit()

    def take(reports: Reports) -> Measure:
        tables = [[scene.row(one) for one in events] for events in reports]
        return timed(lambda: write(tables), own_seconds, lambda: cpu_seconds(bare.info.backend_pid))

    def write(tables: list[list[tuple[object, ...]]]) -> None:
        for rows in tables:
            with bare.cursor() as cursor:
                with cursor.copy(COPY) as copy:
                    copy.set_types(TYPES)
                    for row in rows:
                        copy.write_row(row)
                cursor.execute(INSERT)
            bare.commit()

    return take


def naive_side(scene: Scene) -> Side:
    """Return the serializer and bulk_create into a table like the real one."""
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE naive_usage (LIKE market_usage INCLUDING ALL)")
    backend = connection.connection.info.backend_pid

    def take(reports: Reports) -> Measure:
        bodies = [encoded(events) for events in reports]
        return timed(lambda: write(bodies), own_seconds, lambda: cpu_seconds(backend))

    def write(bodies: list[bytes]) -> None:
        for body in bodies:
            usage_naive.take(scene, body)

    return take


def http_side(scene: Scene, port: int, worker: int) -> Side:
    """Return the real endpoint."""

    def take(reports: Reports) -> Measure:
        bodies = [encoded(events) for events in reports]
        requests = [(body, scene.headers(body, str(uuid4()))) for body in bodies]
        answers: list[bytes] = []
        measure = timed(
            lambda: answers.extend(send(*request) for request in requests), lambda: cpu_seconds(worker), backends
        )
        for answer in answers:
            if json.loads(answer).get("accepted") != EVENTS:
                raise SystemExit(f"a report was not taken: {answer[:500]!r}")
        return measure

    def send(body: bytes, headers: dict[str, str]) -> bytes:
        client = http.client.HTTPConnection("127.0.0.1", port)
        client.request("POST", "/api/v1/usage/batches", body, headers)
        answer = client.getresponse().read()
        client.close()
        return answer

    def backends() -> float:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pid FROM pg_stat_activity WHERE application_name = %s", [WORKER])
            return sum(cpu_seconds(pid) for (pid,) in cursor.fetchall())

    return take


@contextmanager
def web_worker() -> Iterator[tuple[int, int]]:
    """Run one gunicorn sync worker and yield its port and its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "gunicorn", "config.wsgi", "--workers=1", f"--bind=127.0.0.1:{port}"]
    ours = {"PGAPPNAME": WORKER, "SUANYI_CONN_MAX_AGE": "600"}
    master = subprocess.Popen([*command, "--log-level=warning"], env=os.environ | ours)
    try:
        yield port, first_child(master.pid)
    finally:
        master.terminate()
        master.wait()


def first_child(pid: int) -> int:
    """Wait until a process has a child, and return it."""
    children = Path(f"/proc/{pid}/task/{pid}/children")
    while not children.read_text(encoding="ascii"):
        time.sleep(0.1)
    return int(children.read_text(encoding="ascii").split()[0])


def interleave(*, rounds: int, warm_up: int, step: timedelta, reservations: int) -> dict[str, list[Measure]]:
    """Give the sides new reports in turns and return what they took."""
    call_command("migrate", verbosity=0)
    scene = Scene(reservations)
    reports = scene.reports(step)
    measures: dict[str, list[Measure]] = {"http": [], "bare": [], "naive": []}
    with web_worker() as (port, worker):
        time.sleep(1)
        sides = {"http": http_side(scene, port, worker), "bare": bare_side(scene), "naive": naive_side(scene)}
        for turn in range(warm_up + rounds):
            batch = [next(reports) for _ in range(REPORTS)]
            for name, take in sides.items():
                measure = take(batch)
                if turn >= warm_up:
                    measures[name].append(measure)
    return measures


def report(measures: dict[str, list[Measure]]) -> bool:
    """Print every side and the ratios round by round; return whether their medians reach the targets."""
    reached = True
    medians = {name: statistics.median(run.rate for run in runs) for name, runs in measures.items()}
    for name, runs in measures.items():
        micro = 1e6 / (len(runs) * REPORTS * EVENTS)
        client, backend = sum(run.client for run in runs) * micro, sum(run.server for run in runs) * micro
        print(
            f"{name:6} best {max(run.rate for run in runs):8,.0f} events/s  median {medians[name]:8,.0f}  "
            f"CPU µs per event: client {client:6.2f}  server {backend:6.2f}"
        )
    for name, target in TARGETS.items():
        pairs = zip(measures["http"], measures[name], strict=True)
        ratios = [ours.rate / other.rate for ours, other in pairs]
        reached &= statistics.median(ratios) >= target
        print(f"http / {name}: median {statistics.median(ratios):.2f}, best {max(ratios):.2f}, asked ≥ {target}")
    return reached


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=12)
    parser.add_argument("--warm-up", type=int, default=2)
    parser.add_argument("--step", choices=STEPS, default="minutes")
    parser.add_argument("--reservations", type=int, default=20)
    asked = parser.parse_args()
    measures = interleave(
        rounds=asked.rounds, warm_up=asked.warm_up, step=STEPS[asked.step], reservations=asked.reservations
    )
    return 0 if report(measures) else 1


if __name__ == "__main__":
    sys.exit(main())
