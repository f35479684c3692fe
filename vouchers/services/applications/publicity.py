"""Publicity 公示: who is proposed for how much stands in public for some days, and anybody may object."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.services import audit
from accounts.services.audit import SYSTEM, Actor
from core.constraints import refusing
from core.errors import Conflict
from core.periods import date_of, midnight
from vouchers.models import Application, ApplicationStatus, Objection, ReasonCode
from vouchers.services.applications import decision_clock, moves, reviewing
from vouchers.services.applications.refusals import BadApplication, TooLate

MOST_BY_ONE = 10
"""Counted by objector, as each may be reached: whoever objects a lot keeps nobody else from objecting."""


class TooManyObjections(Conflict):
    """One objector has said more against an award than anybody would."""

    code = "too-many-objections"


class Decided(Conflict):
    """The objection is decided already."""

    code = "objection-decided"


@transaction.atomic
def publish(*, applications: Iterable[Application], actor: Actor, at: datetime) -> list[Application]:
    """Put proposed awards before the public, for the days of their round; all of them or none.

    :raises IllegalMove: if one of them is not proposed.
    """
    published = []
    for application in sorted(applications, key=lambda one: one.pk):
        found = moves.locked(application)
        moves.require(found, ApplicationStatus.PROPOSED)
        moves.officer(actor, Duty.PROPOSE, found)
        until = midnight(date_of(at) + timedelta(days=found.round.publicity_days + 1))
        dates: dict[str, Any] = {"publicity_from": at, "publicity_until": until}
        moves.move(found, ApplicationStatus.PUBLICITY, actor=actor, at=at, due_at=until, **dates)
        published.append(found)
    return published


@transaction.atomic
def raise_objection(*, application: Application, name: str, contact: str, text: str, at: datetime) -> Objection:
    """Keep what somebody says against an award while it stands in public; the award waits for the answer.

    :raises BadApplication: if something is left out.
    :raises TooLate: if it does not stand in public now.
    :raises TooManyObjections: if the same objector has raised too many.
    """
    given = {"name": name.strip(), "contact": contact.strip(), "text": text.strip()}
    empty = {field: _("Fill this in.") for field, value in given.items() if not value}
    if empty:
        raise BadApplication(_("Fill everything in."), fields=empty)
    application = moves.locked(application)
    if not Application.objects.in_publicity(at).filter(pk=application.pk, publicity_until__gt=at).exists():
        raise TooLate(_("This award does not stand in public now."))
    if application.objections.filter(contact__iexact=given["contact"]).count() >= MOST_BY_ONE:
        raise TooManyObjections(
            _("You have objected to this award too often: your earlier objections are looked into.")
        )
    objection = Objection.objects.create(application=application, raised_at=at, **given)
    if application.status == ApplicationStatus.PUBLICITY:
        moves.move(application, ApplicationStatus.OBJECTED, actor=SYSTEM, at=at, **moves.entering(application, at))
    return objection


@transaction.atomic
def dismiss(*, objection: Objection, answer: str, actor: Actor, at: datetime) -> Application:
    """Answer an objection that does not stand; after the last one the award stands in public again, to its old end.

    :raises Decided: if it is decided already.
    :raises ReasonMissing: if it does not say why.
    """
    application = _decide(objection, upheld=False, answer=answer, actor=actor, at=at)
    if not application.objections.undecided().exists():
        until: dict[str, Any] = {"due_at": application.publicity_until}
        moves.move(application, ApplicationStatus.PUBLICITY, actor=actor, at=at, **until)
    return application


@transaction.atomic
def uphold(*, objection: Objection, answer: str, actor: Actor, at: datetime, review_again: bool = True) -> Application:
    """Agree with an objection: the case is reviewed anew, or turned down; its budget is free again.

    :raises Decided: if it is decided already.
    :raises ReasonMissing: if it does not say why.
    """
    application = _decide(objection, upheld=True, answer=answer, actor=actor, at=at)
    others = application.objections.undecided()
    for other in others:
        _decide(other, upheld=True, answer=answer, actor=actor, at=at)
    stages = moves.stages(application.round)
    note = moves.reasoned(answer)
    if review_again and stages:
        anew = {"cycle": application.cycle + 1, "publicity_from": None, "publicity_until": None, "score": None}
        anew |= {"recommended_fen": None} | decision_clock.begun(application, at)
        begun = moves.entering(application, at) | anew
        moves.move(application, stages[0], actor=actor, at=at, note=note, **begun)
    else:
        by = moves.officer(actor, Duty.APPROVE, application)
        reviewing.turn_down(application, reason_code=ReasonCode.OBJECTION, reason=note, by=by, actor=actor, at=at)
    return application


def _decide(objection: Objection, *, upheld: bool, answer: str, actor: Actor, at: datetime) -> Application:
    application = moves.locked(objection.application)
    moves.require(application, ApplicationStatus.OBJECTED)
    person = moves.officer(actor, Duty.APPROVE, application)
    verdict = {"upheld": upheld, "answer": moves.reasoned(answer), "decided_by": person, "decided_at": at}
    with refusing(objection_decided_once=Decided(_("The objection is decided already."))):
        Objection.objects.filter(pk=objection.pk).update(**verdict)
    after = {"objection": str(objection.pk), "upheld": upheld}
    audit.record(actor=actor, verb="application.objection-decided", thing=application, at=at, after=after)
    return application
