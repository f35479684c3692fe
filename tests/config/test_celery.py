"""The broker's settings decide what a crash costs; each was measured before it was chosen."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.models import JobRun
from config import jobs
from config.celery import SCHEDULE, app


def test_a_message_of_a_dead_worker_comes_back_within_its_timeout_and_one_restore_interval() -> None:
    options = app.conf.broker_transport_options

    assert options["visibility_timeout"] == 300
    assert app.conf.result_backend_transport_options["visibility_timeout"] == 300
    assert app.conf.visibility_timeout == 300
    assert (options["unacked_restore_interval"], options["unacked_restore_throttle"]) == (15, 1)


def test_kombu_knows_every_transport_option_that_we_set() -> None:
    with app.connection_for_write() as connection:
        channel = connection.default_channel

        assert {name: getattr(channel, name) for name in app.conf.broker_transport_options} == {
            "visibility_timeout": 300,
            "unacked_restore_interval": 15,
            "unacked_restore_throttle": 1,
            "socket_timeout": 30,
            "socket_connect_timeout": 10,
            "socket_keepalive": True,
            "health_check_interval": 25,
        }


def test_a_task_is_acknowledged_after_its_work_and_killed_before_another_worker_gets_it() -> None:
    assert app.conf.task_acks_late is True
    assert app.conf.task_reject_on_worker_lost is True
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.task_time_limit < app.conf.visibility_timeout
    assert app.conf.worker_soft_shutdown_timeout == 30


def test_a_period_starts_at_the_same_instant_for_every_beat() -> None:
    at = datetime(2026, 10, 1, 8, 0, 14, 999_999, tzinfo=UTC)

    assert jobs.period_start(at, seconds=5) == datetime(2026, 10, 1, 8, 0, 10, tzinfo=UTC)
    assert jobs.period_start(at, seconds=3600) == datetime(2026, 10, 1, 8, tzinfo=UTC)
    assert jobs.period_start(at + timedelta(microseconds=1), seconds=5) == datetime(2026, 10, 1, 8, 0, 15, tzinfo=UTC)


@app.task(name="tests.count")
def count(*, runs: list[int]) -> None:
    runs.append(1)


def run(*, period: str | None = None, redelivered: bool = False) -> int:
    """Run the task as a worker does, with a message's headers, and return how often it took effect."""
    runs: list[int] = []
    count.push_request(**({jobs.PERIOD_HEADER: period} if period else {}), delivery_info={"redelivered": redelivered})
    try:
        count(runs=runs)
    finally:
        count.pop_request()
    return len(runs)


@pytest.mark.django_db
def test_a_period_runs_once_however_often_it_is_sent() -> None:
    assert [run(period="2026-10-01T08:00:00+00:00") for _ in range(3)] == [1, 0, 0]
    assert run(period="2026-10-01T08:00:05+00:00") == 1
    assert JobRun.objects.get(job="tests.count").period_start == datetime(2026, 10, 1, 8, 0, 5, tzinfo=UTC)


@pytest.mark.django_db
def test_a_period_that_comes_late_does_not_run() -> None:
    run(period="2026-10-01T08:00:05+00:00")

    assert run(period="2026-10-01T08:00:00+00:00") == 0


@pytest.mark.django_db
def test_a_message_whose_worker_died_runs_again() -> None:
    run(period="2026-10-01T08:00:00+00:00")

    assert run(period="2026-10-01T08:00:00+00:00", redelivered=True) == 1


@pytest.mark.django_db
def test_a_task_sent_by_hand_runs_always() -> None:
    assert [run(), run()] == [1, 1]
    assert not JobRun.objects.exists()


def test_every_job_of_the_schedule_exists() -> None:
    app.loader.import_default_modules()

    assert [name for name in SCHEDULE if name not in app.tasks] == []
