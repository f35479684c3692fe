"""Housekeeping of accounts."""

from celery import shared_task

from accounts.services import idempotency, onboardings
from core import clock
from core.periods import date_of


@shared_task(name="accounts.purge_idempotent_requests", acks_late=True)
def purge_idempotent_requests() -> None:
    """Forget answers that no client may still ask for."""
    idempotency.purge(at=clock.now())


@shared_task(name="accounts.expire_onboardings", acks_late=True)
def expire_onboardings() -> None:
    """Let the verification of providers end with its day."""
    at = clock.now()
    onboardings.expire(on=date_of(at), at=at)
