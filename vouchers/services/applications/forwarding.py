"""Where an application goes next: to the next stage of review, to an award, or to the waiting list."""

from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.services.audit import SYSTEM, Actor
from core.constraints import refusing
from ledger.services import posting
from ledger.services.posting import Overdrawn
from vouchers import chart, tranches
from vouchers.allocation import Method
from vouchers.models import Application, ApplicationStatus, RoundStatus
from vouchers.rules import Cap
from vouchers.services.applications import amounts, moves
from vouchers.services.applications.refusals import ShortOfBudget


def forward(application: Application, *, after: ApplicationStatus | None, at: datetime) -> None:
    """Move a locked application from a stage, or from being handed in, to where it goes next."""
    stages = moves.stages(application.round)
    later = stages if after is None else stages[stages.index(after) + 1 :]
    if later:
        moves.move(application, later[0], actor=SYSTEM, at=at, **moves.entering(application, at))
    elif application.round.method == Method.FIRST_COME:
        _first_come(application, at)
    else:
        stamps = passed(application, at)
        moves.move(application, ApplicationStatus.WAITLISTED, actor=SYSTEM, at=at, due_at=None, **stamps)


def passed(application: Application, at: datetime) -> dict[str, Any]:
    """Return what is set when a case has passed: whoever waits for budget only has the authority's decision."""
    return {} if waits_for_allocation(application) else {"decided_at": application.decided_at or at}


def _first_come(application: Application, at: datetime) -> None:
    """Propose what came in time, by the rule of whoever drafted the round; what comes too late waits."""
    maker = application.round.drafted_by
    try:
        with transaction.atomic():
            propose(application, amount_fen=amounts.award_fen(application), by=maker, actor=SYSTEM, at=at)
    except ShortOfBudget:
        stamps = passed(application, at)
        moves.move(application, ApplicationStatus.WAITLISTED, actor=SYSTEM, at=at, due_at=None, **stamps)


def propose(
    application: Application, *, amount_fen: int, by: User, actor: Actor, at: datetime, place: int | None = None
) -> None:
    """Reserve budget for a locked application: the ledger's balance first, then the round's counter.

    :raises ShortOfBudget: if the programme, the pool of the district, the round or what was released has less left.
    """
    short = ShortOfBudget(_("The budget has less left than this award."))
    account = posting.open_account(code=chart.budget(application.programme_id), floor_fen=0)
    number = application.steps.filter(status=ApplicationStatus.PROPOSED).count() + 1
    try:
        hold = posting.hold(key=f"application/{application.pk}/{number}", account=account, amount_fen=amount_fen)
    except Overdrawn as error:
        raise short from error
    stamps: dict[str, Any] = {
        "reserved_fen": amount_fen,
        "hold": hold,
        "proposed_by": by,
        "proposed_at": at,
        "place": place,
    }
    pool = ShortOfBudget(_("The pool of this district has less left than this award."), cap=str(Cap.POOL))
    later = ShortOfBudget(tranches.sentence(), cap=str(Cap.TRANCHE))
    with refusing(round_within_budget=short, award_within_pool=pool, award_within_released=later):
        moves.move(application, ApplicationStatus.PROPOSED, actor=actor, at=at, due_at=None, **stamps)


def offer(application: Application, *, at: datetime) -> bool:
    """Propose one that waits, unless its round is still to be allocated or budget is short; tell whether it was."""
    if waits_for_allocation(application):
        return False
    try:
        with transaction.atomic():
            maker = application.round.drafted_by
            propose(application, amount_fen=amounts.award_fen(application), by=maker, actor=SYSTEM, at=at)
    except ShortOfBudget:
        return False
    return True


def waits_for_allocation(application: Application) -> bool:
    """Tell whether an application waits for its round to be allocated, not for budget to come free."""
    first_come = application.round.method == Method.FIRST_COME
    return not first_come and application.round.status != RoundStatus.ALLOCATED
