"""Write down each step of a reservation, in the transaction in which it is taken."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from accounts.services.audit import SYSTEM, Actor
from market.models import EventKind, Reservation, ReservationEvent


@dataclass(frozen=True, slots=True)
class Step:
    """A step that several reservations take at once."""

    kind: EventKind
    at: datetime
    new_status: str
    code: str = ""
    detail: str = ""
    actor: Actor = SYSTEM


def record(*, reservation: Reservation, old_status: str, step: Step) -> None:
    """Append the step of one reservation."""
    record_all(steps=[(reservation.pk, old_status)], step=step)


def record_all(*, steps: Iterable[tuple[UUID, str]], step: Step) -> None:
    """Append a step of reservations, each with the state from which it was taken."""
    ReservationEvent.objects.bulk_create(
        ReservationEvent(
            reservation_id=reservation_id,
            at=step.at,
            kind=step.kind,
            old_status=old_status,
            new_status=step.new_status,
            code=step.code,
            detail=step.detail,
            organization=step.actor.organization,
            user=step.actor.user,
            key=step.actor.key,
        )
        for reservation_id, old_status in steps
    )
