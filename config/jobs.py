"""Periodic jobs: at most one run per period, however many beats send them."""

from datetime import UTC, datetime
from typing import Any

from celery import Task

from accounts.services import jobs
from core import afterwards

PERIOD_HEADER = "job_period"


def period_start(at: datetime, *, seconds: float) -> datetime:
    """Return the start of the period of that length that holds ``at``; all beats agree on it."""
    return datetime.fromtimestamp(at.timestamp() // seconds * seconds, UTC)


class Job(Task):
    """A task that runs only for the first who claims its period; without a period it simply runs.

    A message that comes again because its worker died runs again: the claim was the dead worker's.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Run the task unless its period has been claimed."""
        period = self.request.get(PERIOD_HEADER)
        again = (self.request.delivery_info or {}).get("redelivered")
        if period and not again and not jobs.claim(job=self.name, period_start=datetime.fromisoformat(period)):
            return None
        with afterwards.keeping():
            return self.run(*args, **kwargs)
