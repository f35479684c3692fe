"""A beat that may be started twice, and that does not press workers that are behind.

One beat leads, the others wait until its database session ends. A job is not sent again while its last message waits.
"""

import logging
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from celery.beat import ScheduleEntry, Scheduler
from celery.schedules import schedule
from django.conf import settings
from django.db import Error, connection

from accounts.models import JobRun
from config import jobs
from config.celery import SCHEDULE

LEADER_LOCK = 0x73_75_61_6E_79_69  # "suanyi"
STANDBY_SECONDS = 1.0
RECALL_SECONDS = 60.0
# A message that nobody has claimed by then may be lost.
PATIENCE_SECONDS = 10.0
# Older messages are worth nothing: a job that nobody has claimed is sent again at every recall.
MESSAGE_LIFE_SECONDS = 2 * RECALL_SECONDS
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sent:
    """The period for which a job was last sent, and when by the monotonic clock in seconds."""

    period: datetime
    at: float


class LeaderScheduler(Scheduler):
    """Send the jobs that are due while holding an advisory lock; remember in the database what has run."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._leading = False
        self._recall_at = 0.0
        self._sent: dict[str, Sent] = {}
        super().__init__(*args, **kwargs)

    def setup_schedule(self) -> None:
        """Read the schedule, as fast as this machine plays it."""
        super().setup_schedule()
        for name, entry in self.schedule.items():
            entry.schedule = schedule(timedelta(seconds=self._seconds(name)), app=self.app)

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, or wait to become the leader; return the seconds until the next look."""
        try:
            return self._tick(*args, **kwargs)
        except Error as error:
            logger.warning("this beat cannot lead: %s", error)
            self._leading = False
            connection.close()
            return STANDBY_SECONDS

    def apply_entry(self, entry: ScheduleEntry, producer: Any = None) -> None:
        """Send a job that is due, unless its last message still waits for a worker: one run does the work of both."""
        if not self._waits(str(entry.name)):
            super().apply_entry(entry, producer=producer)

    def apply_async(self, entry: ScheduleEntry, producer: Any = None, advance: bool = True, **kwargs: Any) -> Any:  # noqa: FBT001, FBT002 - Celery's signature
        """Send a job with the period that it is for."""
        period = jobs.period_start(entry.default_now(), seconds=self._seconds(str(entry.name)))
        entry.options = {"headers": {jobs.PERIOD_HEADER: period.isoformat()}, "expires": MESSAGE_LIFE_SECONDS}
        result = super().apply_async(entry, producer=producer, advance=advance, **kwargs)
        self._sent[str(entry.name)] = Sent(period, time.monotonic())
        return result

    def close(self) -> None:
        """Let the next beat lead at once."""
        super().close()
        connection.close()

    def _seconds(self, name: str) -> float:
        return SCHEDULE[name] / float(settings.BEAT_SPEED)

    def _tick(self, *args: Any, **kwargs: Any) -> float:
        if not self._leads():
            return STANDBY_SECONDS
        if time.monotonic() >= self._recall_at:
            self._recall()
        return float(super().tick(*args, **kwargs))

    def _leads(self) -> bool:
        led = self._leading
        self._leading = self._holds_lock()
        if self._leading and not led:
            logger.info("this beat leads")
            self._recall_at = 0.0
        return self._leading

    def _holds_lock(self) -> bool:
        """Take the lock, also when we should have it: a session that was replaced unnoticed has lost it."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEADER_LOCK])
            return bool(cursor.fetchone()[0])

    def _waits(self, name: str) -> bool:
        sent = self._sent.get(name)
        if sent is None or time.monotonic() - sent.at >= PATIENCE_SECONDS:
            return False
        return not JobRun.objects.filter(job=name, period_start__gte=sent.period).exists()

    def _recall(self) -> None:
        """Set back every job to the period last claimed, so that a message lost on its way is sent again."""
        claimed = dict(JobRun.objects.values_list("job", "period_start"))
        for name, entry in self.schedule.items():
            entry.last_run_at = claimed.get(name, LONG_AGO)
        self._heap = None
        self._recall_at = time.monotonic() + RECALL_SECONDS
