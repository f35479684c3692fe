"""Housekeeping of accounts."""

from celery import shared_task

from accounts.services import idempotency
from core import clock


@shared_task(name="accounts.purge_idempotent_requests", acks_late=True)
def purge_idempotent_requests() -> None:
    """Forget answers that no client may still ask for."""
    idempotency.purge(at=clock.now())
