"""Hand an application in: the pre-check runs, the contract is taken, and the first stage begins."""

from datetime import datetime
from typing import Any

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.services.audit import Actor
from core.constraints import refusing
from vouchers.models import Application, ApplicationStatus, Round
from vouchers.services.applications import amounts, decision_clock, forwarding, moves, prechecks
from vouchers.services.applications.refusals import DuplicateContract, NotReady, RoundNotOpen, TooLate

ONE_BY_ONE = "SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))"


@transaction.atomic
def submit(*, application: Application, actor: Actor, at: datetime) -> Application:
    """Hand a draft in. The applications of one firm in one programme are judged one after the other.

    :raises RoundNotOpen: if the round takes no applications now.
    :raises NotReady: if the pre-check finds what bars it; ``findings`` names everything.
    :raises DuplicateContract: if the contract has been applied for in this programme.
    :raises IllegalMove: if it is no draft.
    """
    person = moves.applicants_person(actor)
    _take_turn(application)
    application = moves.locked(application)
    moves.require(application, ApplicationStatus.DRAFT)
    if not Round.objects.taking(at).filter(pk=application.round_id).exists():
        raise RoundNotOpen(_("The round takes no applications now."))
    stamps = {"submitted_by": person, "submitted_at": at, **_judged(application, at)}
    stamps |= decision_clock.begun(application, at)
    _hand_in(application, ApplicationStatus.SUBMITTED, actor=actor, at=at, stamps=stamps)
    forwarding.forward(application, after=None, at=at)
    return application


@transaction.atomic
def supplement(*, application: Application, actor: Actor, at: datetime, note: str = "") -> Application:
    """Hand in what was asked for, within its time; the application returns to the stage that asked.

    :raises TooLate: if the time for it is over.
    :raises NotReady: if the pre-check finds what bars it.
    :raises IllegalMove: if nothing was asked for.
    """
    _take_turn(application)
    application = moves.locked(application)
    moves.require(application, ApplicationStatus.SUPPLEMENT)
    if application.supplement_until is None or at >= application.supplement_until:
        raise TooLate(_("The time to supplement is over."))
    stage = ApplicationStatus(application.supplement_stage)
    stamps = {**_judged(application, at), **moves.entering(application, at), "supplement_until": None}
    stamps |= decision_clock.resumed(application, at)
    _hand_in(application, stage, actor=actor, at=at, stamps={**stamps, "supplement_stage": ""}, note=note)
    return application


def _take_turn(application: Application) -> None:
    """Let one application of a firm in a programme pass at a time: caps and counts are of all of them."""
    with connection.cursor() as cursor:
        cursor.execute(ONE_BY_ONE, [f"application/{application.programme_id}/{application.applicant_id}"])


def _judged(application: Application, at: datetime) -> dict[str, Any]:
    found = prechecks.of_application(application=application, at=at)
    if any(one.code == "DUPLICATE_CONTRACT" for one in found):
        raise _duplicate()
    if any(one.bars for one in found):
        raise NotReady(_("The pre-check found what bars this application."), findings=[one.as_json() for one in found])
    entitled = amounts.entitlement(application=application, at=at)
    return {
        "findings": [one.as_json() for one in found],
        "entitled_fen": entitled.amount_fen,
        "explanation": entitled.explanation,
    }


def _hand_in(
    application: Application,
    target: ApplicationStatus,
    *,
    actor: Actor,
    at: datetime,
    stamps: dict[str, Any],
    note: str = "",
) -> None:
    with refusing(application_contract_once=_duplicate()):
        moves.move(application, target, actor=actor, at=at, note=note.strip()[:1_000], by_applicant=True, **stamps)


def _duplicate() -> DuplicateContract:
    text = _("This contract has been applied for in this programme.")
    return DuplicateContract(text, fields={"contract_no": text})
