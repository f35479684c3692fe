"""The clock of public money."""

from celery import shared_task

from core import clock
from vouchers.services import checkpoints, fiscal, grants, idle, registry, sequencing
from vouchers.services.applications import sweeping
from vouchers.services.claims import answers, assembly


@shared_task(name="vouchers.expire_grants", acks_late=True)
def expire_grants() -> None:
    """End grants whose time is over or that nobody uses, holds past their grace, and budgets whose year is over."""
    grants.expire_due(at=clock.now())
    idle.take_back_due(at=clock.now())
    fiscal.lapse_due(at=clock.now())


@shared_task(name="vouchers.sequence_log", acks_late=True)
def sequence_log() -> None:
    """Give movements that wait their places in the transparency log."""
    sequencing.sequence(at=clock.now())


@shared_task(name="vouchers.publish_checkpoints", acks_late=True)
def publish_checkpoints() -> None:
    """Sign what the log has grown to, if it is time."""
    checkpoints.publish_due(at=clock.now())


@shared_task(name="vouchers.advance_applications", acks_late=True)
def advance_applications() -> None:
    """Close windows, end what was not supplemented in time or is not valid any more, offer budget that came free."""
    at = clock.now()
    sweeping.close_windows(at=at)
    sweeping.lapse_supplements(at=at)
    sweeping.offer_freed_budget(at=at)
    registry.expire_due(at=at)
    registry.begin_due(at=at)


@shared_task(name="vouchers.assemble_claims", acks_late=True)
def assemble_claims() -> None:
    """Assemble the claims of periods that have closed."""
    assembly.assemble_due(at=clock.now())


@shared_task(name="vouchers.reverse_claim_lines", acks_late=True)
def reverse_claim_lines() -> None:
    """Reverse refused lines that nobody handed in again in time."""
    answers.reverse_due(at=clock.now())
