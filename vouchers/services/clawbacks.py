"""Take public money back: suspicion, freeze, notice, answer, another person's decision; recovery is next door.

Nothing that was settled is edited: what is owed is demanded on an account of its own, beside what was redeemed.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Sum
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import Organization, User
from accounts.services import audit, duties
from accounts.services.audit import SYSTEM, Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, NotFound
from core.periods import date_of, midnight
from ledger.services import posting
from ledger.services.posting import Leg
from vouchers import chart, selectors, workdays
from vouchers.chart import Kind
from vouchers.fraud import sums
from vouchers.models import (
    Blacklisting,
    Clawback,
    ClawbackAnswer,
    ClawbackItem,
    ClawbackStatus,
    Finding,
    FreezeGround,
    Grant,
    GrantStatus,
)
from vouchers.models.grant import LIVING
from vouchers.services import blacklisting, demands, freezing, grants, integrity_terms, people
from vouchers.services.demands import BeyondPaid, Item

ONE_DAY = timedelta(days=1)


class AnswerOver(Conflict):
    """The time to answer a notice is over, or there is no notice."""

    code = "answer-over"


class StillTime(Conflict):
    """Nobody decides before the time to answer is over or an answer has come."""

    code = "still-time-to-answer"


class NothingTaken(DomainError):
    """A clawback takes something back."""

    code = "nothing-taken-back"


@transaction.atomic
def suspect(
    *,
    grant: Grant,
    items: Sequence[Item],
    reason: str,
    actor: Actor,
    at: datetime,
    debtor: Organization | None = None,
    finding: Finding | None = None,
) -> Clawback:
    """Open a case about captures of a grant; what they paid is not paid out while it lasts.

    The debtor is the grant's owner if nobody else is named: the provider, where it was in it.

    :raises NothingTaken: if no capture is named.
    :raises BeyondPaid: if more is taken back than was paid, or another case has it.
    """
    if not items:
        raise NothingTaken(_("Name what is to be taken back."))
    grant = Grant.objects.select_related("programme__authority", "owner").get(pk=grant.pk)
    raised_by = None if actor == SYSTEM else freezing.officer(actor, grant)
    clawback = Clawback.objects.create(
        grant=grant,
        debtor=debtor or grant.owner,
        finding=finding,
        status=ClawbackStatus.SUSPECTED,
        reason=freezing.said(reason),
        raised_by=raised_by,
        raised_at=at,
    )
    beyond = BeyondPaid(_("No more is taken back than was paid, and once only."))
    for item in items:
        with refusing(
            clawback_item_within_what_was_paid=beyond, clawback_item_once=beyond, clawback_item_positive=beyond
        ):
            ClawbackItem.objects.create(clawback=clawback, capture=item.capture, amount_fen=item.amount_fen)
    audit.record(actor=actor, verb="clawback.suspected", thing=clawback, at=at, after={"reason": reason})
    return clawback


@transaction.atomic
def place_hold(*, clawback: Clawback, actor: Actor, at: datetime) -> Clawback:
    """Freeze what is left of the grant.

    :raises IllegalMove: if the case is further on.
    """
    freezing.close_gates([clawback.grant])
    grant = Grant.objects.locked().select_related("programme__authority").get(pk=clawback.grant_id)
    clawback = _locked(clawback)
    freezing.officer(actor, grant)
    clawback.move_to(ClawbackStatus.HOLD_PLACED, held_at=at)
    if grant.status == GrantStatus.ACTIVE:
        ground, finding = FreezeGround.CLAWBACK, clawback.finding
        freezing.freeze(grant=grant, reason=clawback.reason, ground=ground, finding=finding, actor=actor, at=at)
    audit.record(actor=actor, verb="clawback.held", thing=clawback, at=at)
    return clawback


@transaction.atomic
def send_notice(*, clawback: Clawback, notice: str, actor: Actor, at: datetime) -> Clawback:
    """Tell the debtor what is suspected; working days to answer begin on the next day and end with the last one.

    :raises IllegalMove: if the grant is not frozen for the case, or the notice is out.
    """
    clawback = _locked(clawback)
    acting = freezing.officer(actor, clawback.grant)
    days = integrity_terms.sanctions(clawback.grant.programme).response_working_days
    due_at = midnight(workdays.next_day(workdays.after(date_of(at), days)))
    stamps = {"notice": freezing.said(notice), "notified_by": acting, "notified_at": at, "response_due_at": due_at}
    clawback.move_to(ClawbackStatus.NOTICE_SENT, **stamps)
    after = {"response_due_at": due_at.isoformat()}
    audit.record(actor=actor, verb="clawback.notified", thing=clawback, at=at, after=after)
    return clawback


@transaction.atomic
def respond(*, clawback: Clawback, text: str, actor: Actor, at: datetime) -> ClawbackAnswer:
    """Answer a notice, as often as the debtor likes until the time is over.

    :raises NotFound: if another organisation answers.
    :raises AnswerOver: if there is no notice, the time is over, or the case is decided.
    """
    clawback = _locked(clawback)
    if actor.organization is None or actor.organization.pk != clawback.debtor_id:
        raise NotFound(_("There is no such notice."))
    if clawback.status not in (ClawbackStatus.NOTICE_SENT, ClawbackStatus.RESPONDED):
        raise AnswerOver(_("An answer can no longer be given."))
    if clawback.response_due_at is None or at >= clawback.response_due_at:
        raise AnswerOver(_("An answer can no longer be given."))
    made = ClawbackAnswer.objects.create(
        clawback=clawback, text=freezing.said(text), answered_by=actor.person, answered_at=at
    )
    if clawback.status == ClawbackStatus.NOTICE_SENT:
        clawback.move_to(ClawbackStatus.RESPONDED, responded_at=at)
    audit.record(actor=actor, verb="clawback.answered", thing=clawback, at=at)
    return made


@transaction.atomic
def dismiss(*, clawback: Clawback, reason: str, actor: Actor, at: datetime) -> Clawback:
    """Drop a case; the freeze is lifted, unless the same person froze: then another one has to lift it.

    :raises MakerIsChecker: if the same person raised the case.
    """
    grant = Grant.objects.locked().get(pk=clawback.grant_id)
    clawback = _locked(clawback)
    acting = _decider(clawback, actor)
    stamps = {"decision": freezing.said(reason), "decided_by": acting, "decided_at": at, "closed_at": at}
    clawback.move_to(ClawbackStatus.DISMISSED, **stamps)
    audit.record(actor=actor, verb="clawback.dismissed", thing=clawback, at=at, after={"reason": reason})
    standing = grant.freezes.standing().exclude(frozen_by=acting)
    others = Clawback.objects.undecided().filter(grant=grant)
    if grant.status == GrantStatus.FROZEN and standing.exists() and not others.exists():
        freezing.lift(grant=grant, reason=reason, actor=actor, at=at)
    return clawback


@transaction.atomic
def uphold(*, clawback: Clawback, reason: str, actor: Actor, at: datetime) -> Clawback:
    """Decide that value was wrongly paid: revoke what is left, void the holds, bar the debtor, demand what was paid.

    :raises MakerIsChecker: if the same person raised the case.
    :raises StillTime: if the time to answer is not over and no answer has come.
    """
    freezing.close_gates(list(Grant.objects.of_owner(clawback.debtor) | Grant.objects.filter(pk=clawback.grant_id)))
    grant = Grant.objects.locked().select_related("programme").get(pk=clawback.grant_id)
    clawback = _locked(clawback)
    acting = _decider(clawback, actor)
    if clawback.status == ClawbackStatus.NOTICE_SENT and not _is_over(clawback, at):
        raise StillTime(_("The time to answer is not over yet."))
    said, owed = freezing.said(reason), demands.calculate(clawback=clawback, at=at)
    clawback.move_to(
        ClawbackStatus.UPHELD,
        decision=said,
        decided_by=acting,
        decided_at=at,
        calculation=owed,
        principal_fen=owed["principal_fen"],
        interest_fen=owed["interest_fen"],
        revoked_fen=_revoke(grant, actor, at),
    )
    after = {"reason": reason, "principal_fen": owed["principal_fen"], "interest_fen": owed["interest_fen"]}
    audit.record(actor=actor, verb="clawback.upheld", thing=clawback, at=at, after=after)
    return _demand(clawback, actor, at)


def _is_over(clawback: Clawback, at: datetime) -> bool:
    return clawback.response_due_at is not None and at >= clawback.response_due_at


def _revoke(grant: Grant, actor: Actor, at: datetime) -> int:
    """Revoke what is left of a grant, its holds included, and return how much that was."""
    if grant.status not in LIVING:
        return 0
    before = selectors.grant_balance(grant).revoked_fen
    grants.revoke(grant=grant, actor=Actor(user=actor.user), at=at)
    return selectors.grant_balance(grant).revoked_fen - before


def _demand(clawback: Clawback, actor: Actor, at: datetime) -> Clawback:
    """Put what is owed on its account, with a day until which it is to be paid, and bar the debtor."""
    terms = integrity_terms.sanctions(clawback.grant.programme)
    barred = _bar(clawback, terms.blacklist_years, actor, at)
    account = posting.open_account(code=chart.clawback(clawback.pk), floor_fen=0)
    pay_by = midnight(date_of(at) + (terms.days_to_pay + 1) * ONE_DAY)
    until = midnight(workdays.next_day(workdays.after(date_of(at), terms.appeal_working_days)))
    stamps = {"demanded_at": at, "pay_by": pay_by, "appeal_until": until, "account": account, "blacklisting": barred}
    clawback.move_to(ClawbackStatus.DEMANDED, **stamps)
    if clawback.demand_fen == 0:
        clawback.move_to(ClawbackStatus.RECOVERED, closed_at=at)
        return clawback
    source = posting.open_account(code=chart.demanded(clawback.grant.programme_id), floor_fen=None)
    legs = [Leg(source, -clawback.demand_fen), Leg(account, clawback.demand_fen)]
    posting.post(key=f"clawback/{clawback.pk}/demand", kind=Kind.DEMAND, legs=legs, at=at)
    audit.record(actor=actor, verb="clawback.demanded", thing=clawback, at=at, after={"pay_by": pay_by.isoformat()})
    return clawback


def _bar(clawback: Clawback, years: int, actor: Actor, at: datetime) -> Blacklisting | None:
    if not years:
        return None
    until, who = sums.years_later(date_of(at), years), Actor(user=actor.user)
    whose = {"organization": clawback.debtor, "authority": clawback.grant.programme.authority}
    return blacklisting.bar(until=until, reason=clawback.decision, actor=who, at=at, **whose)


def _decider(clawback: Clawback, actor: Actor) -> User:
    """Return who decides: not who raised it, of the authority, and without an interest in the debtor."""
    if clawback.raised_by is not None:
        people.checker(actor, maker=clawback.raised_by)
    acting = people.officer(actor, Duty.CLAW_BACK, of=clawback.grant.programme.authority)
    duties.require_impartial(user=acting, of=clawback.debtor)
    return acting


def _locked(clawback: Clawback) -> Clawback:
    joined = ("grant__programme__authority", "debtor", "raised_by")
    return Clawback.objects.locked().select_related(*joined).get(pk=clawback.pk)


def suspected_fen(clawback: Clawback) -> int:
    """Return what a case is about, in fen, before anybody has decided."""
    return int(clawback.items.aggregate(total=Sum("amount_fen"))["total"] or 0)
