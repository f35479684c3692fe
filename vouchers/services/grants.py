"""Propose, approve, revoke and expire grants; value leaves the budget at approval."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import SYSTEM, Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError
from core.money import format_yuan
from core.periods import date_of, midnight
from ledger.models import Balance, Hold
from ledger.services import posting
from ledger.services.posting import Leg, Overdrawn
from vouchers import chart, integrity, pools, tranches
from vouchers.chart import Kind
from vouchers.models import ClaimLine, EntityYear, Grant, GrantStatus, Programme, Redemption
from vouchers.rules import Cap
from vouchers.services import captures, leftovers, parties, people
from vouchers.services.refusals import Barred


class NotGranting(Conflict):
    """The programme is not published, or its time for granting is over or still to come."""

    code = "programme-not-granting"


class NotABuyer(DomainError):
    """Grants go to buyers."""

    code = "not-a-buyer"


class FaceTooSmall(DomainError):
    """The face value is nothing, or below the programme's smallest grant."""

    code = "grant-too-small"


class BudgetExhausted(Conflict):
    """The programme has less left than the grant's face value."""

    code = "budget-exhausted"


class PoolExhausted(BudgetExhausted):
    """The pool of the firm's district has less left than the grant's face value."""

    code = "pool-exhausted"


class NotReleased(BudgetExhausted):
    """The instalments of the budget that were released so far have less left than the grant's face value."""

    code = "budget-not-released"


class SupportedEnough(Conflict):
    """The firm has had as many grants of the programme, as much in a year, or as many years, as the rules allow."""

    code = "supported-enough"


@transaction.atomic
def propose(
    *, programme: Programme, owner: Organization, face_fen: int, actor: Actor, at: datetime, pool: str | None = ""
) -> Grant:
    """Propose a grant of ``face_fen`` to a firm; nothing moves until a second person approves.

    ``pool`` is the part of the budget that it comes from; of an application's grant, ``None``, the application says it.

    :raises NotGranting: if the programme grants nothing on this day.
    :raises NotABuyer: if the owner is no buyer.
    :raises FaceTooSmall: if the face value is below the programme's smallest grant.
    :raises Barred: if the owner is barred from vouchers.
    """
    _require_granting(programme, at)
    if owner.kind != OrganizationKind.BUYER:
        raise NotABuyer(_("%(name)s is not a buyer.") % {"name": owner.name})
    require_trusted(owner, at)
    if face_fen < max(programme.min_grant_fen, 1):
        least = {"amount": format_yuan(max(programme.min_grant_fen, 1))}
        raise FaceTooSmall(_("A grant of this programme is at least ¥%(amount)s.") % least)
    grant = Grant.objects.create(
        programme=programme,
        owner=owner,
        face_fen=face_fen,
        pool=programme.parameters.money.pool_of("") if pool == "" else pool,
        status=GrantStatus.PROPOSED,
        proposed_by=people.officer(actor, Duty.PROPOSE, of=programme.authority),
    )
    after = {"owner": str(owner.pk), "face_fen": face_fen}
    audit.record(actor=actor, verb="grant.proposed", thing=grant, at=at, after=after)
    return grant


@transaction.atomic
def approve(
    *, grant: Grant, actor: Actor, at: datetime, reserved: Hold | None = None, until: datetime | None = None
) -> Grant:
    """Give a proposed grant its value out of the budget; it ends with the last day of its validity, Shanghai time.

    That day is at the latest the fixed last day of the programme, if it has one.

    What an application reserved of the budget, ``reserved``, is what the grant is given; one that is issued anew keeps
    its first expiry, ``until``.

    :raises MakerIsChecker: if the same person proposed it.
    :raises NotYourDuty: if the role of the person does not approve awards.
    :raises Partial: if the person has an interest in the firm.
    :raises IllegalMove: if it is not waiting for approval.
    :raises NotGranting: if the programme grants nothing on this day.
    :raises SupportedEnough: if the firm had all the grants, or years of them, that one firm gets.
    :raises BudgetExhausted: if the budget has less left, the firm's pool, or what was released of it.
    """
    grant = _locked(grant)
    authority = grant.programme.authority
    approver = people.judge(actor, Duty.APPROVE, maker=grant.proposed_by, of=authority, concerning=grant.owner)
    _require_granting(grant.programme, at)
    require_trusted(grant.owner, at)
    account = posting.open_account(code=chart.grant(grant.pk), floor_fen=0)
    expires_at = until or _end(grant.programme, at)
    pools.lock_budget(grant)
    with _refusing_too_much(grant.programme):
        grant.move_to(GrantStatus.ACTIVE, approved_by=approver, approved_at=at, expires_at=expires_at, account=account)
    budget = posting.open_account(code=chart.budget(grant.programme_id), floor_fen=0)
    legs = [Leg(budget, -grant.face_fen), Leg(account, grant.face_fen)]
    try:
        _give(f"grant/{grant.pk}/approve", legs, reserved, at)
    except Overdrawn as error:
        raise BudgetExhausted(_("The programme's budget has less left than this grant.")) from error
    audit.record(actor=actor, verb="grant.approved", thing=grant, at=at)
    parties.note_listed(grant=grant, at=at)
    return grant


@transaction.atomic
def reject(*, grant: Grant, actor: Actor, at: datetime) -> Grant:
    """Turn a proposed grant down, or withdraw it.

    :raises IllegalMove: if it is not waiting for approval.
    """
    grant = _locked(grant)
    people.officer(actor, Duty.PROPOSE, of=grant.programme.authority)
    grant.move_to(GrantStatus.REJECTED)
    audit.record(actor=actor, verb="grant.rejected", thing=grant, at=at)
    return grant


@transaction.atomic
def revoke(*, grant: Grant, actor: Actor, at: datetime) -> Grant:
    """Take back what a grant has not paid yet, its holds included; the value returns to the budget.

    The year's counters and the balance are locked before the holds are read, in the order in which a hold takes them: a
    hold in flight is either seen here, or finds nothing left.

    :raises IllegalMove: if the grant is not active.
    """
    grant = _locked(grant)
    people.officer(actor, Duty.APPROVE, of=grant.programme.authority)
    grant.move_to(GrantStatus.REVOKED)
    list(EntityYear.objects.locked().filter(programme=grant.programme_id, entity=grant.owner_id))
    Balance.objects.select_for_update(no_key=True).get(pk=grant.account_id)
    for redemption in Redemption.objects.locked().held().filter(grant=grant).select_related("hold"):
        leftovers.close(redemption=redemption, at=at)
    leftovers.sweep(grant=grant, key=f"grant/{grant.pk}/revoke", at=at)
    audit.record(actor=actor, verb="grant.revoked", thing=grant, at=at)
    return grant


def expire_due(*, at: datetime) -> int:
    """Expire every grant whose time is over, release holds whose grace is over, and return how many rows changed.

    What is held stays held for the grace days, for usage before the expiry that is metered late, and what is claimed
    until its claim is decided; nothing of it returns to the owner.
    """
    due = Grant.objects.due_to_expire(at).order_by("pk").values_list("pk", flat=True)
    expired = sum(_expire(grant_id, at) for grant_id in due)
    claimed = ClaimLine.objects.awaited(at).filter(redemption=OuterRef("pk"))
    overdue = list(Redemption.objects.past_grace(at).exclude(Exists(claimed)).order_by("pk"))
    for redemption in overdue:
        captures.release(redemption=redemption, at=at)
    return expired + len(overdue)


@transaction.atomic
def _expire(grant_id: UUID, at: datetime) -> bool:
    grant = Grant.objects.locked().due_to_expire(at).filter(pk=grant_id).first()
    if grant is None:
        return False
    grant.move_to(GrantStatus.EXPIRED)
    leftovers.sweep(grant=grant, key=f"grant/{grant.pk}/expire", at=at)
    audit.record(actor=SYSTEM, verb="grant.expired", thing=grant, at=at)
    return True


def require_trusted(owner: Organization, at: datetime) -> None:
    """Refuse a firm that is barred from vouchers.

    :raises Barred: if it is.
    """
    if integrity.is_barred(organization_id=owner.pk, at=at):
        raise Barred(_("%(name)s is barred from vouchers.") % {"name": owner.name})


def _give(key: str, legs: list[Leg], reserved: Hold | None, at: datetime) -> None:
    if reserved is None:
        posting.post(key=key, kind=Kind.GRANT, legs=legs, at=at)
        return
    posting.capture(hold=reserved, key=key, kind=Kind.GRANT, legs=legs, at=at)
    posting.settle(hold=reserved)


def _end(programme: Programme, at: datetime) -> datetime:
    """Return when a grant that is approved now ends."""
    last_on = programme.parameters.validity.last_day(date_of(at))
    if last_on < date_of(at):
        raise _not_granting(programme)
    return midnight(last_on + timedelta(days=1))


def _refusing_too_much(programme: Programme) -> Any:
    exhausted = PoolExhausted(_("The pool of this district has less left than this grant."), cap=str(Cap.POOL))
    later = NotReleased(tranches.sentence(), cap=str(Cap.TRANCHE))
    named = supported_enough() | {"award_within_pool": exhausted, "award_within_released": later}
    return refusing(grant_within_fixed_day=_not_granting(programme), **named)


def supported_enough() -> dict[str, Conflict]:
    """Return what is said where a firm has had its support, by the constraint that says so."""
    enough = SupportedEnough(_("The firm has had as much of this programme as its rules allow."))
    return dict.fromkeys(("grant_within_number", "grant_within_years", "grant_within_year_cap"), enough)


def _locked(grant: Grant) -> Grant:
    return Grant.objects.locked().select_related("programme__authority", "owner", "proposed_by").get(pk=grant.pk)


def _require_granting(programme: Programme, at: datetime) -> None:
    if not Programme.objects.granting(date_of(at)).filter(pk=programme.pk).exists():
        raise _not_granting(programme)


def _not_granting(programme: Programme) -> NotGranting:
    return NotGranting(_("The programme %(name)s grants nothing on this day.") % {"name": programme.name})
