"""The clock of public money."""

from celery import shared_task

from core import clock
from vouchers.services import grants


@shared_task(name="vouchers.expire_grants", acks_late=True)
def expire_grants() -> None:
    """Expire the grants whose time is over and release what nobody metered in its grace."""
    grants.expire_due(at=clock.now())
