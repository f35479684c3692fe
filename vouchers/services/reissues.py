"""What an owner gives up, and what passes to the firm into which it was merged. Owners never pass grants on."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import Organization, OrganizationKind
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, IllegalMove
from ledger.models import Balance
from vouchers.models import Grant, GrantStatus, Reissue, ReissueStatus
from vouchers.services import grants, leftovers, people
from vouchers.services.applications.moves import reasoned


class StillHeld(Conflict):
    """Value of the grant is set aside for orders: cancel them or let them end first."""

    code = "grant-still-held"


class NothingLeft(Conflict):
    """The grant has nothing left."""

    code = "grant-empty"


class BadSuccessor(DomainError):
    """The successor is no buyer, or the owner itself."""

    code = "bad-successor"


class ReissueProposed(Conflict):
    """A re-issue of the grant is proposed or done already."""

    code = "reissue-proposed"


@transaction.atomic
def surrender(*, grant: Grant, reason: str, actor: Actor, at: datetime) -> Grant:
    """Let an owner give up what is left of a grant; it returns to the budget.

    :raises StillHeld: if some of it is set aside.
    :raises IllegalMove: if the grant is not active.
    """
    found = _locked(grant)
    actor.person or people.person(actor)
    _end(found, GrantStatus.SURRENDERED, key=f"grant/{found.pk}/surrender", at=at)
    audit.record(actor=actor, verb="grant.surrendered", thing=found, at=at, after={"reason": reason.strip()[:500]})
    return found


@transaction.atomic
def propose(*, grant: Grant, successor: Organization, reason: str, actor: Actor, at: datetime) -> Reissue:
    """Propose that a grant passes to the firm into which its owner was merged.

    :raises BadSuccessor: if the successor is no buyer, or the owner itself.
    :raises IllegalMove: if the grant cannot be used any more.
    :raises ReissueProposed: if that is proposed or done already.
    """
    found = _locked(grant)
    person = people.officer(actor, Duty.PROPOSE, of=found.programme.authority)
    if successor.kind != OrganizationKind.BUYER or successor.pk == found.owner_id:
        raise BadSuccessor(_("Choose another firm that buys."), fields={"successor": _("Choose another firm.")})
    if not found.is_usable(at):
        raise IllegalMove(_("This grant cannot be used."))
    with refusing(reissue_once_a_grant=ReissueProposed(_("This has been proposed, or done."))):
        made = Reissue.objects.create(
            grant=found,
            successor=successor,
            status=ReissueStatus.PROPOSED,
            reason=reasoned(reason)[:500],
            proposed_by=person,
            proposed_at=at,
        )
    audit.record(actor=actor, verb="reissue.proposed", thing=made, at=at, after={"successor": str(successor.pk)})
    return made


@transaction.atomic
def approve(*, reissue: Reissue, actor: Actor, at: datetime) -> Grant:
    """End the old grant and give what is left of it to the successor, until the day on which the old one would end.

    :raises MakerIsChecker: if the same person proposed it.
    :raises StillHeld: if some of it is set aside.
    :raises NothingLeft: if it has nothing left.
    """
    made = Reissue.objects.locked().select_related("proposed_by", "successor", "grant").get(pk=reissue.pk)
    old = _locked(made.grant)
    terms = {"maker": made.proposed_by, "of": old.programme.authority, "concerning": made.successor}
    person = people.judge(actor, Duty.APPROVE, **terms)  # type: ignore[arg-type]
    left_fen = _end(old, GrantStatus.SUPERSEDED, key=f"grant/{old.pk}/supersede", at=at)
    if not left_fen:
        raise NothingLeft(_("The grant has nothing left."))
    proposer = Actor(user=made.proposed_by)
    new = grants.propose(
        programme=old.programme, owner=made.successor, face_fen=left_fen, actor=proposer, at=at, pool=_pool(old)
    )
    new = grants.approve(grant=new, actor=actor, at=at, until=old.expires_at)
    made.move_to(ReissueStatus.APPROVED, decided_by=person, decided_at=at, issued=new)
    audit.record(actor=actor, verb="reissue.approved", thing=made, at=at, after={"grant": str(new.pk)})
    return new


@transaction.atomic
def reject(*, reissue: Reissue, actor: Actor, at: datetime) -> Reissue:
    """Turn a re-issue down; the grant stays what it is.

    :raises MakerIsChecker: if the same person proposed it.
    :raises IllegalMove: if it is decided already.
    """
    made = Reissue.objects.locked().select_related("proposed_by", "grant__programme__authority").get(pk=reissue.pk)
    authority = made.grant.programme.authority
    person = people.judge(actor, Duty.APPROVE, maker=made.proposed_by, of=authority)
    made.move_to(ReissueStatus.REJECTED, decided_by=person, decided_at=at)
    audit.record(actor=actor, verb="reissue.rejected", thing=made, at=at)
    return made


def _locked(grant: Grant) -> Grant:
    return Grant.objects.locked().select_related("programme__authority", "owner").get(pk=grant.pk)


def _pool(old: Grant) -> str:
    """Return the pool from which a grant came, perhaps by an application."""
    pool = old.programme.parameters.money.pool_of(old.application.district) if old.pool is None else old.pool
    return str(pool)


def _end(grant: Grant, target: GrantStatus, *, key: str, at: datetime) -> int:
    """End a grant of which nothing is held, and return what went back to the budget."""
    before = GrantStatus(grant.status)
    grant.move_to(target)
    balance = Balance.objects.select_for_update(no_key=True).get(pk=grant.account_id)
    if balance.held_fen:
        grant.status = before
        raise StillHeld(_("Some of it is set aside for orders: cancel them or let them end first."))
    left_fen = balance.available_fen
    leftovers.pass_on(grant=grant, amount_fen=left_fen, key=key, at=at)
    return left_fen
