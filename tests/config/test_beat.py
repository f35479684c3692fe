"""Two beats are harmless: one leads, the other takes over, and what got lost on the way is sent again."""

from config.celery import SCHEDULE
from tests.processes import Processes, eventually

FAST = "100"


def leads(processes: Processes, name: str) -> bool:
    return any(line.startswith(name) and "this beat leads" in line for line in processes.log.splitlines())


def sends(processes: Processes, name: str) -> bool:
    return any(line.startswith(name) and "Sending due task" in line for line in processes.log.splitlines())


def test_a_second_beat_waits_and_takes_over_when_the_first_is_killed(processes: Processes) -> None:
    first = processes.beat("first", SUANYI_BEAT_SPEED=FAST)
    eventually(lambda: sends(processes, "first"), why=lambda: processes.log)
    processes.beat("second", SUANYI_BEAT_SPEED=FAST)
    eventually(lambda: "second | " in processes.log, why=lambda: processes.log)

    assert not sends(processes, "second")

    first.kill()

    eventually(lambda: sends(processes, "second"), why=lambda: processes.log)


def test_a_new_beat_sends_every_job_that_has_never_run(processes: Processes) -> None:
    processes.beat()

    eventually(lambda: queued(processes) >= len(SCHEDULE), why=lambda: processes.log)


def queued(processes: Processes) -> int:
    with processes.broker.client() as client:
        return int(client.llen("suanyi"))
