"""Two beats are harmless: one leads, the other takes over, and what got lost on the way is sent again."""

import time
from datetime import UTC, datetime

import psycopg
import pytest
from django.db import connection
from pytest_django import Settings

from accounts.services import jobs
from config.beat import PATIENCE_SECONDS, STANDBY_SECONDS, LeaderScheduler
from config.celery import SCHEDULE, app
from tests import servers
from tests.processes import Processes, eventually

FAST = "100"


def leads(processes: Processes, name: str) -> bool:
    return any(line.startswith(name) and "this beat leads" in line for line in processes.log.splitlines())


def sends(processes: Processes, name: str) -> bool:
    return any(line.startswith(name) and "Sending due task" in line for line in processes.log.splitlines())


@pytest.mark.usefixtures("untraced_processes")
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


def test_a_job_is_not_sent_again_while_its_message_waits_unless_it_may_be_lost(processes: Processes) -> None:
    processes.beat(SUANYI_BEAT_SPEED=FAST)
    eventually(lambda: queued(processes) == len(SCHEDULE), why=lambda: processes.log)

    time.sleep(2.0)  # in which the jobs of every five seconds are due forty times

    assert queued(processes) == len(SCHEDULE)

    jobs.claim(job="market.match_open_orders", period_start=datetime(2100, 1, 1, tzinfo=UTC))

    eventually(lambda: queued(processes) > len(SCHEDULE) + 5, why=lambda: processes.log)

    with processes.broker.client() as client:
        client.flushall()

    eventually(lambda: queued(processes) >= len(SCHEDULE), within=2 * PATIENCE_SECONDS, why=lambda: processes.log)


def queued(processes: Processes) -> int:
    with processes.broker.client() as client:
        return int(client.llen("suanyi"))


def test_a_beat_whose_database_session_ends_steps_down_and_leads_again(transactional_db: None) -> None:
    scheduler = LeaderScheduler(app=app, lazy=True)
    assert scheduler.tick() == scheduler.max_interval

    end_sessions_of(connection.settings_dict["NAME"])

    assert scheduler.tick() == STANDBY_SECONDS
    assert scheduler.tick() == scheduler.max_interval
    scheduler.close()


def end_sessions_of(database: str) -> None:
    with psycopg.connect(servers.postgres().superuser_url(), autocommit=True) as superuser:
        superuser.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])


def test_a_rehearsal_plays_the_same_schedule_faster(settings: Settings) -> None:
    settings.BEAT_SPEED = 10.0

    scheduler = LeaderScheduler(app=app)

    assert {name: entry.schedule.run_every.total_seconds() for name, entry in scheduler.schedule.items()} == {
        name: seconds / 10 for name, seconds in SCHEDULE.items()
    }
