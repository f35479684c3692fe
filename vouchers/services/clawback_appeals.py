"""Hear a debtor against the decision of its case: once, in time, decided by somebody who had no hand in it.

While an appeal waits nothing is enforced: payments set nothing off, the debtor is not barred, the demand is not overdue
and is not referred. What a payment with the bank has withheld still counts, and what the debtor repays of its own will
is taken. Interest stops with the first decision. What was revoked of the grant went back to the budget and stays
there: after a quashed decision the authority may grant it anew.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import User
from accounts.services import audit, duties
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, NotFound
from core.money import format_yuan
from core.periods import date_of, midnight
from vouchers.models import (
    AppealOutcome,
    Clawback,
    ClawbackAnswer,
    ClawbackAppeal,
    ClawbackRemission,
    ClawbackStatus,
    Grant,
)
from vouchers.models.clawback import OWED
from vouchers.services import (
    blacklisting,
    clawback_documents,
    demands,
    freezing,
    integrity_terms,
    people,
    recoveries,
    restitutions,
)
from vouchers.services.clawback_documents import File

ONE_DAY = timedelta(days=1)


class AppealOver(Conflict):
    """There is no decision to appeal against, or the time for it is over."""

    code = "appeal-over"


class AppealExists(Conflict):
    """The decision has been appealed against."""

    code = "appeal-exists"


class AppealDecided(Conflict):
    """The appeal is decided already."""

    code = "appeal-decided"


class NotAStranger(people.MakerIsChecker):
    """Whoever had a hand in the case does not decide the appeal."""


class BadReduction(DomainError):
    """Less is demanded, but not nothing: that would quash the decision."""

    code = "bad-reduction"


@transaction.atomic
def lodge(*, clawback: Clawback, text: str, actor: Actor, at: datetime, files: Sequence[File] = ()) -> ClawbackAppeal:
    """Appeal against a decision, with files that prove it, all of them or nothing; it is not enforced from now on.

    :raises NotFound: if another organisation appeals.
    :raises AppealOver: if there is no decision, or the time is over.
    :raises AppealExists: if the debtor has appealed before.
    """
    clawback_documents.require_few(files)
    clawback = _locked(clawback)
    if actor.organization is None or actor.organization.pk != clawback.debtor_id:
        raise NotFound(_("There is no such notice."))
    if ClawbackAppeal.objects.filter(clawback=clawback).exists():
        raise AppealExists(_("You have appealed against this decision."))
    if not clawback.appealable(at):
        raise AppealOver(_("There is nothing to appeal against, or the time for it is over."))
    said = ClawbackAnswer.objects.create(
        clawback=clawback, text=freezing.said(text), answered_by=actor.person, answered_at=at
    )
    clawback_documents.keep_all(said, files, actor=actor, at=at)
    made = ClawbackAppeal.objects.create(clawback=clawback, statement=said)
    if clawback.blacklisting is not None:
        blacklisting.suspend(blacklisting=clawback.blacklisting, reason=_("An appeal waits for its decision."), at=at)
    audit.record(actor=actor, verb="clawback.appealed", thing=clawback, at=at)
    return made


@transaction.atomic
def uphold(*, appeal: ClawbackAppeal, reason: str, actor: Actor, at: datetime) -> Clawback:
    """Let the decision stand: it is enforced again, with as many days to pay as at first.

    :raises NotAStranger: if the same person had a hand in the case.
    :raises AppealDecided: if it is decided.
    """
    clawback, acting = _opened(appeal, actor)
    _verdict(appeal, {"outcome": AppealOutcome.UPHELD, "reason": freezing.said(reason)}, acting, at)
    return _resumed(clawback, AppealOutcome.UPHELD, actor, at)


@transaction.atomic
def reduce(*, appeal: ClawbackAppeal, principal_fen: int, reason: str, actor: Actor, at: datetime) -> Clawback:
    """Demand less: what stays is of the latest captures first, with the interest on it as it was decided.

    :raises BadReduction: if it is not less than was demanded, or nothing.
    :raises Withheld: if a payment on its way withholds a part of the demand.
    """
    clawback, acting = _opened(appeal, actor)
    if not 0 < principal_fen < clawback.principal_fen:
        most = {"amount": format_yuan(clawback.principal_fen)}
        raise BadReduction(_("Name a principal above nothing and below ¥%(amount)s.") % most)
    _remit(appeal, clawback, {"outcome": AppealOutcome.REDUCED, "reason": reason}, principal_fen, acting, at)
    return _resumed(clawback, AppealOutcome.REDUCED, actor, at)


@transaction.atomic
def quash(*, appeal: ClawbackAppeal, reason: str, actor: Actor, at: datetime) -> Clawback:
    """Demand nothing: what came back is given back, the bar is over, and what the case withheld is paid.

    :raises Withheld: if a payment on its way withholds a part of the demand.
    """
    clawback, acting = _opened(appeal, actor)
    _remit(appeal, clawback, {"outcome": AppealOutcome.QUASHED, "reason": reason}, 0, acting, at)
    clawback.refresh_from_db(fields=["remitted_fen", "restored_fen", "suspended_at"])
    clawback.move_to(ClawbackStatus.QUASHED, closed_at=at)
    _told(clawback, AppealOutcome.QUASHED, actor, at)
    return clawback


def _opened(appeal: ClawbackAppeal, actor: Actor) -> tuple[Clawback, User]:
    """Lock a case, once nobody holds grants of its debtor, and return it with who decides its appeal."""
    clawback = appeal.clawback
    freezing.close_gates(list(Grant.objects.of_owner(clawback.debtor)))
    clawback = _locked(clawback)
    acting = people.officer(actor, Duty.CLAW_BACK, of=clawback.grant.programme.authority)
    duties.require_impartial(user=acting, of=clawback.debtor)
    return clawback, acting


def _verdict(appeal: ClawbackAppeal, verdict: dict[str, Any], acting: User, at: datetime) -> None:
    """Write a decision down; the database folds it into the demand, and refuses whoever had a hand in the case."""
    withheld = recoveries.withheld(appeal.clawback)
    with refusing(
        clawback_appeal_decided_once=AppealDecided(_("The appeal is decided already.")),
        clawback_appeal_decided_by_another=NotAStranger(
            _("Whoever had a hand in the case does not decide the appeal.")
        ),
        clawback_appeal_beside_offsets=withheld,
    ):
        ClawbackAppeal.objects.filter(pk=appeal.pk).update(**verdict, decided_by=acting, decided_at=at)


def _remit(
    appeal: ClawbackAppeal, clawback: Clawback, verdict: dict[str, Any], principal_fen: int, acting: User, at: datetime
) -> None:
    """Demand of each redemption only what is left of a principal, and give back what came back of the rest."""
    if ClawbackAppeal.objects.filter(pk=appeal.pk, decided_at__isnull=False).exists():
        raise AppealDecided(_("The appeal is decided already."))
    stays = demands.reduced(clawback=clawback, principal_fen=principal_fen)
    parts = [
        ClawbackRemission(appeal=appeal, redemption_id=pk, amount_fen=fen) for pk, fen in sorted(stays.remitted.items())
    ]
    ClawbackRemission.objects.bulk_create(parts)
    sums = {
        "calculation": stays.calculation,
        "remitted_principal_fen": clawback.principal_fen - stays.calculation["principal_fen"],
        "remitted_interest_fen": clawback.interest_fen - stays.calculation["interest_fen"],
    }
    _verdict(appeal, verdict | sums | {"reason": freezing.said(verdict["reason"])}, acting, at)
    clawback.refresh_from_db(fields=["remitted_fen", "restored_fen"])
    restitutions.post_remission(appeal=appeal, clawback=clawback, at=at)


def _resumed(clawback: Clawback, outcome: AppealOutcome, actor: Actor, at: datetime) -> Clawback:
    """Enforce what still stands: bar the debtor for what is left of the time, and let it have days to pay anew."""
    terms = integrity_terms.sanctions(clawback.grant.programme)
    clawback.refresh_from_db(fields=["suspended_at", "remitted_fen", "restored_fen"])
    barred = clawback.blacklisting
    if barred is not None and date_of(barred.ends_at) > date_of(at):
        until, who = date_of(barred.ends_at), Actor(user=actor.user)
        whose = {"organization": clawback.debtor, "authority": clawback.grant.programme.authority}
        again = blacklisting.bar(until=until, reason=barred.reason, actor=who, at=at, **whose)
        clawback.blacklisting = again
    if clawback.status in OWED:
        clawback.pay_by = midnight(date_of(at) + (terms.days_to_pay + 1) * ONE_DAY)
    clawback.save(update_fields=["blacklisting", "pay_by"])
    if clawback.status in OWED and clawback.outstanding_fen == 0:
        clawback.move_to(ClawbackStatus.RECOVERED, closed_at=at)
    _told(clawback, outcome, actor, at)
    return clawback


def _told(clawback: Clawback, outcome: AppealOutcome, actor: Actor, at: datetime) -> None:
    after = {"outcome": str(outcome), "remitted_fen": clawback.remitted_fen, "restored_fen": clawback.restored_fen}
    audit.record(actor=actor, verb="clawback.appeal_decided", thing=clawback, at=at, after=after)


def _locked(clawback: Clawback) -> Clawback:
    joined = ("grant__programme__authority", "debtor", "blacklisting")
    return Clawback.objects.locked().select_related(*joined).get(pk=clawback.pk)
