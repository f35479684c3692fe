"""The sweeps go on whatever dies: each test kills one part for real and watches new periods being claimed."""

import os
import signal
from datetime import datetime

import pytest

from accounts.models import JobRun
from config.celery import SCHEDULE
from tests.processes import Processes, eventually

FAST = {"SUANYI_BEAT_SPEED": "60"}
PATIENCE = 90.0


def latest() -> dict[str, datetime]:
    return dict(JobRun.objects.values_list("job", "period_start"))


def sweeps_go_on(processes: Processes) -> None:
    """Wait until every job that runs several times a minute has claimed a later period."""
    before = latest()
    often = [job for job, seconds in SCHEDULE.items() if seconds <= 60]

    def all_later() -> bool:
        now = latest()
        return all(job in now and (job not in before or now[job] > before[job]) for job in often)

    eventually(all_later, within=PATIENCE, why=lambda: processes.log[-4000:])


@pytest.mark.usefixtures("untraced_processes")
def test_a_killed_worker_is_replaced_and_the_sweeps_go_on(processes: Processes) -> None:
    processes.beat(**FAST)
    worker = processes.worker(**FAST)
    sweeps_go_on(processes)

    worker.kill()
    processes.worker("second", **FAST)

    sweeps_go_on(processes)


@pytest.mark.usefixtures("untraced_processes")
def test_a_killed_beat_is_replaced_and_the_sweeps_go_on(processes: Processes) -> None:
    beat = processes.beat(**FAST)
    processes.worker(**FAST)
    sweeps_go_on(processes)

    beat.kill()
    processes.beat("second", **FAST)

    sweeps_go_on(processes)


@pytest.mark.usefixtures("untraced_processes")
def test_a_killed_broker_comes_back_and_worker_and_beat_find_it(processes: Processes) -> None:
    processes.beat(**FAST)
    processes.worker(**FAST)
    sweeps_go_on(processes)

    os.kill(processes.broker.pid or 0, signal.SIGKILL)
    processes.broker.start()

    sweeps_go_on(processes)


def test_a_broker_that_forgets_everything_costs_nothing_but_time(processes: Processes) -> None:
    processes.beat(**FAST)
    processes.worker(**FAST)
    sweeps_go_on(processes)

    with processes.broker.client() as client:
        client.flushall()

    sweeps_go_on(processes)
    # A lost message is sent again at the beat's next recall, within a minute.
    eventually(lambda: set(latest()) == set(SCHEDULE), within=150)
