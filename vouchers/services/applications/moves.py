"""Move an application one step, write the step down, and give reserved budget back on every way out."""

from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import User
from accounts.services import audit, duties
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import IllegalMove
from ledger.services import posting
from vouchers.models import Application, ApplicationStatus, Round, Step
from vouchers.models.application import AWARDED
from vouchers.services import people
from vouchers.services.applications.refusals import NotAStranger, ReasonMissing

RELATED = ("round__drafted_by", "programme__authority", "applicant", "provider", "hold")
DECIDED = (ApplicationStatus.PROPOSED, ApplicationStatus.REJECTED)
FREED = {"reserved_fen": 0, "hold": None, "place": None}


def locked(application: Application) -> Application:
    """Return the application locked, with its round, programme and applicant."""
    rows = Application.objects.locked().select_related(
        "round__drafted_by", "programme__authority", "applicant", "provider", "hold"
    )
    return rows.get(pk=application.pk)


def require(application: Application, *statuses: ApplicationStatus) -> None:
    """Make sure of the state in which an act makes sense.

    :raises IllegalMove: if the application is in another one.
    """
    if application.status not in statuses:
        raise IllegalMove(
            _("The application is in the state “%(state)s”.") % {"state": ApplicationStatus(application.status).label}
        )


def applicants_person(actor: Actor) -> User:
    """Return the person of the applicant who acts, or who made the key that does.

    :raises PersonNeeded: if there is none.
    """
    return actor.person or people.person(actor)


def officer(actor: Actor, duty: Duty, application: Application) -> User:
    """Return the person who acts, once it is clear that they have the duty and no interest in either side.

    :raises PersonNeeded: if a key or the platform acts.
    :raises NotYourDuty: if their role does not have the duty.
    :raises Partial: if they have an interest in the applicant or the provider.
    :raises NotAStranger: if they handed it in themselves.
    """
    person = people.officer(actor, duty, of=application.programme.authority)
    for side in (application.applicant, application.provider):
        if side is not None:
            duties.require_impartial(user=person, of=side)
    if person.pk in (application.submitted_by_id, application.drafted_by_id):
        raise NotAStranger(_("You handed it in: somebody else has to decide."))
    return person


def reasoned(reason: str) -> str:
    """Return a reason without spaces around it.

    :raises ReasonMissing: if nothing is left.
    """
    if not reason.strip():
        raise ReasonMissing(_("Say why."), fields={"reason": _("Say why.")})
    return reason.strip()[:1_000]


def move(
    application: Application,
    target: ApplicationStatus,
    *,
    actor: Actor,
    at: datetime,
    note: str = "",
    by_applicant: bool = False,
    **stamps: Any,
) -> None:
    """Move a locked application, and write down who did it and why.

    Budget that is reserved stays so only among the states that need it; on every other way it is free again. The first
    decision stops the clock.

    :raises IllegalMove: if the table of moves forbids it.
    """
    before = application.status
    if application.hold_id and target not in AWARDED:
        posting.void(hold=application.hold)  # type: ignore[arg-type] # it has one
        stamps = FREED | stamps
    if target in DECIDED:
        stamps = {"decided_at": application.decided_at or at} | stamps
    stranger_needed = NotAStranger(_("Nobody decides on an application of their own organisation."))
    with refusing(application_decided_by_a_stranger=stranger_needed, application_maker_is_not_checker=stranger_needed):
        application.move_to(target, **stamps)
    step = {"status": target, "by": actor.person, "by_applicant": by_applicant, "note": note, "at": at}
    Step.objects.create(application=application, **step)
    audit.record(
        actor=actor,
        verb=f"application.{target.value}",
        thing=application,
        at=at,
        before={"status": before},
        after={"status": target.value, "note": note, "reserved_fen": application.reserved_fen},
    )


def stages(procedure: Round) -> list[ApplicationStatus]:
    """Return the stages of review of a round, in their order."""
    chosen = [
        (procedure.district_review, ApplicationStatus.DISTRICT_REVIEW),
        (procedure.reviewers >= 1, ApplicationStatus.REVIEW_1),
        (procedure.reviewers >= 2, ApplicationStatus.REVIEW_2),
        (procedure.panel_size > 0, ApplicationStatus.PANEL),
    ]
    return [stage for wanted, stage in chosen if wanted]


def entering(application: Application, at: datetime) -> dict[str, Any]:
    """Return what is set when an application comes to a stage: its clock starts, and nobody has it yet."""
    return {"due_at": at + timedelta(days=application.round.review_days), "assignee": None}
