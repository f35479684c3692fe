"""The authority's last word: approve and grant, turn down, and decide on appeals."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict
from core.periods import date_of
from vouchers.models import Appeal, Application, ApplicationStatus, Programme
from vouchers.models.application import RESERVING
from vouchers.services import grants
from vouchers.services.applications import decision_clock, forwarding, moves, reviewing
from vouchers.services.applications.refusals import BadApplication, NotAStranger, TooEarly, TooLate
from vouchers.services.people import MakerIsChecker


class AppealExists(Conflict):
    """The rejection has been appealed against."""

    code = "appeal-exists"


class AppealDecided(Conflict):
    """The appeal is decided already."""

    code = "appeal-decided"


@transaction.atomic
def approve(*, application: Application, actor: Actor, at: datetime) -> Application:
    """Approve an award whose publicity is over, and grant it if the programme grants today.

    :raises TooEarly: if its publicity is not over.
    :raises MakerIsChecker: if the same person proposed it.
    :raises IllegalMove: if it is not proposed, or an objection is open.
    """
    application = moves.locked(application)
    person = moves.officer(actor, Duty.APPROVE, application)
    moves.require(application, ApplicationStatus.PROPOSED, ApplicationStatus.PUBLICITY)
    if application.status == ApplicationStatus.PROPOSED and application.round.publicity_days:
        raise TooEarly(_("The award has to stand in public first."))
    if application.publicity_until is not None and at < application.publicity_until:
        raise TooEarly(_("The publicity is not over yet."))
    if person.pk == application.proposed_by_id:
        raise MakerIsChecker(_("Another person must approve what you proposed."))
    stamps: dict[str, Any] = {"approved_by": person, "approved_at": at, "due_at": None}
    moves.move(application, ApplicationStatus.APPROVED, actor=actor, at=at, **stamps)
    if Programme.objects.granting(date_of(at)).filter(pk=application.programme_id).exists():
        _grant(application, actor, at)
    return application


@transaction.atomic
def grant(*, application: Application, actor: Actor, at: datetime) -> Application:
    """Give an approved award its grant, where the programme did not grant on the day of the approval.

    :raises IllegalMove: if it is not approved.
    :raises NotGranting: if the programme grants nothing today.
    """
    application = moves.locked(application)
    moves.require(application, ApplicationStatus.APPROVED)
    moves.officer(actor, Duty.APPROVE, application)
    _grant(application, actor, at)
    return application


@transaction.atomic
def turn_down(
    *, applications: Iterable[Application], reason_code: str, reason: str, actor: Actor, at: datetime
) -> list[Application]:
    """Turn down what is proposed, published, waiting or approved; all of them or none. Their budget is free again.

    :raises ReasonMissing: if it does not say why.
    :raises IllegalMove: if one of them is at a stage of review, or over.
    """
    why = moves.reasoned(reason)
    rejected = []
    for application in sorted(applications, key=lambda one: one.pk):
        found = moves.locked(application)
        moves.require(found, ApplicationStatus.WAITLISTED, *RESERVING)
        by = moves.officer(actor, Duty.APPROVE, found)
        reviewing.turn_down(found, reason_code=reason_code, reason=why, by=by, actor=actor, at=at)
        rejected.append(found)
    return rejected


@transaction.atomic
def appeal(*, application: Application, text: str, actor: Actor, at: datetime) -> Appeal:
    """Keep what an applicant says against a rejection, once and in time.

    :raises TooLate: if it is not rejected, or the time to appeal is over.
    :raises AppealExists: if it has been appealed against.
    """
    person = moves.applicants_person(actor)
    application = moves.locked(application)
    if not application.appealable(at) or application.rejected_by is None:
        raise TooLate(_("There is nothing to appeal against, or the time for it is over."))
    if not text.strip():
        raise BadApplication(_("Say why."), fields={"text": _("Say why.")})
    with refusing(appeal_once_a_rejection=AppealExists(_("You have appealed against this rejection."))):
        made = Appeal.objects.create(
            application=application,
            cycle=application.cycle,
            text=text.strip(),
            raised_by=person,
            raised_at=at,
            against=application.rejected_by,
        )
    audit.record(actor=actor, verb="application.appealed", thing=application, at=at)
    return made


@transaction.atomic
def decide_appeal(*, made: Appeal, upheld: bool, answer: str, actor: Actor, at: datetime) -> Application:
    """Answer an appeal; if it is upheld the case is reviewed anew. Whoever rejected does not decide.

    :raises AppealDecided: if it is decided already.
    :raises NotAStranger: if the same person rejected the case.
    """
    application = moves.locked(made.application)
    person = moves.officer(actor, Duty.APPROVE, application)
    verdict = {"upheld": upheld, "answer": moves.reasoned(answer), "decided_by": person, "decided_at": at}
    with refusing(
        appeal_decided_once=AppealDecided(_("The appeal is decided already.")),
        appeal_decided_by_another=NotAStranger(_("Whoever turned the case down does not decide on the appeal.")),
    ):
        Appeal.objects.filter(pk=made.pk).update(**verdict)
    audit.record(actor=actor, verb="application.appeal-decided", thing=application, at=at, after={"upheld": upheld})
    if upheld:
        _anew(application, note=moves.reasoned(answer), actor=actor, at=at)
    return application


def _anew(application: Application, *, note: str, actor: Actor, at: datetime) -> None:
    stages = moves.stages(application.round)
    cleared: dict[str, Any] = {"rejected_by": None, "reason_code": "", "reason": "", "appeal_until": None}
    anew = cleared | {"cycle": application.cycle + 1, "score": None, "recommended_fen": None}
    anew |= decision_clock.begun(application, at)
    if stages:
        begun = moves.entering(application, at) | anew
        moves.move(application, stages[0], actor=actor, at=at, note=note, **begun)
    else:
        anew |= forwarding.passed(application, at)
        moves.move(application, ApplicationStatus.WAITLISTED, actor=actor, at=at, note=note, **anew)
        forwarding.offer(application, at=at)


def _grant(application: Application, actor: Actor, at: datetime) -> None:
    """Create the grant out of what is reserved: proposed and approved by those who did so here."""
    assert application.proposed_by
    assert application.approved_by
    proposer = Actor(user=application.proposed_by)
    proposed = grants.propose(
        programme=application.programme,
        owner=application.applicant,
        face_fen=application.reserved_fen,
        actor=proposer,
        at=at,
        pool=None,
    )
    approver = Actor(user=application.approved_by, organization=actor.organization)
    granted = grants.approve(grant=proposed, actor=approver, at=at, reserved=application.hold)
    moves.move(application, ApplicationStatus.GRANTED, actor=actor, at=at, grant=granted)
