"""What time does to applications: windows close, supplements lapse, freed budget goes to those who wait."""

from datetime import datetime

from django.db import transaction

from accounts.services.audit import SYSTEM
from vouchers.allocation import Method
from vouchers.models import Application, ApplicationStatus, Round, RoundStatus
from vouchers.services.applications import moves, rounds


def close_windows(*, at: datetime) -> int:
    """Close the rounds whose window is over; return how many."""
    due = list(Round.objects.due_to_close(at).order_by("pk"))
    for procedure in due:
        rounds.close(procedure=procedure, at=at)
    return len(due)


def lapse_supplements(*, at: datetime) -> int:
    """End the applications that were not supplemented in time; return how many."""
    due = Application.objects.due_to_lapse(at).order_by("pk").values_list("pk", flat=True)
    return sum(_lapse(Application(pk=pk), at) for pk in list(due))


def offer_freed_budget(*, at: datetime) -> int:
    """Propose those who wait in rounds that are allocated already or need no allocation; return how many."""
    waiting = Round.objects.filter(applications__status=ApplicationStatus.WAITLISTED).exclude(status=RoundStatus.DRAFT)
    offered = 0
    for procedure in waiting.distinct().order_by("pk"):
        if procedure.method == Method.FIRST_COME or procedure.status == RoundStatus.ALLOCATED:
            offered += rounds.offer_freed_budget(procedure=procedure, at=at)
    return offered


@transaction.atomic
def _lapse(application: Application, at: datetime) -> bool:
    found = moves.locked(application)
    if found.status != ApplicationStatus.SUPPLEMENT or found.supplement_until is None or found.supplement_until > at:
        return False
    moves.move(found, ApplicationStatus.LAPSED, actor=SYSTEM, at=at, due_at=None)
    return True
