"""The reviewers' part: who looks at a case, what they say, and what has to be supplemented."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import Membership, Role, User
from accounts.services import audit, duties
from accounts.services.audit import Actor
from accounts.services.duties import NotYourDuty
from core.constraints import refusing
from core.errors import DomainError
from core.periods import date_of, midnight
from vouchers.models import Application, ApplicationStatus, ReasonCode, Review, Verdict
from vouchers.models.application import REVIEWS
from vouchers.services.applications import forwarding, moves
from vouchers.services.applications.refusals import (
    BadAmount,
    BadScore,
    InterestNotDenied,
    NotAStranger,
    ReviewedBefore,
    StagePassed,
)

DUTY_OF = {
    ApplicationStatus.DISTRICT_REVIEW: Duty.REVIEW_DISTRICT,
    ApplicationStatus.REVIEW_1: Duty.REVIEW,
    ApplicationStatus.REVIEW_2: Duty.REVIEW,
    ApplicationStatus.PANEL: Duty.SCORE,
}


@transaction.atomic
def assign(*, application: Application, to: User | None, actor: Actor, at: datetime) -> Application:
    """Give a case to a reviewer, or back to the queue. Whoever has an interest in it is not given it.

    :raises IllegalMove: if it is at no stage of review.
    :raises Partial: if the reviewer has an interest in one of the parties.
    """
    application = moves.locked(application)
    moves.require(application, *REVIEWS)
    moves.officer(actor, Duty.REVIEW, application)
    if to is not None:
        duties.require_impartial(user=to, of=application.applicant)
    Application.objects.filter(pk=application.pk).update(assignee=to)
    application.assignee = to
    after = {"assignee": str(to.pk) if to else None}
    audit.record(actor=actor, verb="application.assigned", thing=application, at=at, after=after)
    return application


@transaction.atomic
def approve(
    *,
    application: Application,
    stage: str,
    actor: Actor,
    at: datetime,
    no_interest: bool,
    score: int | None = None,
    amount_fen: int | None = None,
    opinion: str = "",
) -> Application:
    """Let a case pass the stage that the reviewer has seen; of two at once the second finds it gone.

    :raises StagePassed: if it is at another stage by now.
    :raises InterestNotDenied: if the reviewer does not declare to have no interest in it.
    :raises ReviewedBefore: if the same person reviewed this case at an earlier stage.
    :raises BadScore: if an expert gives none, or one out of range.
    :raises BadAmount: if the recommended amount is out of range.
    """
    application = _at_stage(application, stage)
    _require_score(stage, score)
    if amount_fen is not None and not 0 < amount_fen <= application.asked_fen:
        text = _("The amount lies between a fen and what was asked.")
        raise BadAmount(text, fields={"amount_fen": text})
    facts = {"verdict": Verdict.PASS, "score": score, "amount_fen": amount_fen, "reason": opinion.strip()[:1_000]}
    review = _write(application, actor=actor, at=at, no_interest=no_interest, facts=facts)
    if stage == ApplicationStatus.PANEL and review.seat < application.round.panel_size:
        return application
    _summed_up(application, stage, amount_fen)
    forwarding.forward(application, after=ApplicationStatus(stage), at=at)
    return application


@transaction.atomic
def reject(
    *,
    application: Application,
    stage: str,
    reason_code: str,
    reason: str,
    actor: Actor,
    at: datetime,
    no_interest: bool,
) -> Application:
    """Turn a case down, with a code, a reason and a time to appeal.

    :raises StagePassed: if it is at another stage by now.
    :raises ReasonMissing: if it does not say why.
    """
    application = _at_stage(application, stage)
    facts = {"verdict": Verdict.REJECT, "reason_code": reason_code, "reason": moves.reasoned(reason)}
    review = _write(application, actor=actor, at=at, no_interest=no_interest, facts=facts)
    turn_down(application, reason_code=reason_code, reason=review.reason, by=review.reviewer, actor=actor, at=at)
    return application


@transaction.atomic
def ask_for_supplement(*, application: Application, stage: str, reason: str, actor: Actor, at: datetime) -> Application:
    """Return a case to the applicant, who has until the end of the last day to hand in what is missing.

    :raises StagePassed: if it is at another stage by now.
    :raises ReasonMissing: if it does not say what is missing.
    """
    application = _at_stage(application, stage)
    _reviewer(application, actor)
    until = midnight(date_of(at) + timedelta(days=application.round.supplement_days + 1))
    moves.move(
        application,
        ApplicationStatus.SUPPLEMENT,
        actor=actor,
        at=at,
        note=moves.reasoned(reason),
        supplement_until=until,
        supplement_stage=stage,
        due_at=None,
    )
    return application


def turn_down(application: Application, *, reason_code: str, reason: str, by: User, actor: Actor, at: datetime) -> None:
    """Reject a locked application, and let its time to appeal begin."""
    until = midnight(date_of(at) + timedelta(days=application.round.appeal_days + 1))
    code = reason_code if reason_code in ReasonCode.values else ReasonCode.OTHER
    stamps: dict[str, Any] = {
        "rejected_by": by,
        "reason_code": code,
        "reason": reason,
        "appeal_until": until,
        "due_at": None,
    }
    moves.move(application, ApplicationStatus.REJECTED, actor=actor, at=at, note=reason, **stamps)


def each(applications: Iterable[Application], act: Any, **terms: Any) -> list[tuple[Application, str]]:
    """Do the same to many cases, each on its own, and return those that refused with what they said.

    The caller's transaction, if it has one, keeps what succeeded.
    """
    refused = []
    for application in applications:
        try:
            act(application=application, **terms)
        except DomainError as error:
            refused.append((application, str(error)))
    return refused


def _at_stage(application: Application, stage: str) -> Application:
    application = moves.locked(application)
    if application.status != stage or stage not in REVIEWS:
        raise StagePassed(
            _("Somebody else was first: the case is no longer at this stage."), status_now=application.status
        )
    return application


def _reviewer(application: Application, actor: Actor) -> User:
    person = moves.officer(actor, DUTY_OF[ApplicationStatus(application.status)], application)
    if application.status == ApplicationStatus.DISTRICT_REVIEW and actor.organization is not None:
        seats = Membership.objects.filter(user=person, organization=actor.organization, role=Role.DISTRICT)
        if not seats.filter(district=application.district).exists():
            raise NotYourDuty(_("This case belongs to another district."))
    return person


def _write(application: Application, *, actor: Actor, at: datetime, no_interest: bool, facts: dict[str, Any]) -> Review:
    person = _reviewer(application, actor)
    if not no_interest:
        raise InterestNotDenied(_("Declare that you have no interest in this case, or leave it to another."))
    here = Review.objects.filter(application=application, cycle=application.cycle, stage=application.status)
    with refusing(
        review_once_a_person=ReviewedBefore(_("You have reviewed this case before: somebody else has to.")),
        review_once_a_stage=StagePassed(_("Somebody else was first: the case is no longer at this stage.")),
        review_by_a_stranger=NotAStranger(_("Nobody decides on an application of their own organisation.")),
    ):
        return Review.objects.create(
            application=application,
            cycle=application.cycle,
            stage=application.status,
            seat=here.count() + 1,
            reviewer=person,
            reviewed_at=at,
            **facts,
        )


def _require_score(stage: str, score: int | None) -> None:
    needed = stage == ApplicationStatus.PANEL
    if (needed and score is None) or (score is not None and not 0 <= score <= 100):
        text = _("Give a score from 0 to 100.")
        raise BadScore(text, fields={"score": text})


def _summed_up(application: Application, stage: str, amount_fen: int | None) -> None:
    """Keep what reviews come to: the least amount that anybody recommended, and the mean score in hundredths."""
    known = [fen for fen in (application.recommended_fen, amount_fen) if fen is not None]
    changes: dict[str, Any] = {"recommended_fen": min(known) if known else None}
    if stage == ApplicationStatus.PANEL:
        scores = Review.objects.filter(application=application, cycle=application.cycle, stage=stage)
        changes["score"] = scores.aggregate(sum=Sum("score"))["sum"] * 100 // application.round.panel_size
    Application.objects.filter(pk=application.pk).update(**changes)
    for name, value in changes.items():
        setattr(application, name, value)
