"""Extend reservations before they end, as their buyers instructed: within a budget, a price and a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import F
from django.utils.translation import gettext as _

from accounts.services import audit
from accounts.services.audit import Actor
from billing.models import (
    ApprovalEnd,
    ApprovalRequest,
    ApprovalStatus,
    AutoExtension,
    AutoExtensionEnd,
    AutoExtensionStatus,
    AutoExtensionStep,
    Supplement,
)
from billing.models.auto_extension import MOST_LEAD_HOURS, MOST_STEP_HOURS
from billing.services import asking, extending, spending_limits, taken_lines
from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.periods import HOUR, hour_of
from market.models import Reservation
from market.services import lifecycle
from vouchers.models import Grant

MOST_FEN = 10**13
MOST_MICRO = 10**12


class BadInstruction(DomainError):
    """A figure of the instruction makes no sense."""

    code = "bad-instruction"


class AlreadyInstructed(Conflict):
    """The reservation is extended automatically already."""

    code = "already-instructed"


class NotInstructed(Conflict):
    """The instruction has ended before."""

    code = "instruction-over"


class BudgetUsedUp(Conflict):
    """The step would exceed the budget."""

    code = "budget-used-up"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instruction:
    """Extend by ``step_hours`` when ``lead_hours`` are left, within a time, a price and a budget."""

    budget_fen: int
    limit_micro: int
    until: datetime
    step_hours: int
    lead_hours: int = 2
    grant: Grant | None = None


@transaction.atomic
def instruct(*, reservation: Reservation, instruction: Instruction, actor: Actor, at: datetime) -> AutoExtension:
    """Let the buyer have a reservation extended from now on.

    :raises NotFound: if the actor's organisation did not buy it.
    :raises BadInstruction: if a figure makes no sense, or the reservation is over.
    :raises AlreadyInstructed: if it is extended automatically already.
    """
    buyer = lifecycle.buyer_of(reservation, actor)
    _check(reservation, instruction, at=at)
    with refusing(auto_extension_one_at_a_time=AlreadyInstructed(_("It is extended automatically already."))):
        made = AutoExtension.objects.create(
            status=AutoExtensionStatus.ACTIVE,
            reservation=reservation,
            buyer=buyer,
            budget_fen=instruction.budget_fen,
            limit_micro=instruction.limit_micro,
            until=instruction.until,
            step_hours=instruction.step_hours,
            lead_hours=instruction.lead_hours,
            grant=instruction.grant,
            instructed_by=actor.person,
            started_at=at,
        )
    after = {"budget_fen": made.budget_fen, "until": made.until.isoformat(), "limit_micro": made.limit_micro}
    audit.record(actor=actor, verb="auto-extension.instructed", thing=made, at=at, after=after)
    return made


@transaction.atomic
def revoke(*, reservation: Reservation, actor: Actor, at: datetime) -> AutoExtension:
    """Let the buyer end an instruction; what it extended stays extended.

    :raises NotFound: if the actor's organisation did not buy the reservation.
    :raises NotInstructed: if nothing extends it.
    """
    lifecycle.buyer_of(reservation, actor)
    found = AutoExtension.objects.locked().active().filter(reservation=reservation).first()
    if found is None:
        raise NotInstructed(_("Nothing extends this reservation automatically."))
    found.move_to(AutoExtensionStatus.CANCELLED, ended_at=at, end_code=AutoExtensionEnd.REVOKED)
    audit.record(actor=actor, verb="auto-extension.revoked", thing=found, at=at)
    _ask_no_more(found, actor=actor, at=at)
    return found


def due(*, at: datetime, limit: int) -> list[UUID]:
    """Return the instructions whose next step, or whose end, has come, those that were tried last at the end.

    What something is in the way of stays due: however much of it there is, it keeps nobody else waiting.
    """
    rows = AutoExtension.objects.due(at).order_by(F("problem_at").asc(nulls_first=True), "pk")
    return list(rows.values_list("pk", flat=True)[:limit])


@transaction.atomic
def step(*, instruction_id: UUID, at: datetime) -> Supplement | None:
    """Make one step of an instruction, if it is still due; what keeps it from extending is noted and tried again.

    It ends for good when its time is reached, the next step would exceed its budget, or the reservation is over.
    """
    AutoExtension.objects.locked().get(pk=instruction_id)
    found = AutoExtension.objects.due(at).filter(pk=instruction_id)
    one = found.select_related(
        "reservation__order__buyer", "reservation__provider", "grant__programme", "instructed_by"
    ).first()
    if one is None:
        return None
    reservation = one.reservation
    hours = min(one.step_hours, (one.until - reservation.ends_at) // HOUR)
    if reservation.is_over or reservation.ends_at <= at:
        _end(one, AutoExtensionEnd.OVER, at=at)
    elif hours < 1:
        _end(one, AutoExtensionEnd.UNTIL, at=at)
    else:
        return _try(one, hours, at=at)
    return None


def _try(one: AutoExtension, hours: int, *, at: datetime) -> Supplement | None:
    try:
        return _extend(one, hours, at=at)
    except BudgetUsedUp:
        _end(one, AutoExtensionEnd.BUDGET, at=at)
    except DomainError as error:
        _note(one, error, at=at)
        if isinstance(error, spending_limits.ApprovalNeeded) and one.instructed_by:
            _ask(one, hours, at=at)
    return None


def _ask(one: AutoExtension, hours: int, *, at: datetime) -> None:
    """Ask for a second person in the name of who instructed, once for these hours; it waits until they would begin."""
    choice = {"instruction": str(one.pk), "starts_at": one.reservation.ends_at.isoformat()}
    if ApprovalRequest.objects.filter(reservation=one.reservation, choice=choice).exists():
        return
    wanted: dict[str, Any] = {"reservation": one.reservation, "hours": hours, "grant": one.grant, "at": at}
    try:
        quote = extending.quote(**wanted)
        if one.spent_fen + quote.estimate_fen + quote.lines_fen > one.budget_fen:
            _end(one, AutoExtensionEnd.BUDGET, at=at)
            return
        actor = Actor(user=one.instructed_by, organization=one.buyer)
        asking.ask_to_extend(**wanted, most_micro=one.limit_micro, actor=actor, choice=choice)
    except DomainError as error:  # an extension by hand waits already, or the voucher would not pay
        _note(one, error, at=at)


def waiting(request: ApprovalRequest) -> AutoExtension | None:
    """Return the instruction whose step a request is for, locked; None if a person asked by hand.

    :raises NotInstructed: if it has ended.
    """
    if "instruction" not in request.choice:
        return None
    found = AutoExtension.objects.locked().active().filter(pk=request.choice["instruction"]).first()
    if found is None:
        raise NotInstructed(_("Nothing extends this reservation automatically."))
    return found


@transaction.atomic
def _extend(one: AutoExtension, hours: int, *, at: datetime) -> Supplement:
    supplement = extending.extend(
        reservation=one.reservation,
        hours=hours,
        grant=one.grant,
        most_micro=one.limit_micro,
        begins_at=one.reservation.ends_at,
        actor=Actor(organization=one.buyer),
        at=at,
    )
    keep_step(one, supplement, at=at)
    return supplement


def keep_step(one: AutoExtension, supplement: Supplement, *, at: datetime) -> None:
    """Write down an extension as a step of a locked instruction.

    :raises BudgetUsedUp: if it exceeds the budget.
    """
    with refusing(auto_extension_within_budget=BudgetUsedUp(_("The next step would exceed the budget."))):
        AutoExtensionStep.objects.create(
            supplement=supplement,
            instruction=one,
            number=1 + one.steps.count(),
            estimate_fen=supplement.estimate_fen + taken_lines.carried_fen(supplement=supplement),
            at=at,
        )
    AutoExtension.objects.filter(pk=one.pk).update(problem="", problem_detail="", problem_at=None)


def _note(one: AutoExtension, error: DomainError, *, at: datetime) -> None:
    """Keep what was in the way; it may be gone at the next try."""
    AutoExtension.objects.filter(pk=one.pk).update(
        problem=error.code, problem_detail=str(error.detail)[:500], problem_at=at
    )


def _end(one: AutoExtension, code: AutoExtensionEnd, *, at: datetime) -> None:
    one.move_to(AutoExtensionStatus.ENDED, ended_at=at, end_code=code)
    actor = Actor(organization=one.buyer)
    after = {"end_code": str(code), "problem": one.problem, "spent_fen": one.spent_fen}
    audit.record(actor=actor, verb="auto-extension.ended", thing=one, at=at, after=after)
    _ask_no_more(one, actor=actor, at=at)


def _ask_no_more(one: AutoExtension, *, actor: Actor, at: datetime) -> None:
    """Close the request for a step of a locked instruction that has ended: nobody can approve it any more."""
    status, code = ApprovalStatus.WITHDRAWN, ApprovalEnd.INSTRUCTION
    if one.end_code == AutoExtensionEnd.OVER:
        status, code = ApprovalStatus.EXPIRED, ApprovalEnd.OVER
    for request in ApprovalRequest.objects.of_instruction(one).locked():
        request.move_to(status, end_code=code)
        audit.record(actor=actor, verb=f"approval.{status}", thing=request, at=at, after={"end_code": str(code)})


def _check(reservation: Reservation, instruction: Instruction, *, at: datetime) -> None:
    wrong: dict[str, str] = {}
    figures = {
        "budget_fen": (1, MOST_FEN),
        "limit_micro": (1, MOST_MICRO),
        "step_hours": (1, MOST_STEP_HOURS),
        "lead_hours": (1, MOST_LEAD_HOURS),
    }
    for name, (least, most) in figures.items():
        if not least <= getattr(instruction, name) <= most:
            wrong[name] = _("From %(least)d to %(most)d.") % {"least": least, "most": most}
    if instruction.until != hour_of(instruction.until) or instruction.until <= reservation.ends_at:
        wrong["until"] = _("A full hour after the present end.")
    if reservation.is_over or reservation.ends_at <= at:
        raise BadInstruction(_("The reservation is over."))
    if wrong:
        raise BadInstruction(_("This instruction makes no sense."), fields=wrong)
