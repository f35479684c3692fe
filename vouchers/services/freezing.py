"""Freeze a grant while a suspicion is looked into, and lift the freeze: nothing is held or captured meanwhile.

What the buyer uses in clock hours that begin while the grant is frozen is paid in cash, for good; what was used before
and is metered late is paid by the voucher once the freeze is lifted.
"""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import OrganizationKind, User
from accounts.services import audit, duties
from accounts.services.audit import Actor
from core.errors import Conflict, DomainError
from core.periods import date_of, midnight
from vouchers.models import Clawback, Finding, Freeze, FreezeGround, Grant, GrantStatus
from vouchers.services import people

GATE = "SELECT pg_advisory_xact_lock(1125, key) FROM (SELECT DISTINCT uuid_hash(id) AS key FROM unnest(%s::uuid[]) AS id ORDER BY 1) AS gates"  # noqa: E501 - one statement


LOOK_AGAIN, MOST_UNSEEN = timedelta(days=30), timedelta(days=92)


class NothingToFreeze(Conflict):
    """A firm has nothing that could be frozen."""

    code = "nothing-to-freeze"


class NotFrozen(Conflict):
    """The freeze is over."""

    code = "not-frozen"


class BadReview(DomainError):
    """A freeze is looked at again on a day to come, not too far off."""

    code = "bad-review"


class ReasonMissing(DomainError):
    """Who freezes or lifts says why."""

    code = "reason-missing"


class UnderInvestigation(Conflict):
    """A clawback that nobody has decided keeps the grant frozen."""

    code = "under-investigation"


def close_gates(grants: list[Grant]) -> None:
    """Wait until no hold of these grants is in flight, and keep new ones waiting until the transaction ends.

    It comes before any lock on a row: whoever holds may lock grants afterwards.
    """
    with connection.cursor() as cursor:
        cursor.execute(GATE, [[grant.pk for grant in grants]])


@transaction.atomic
def freeze(
    *,
    grant: Grant,
    reason: str,
    actor: Actor,
    at: datetime,
    ground: str = FreezeGround.OTHER,
    finding: Finding | None = None,
) -> Freeze:
    """Freeze a grant, to be looked at again in a month; ``finding`` is its evidence.

    :raises IllegalMove: if it is not active.
    :raises ReasonMissing: if no reason is given.
    :raises NotYourDuty: if the role may not freeze.
    """
    close_gates([grant])
    grant = Grant.objects.locked().select_related("programme__authority").get(pk=grant.pk)
    frozen_by = officer(actor, grant)
    grant.move_to(GrantStatus.FROZEN)
    made = Freeze.objects.create(
        grant=grant,
        ground=ground,
        finding=finding,
        reason=said(reason),
        frozen_by=frozen_by,
        frozen_at=at,
        review_due_at=midnight(date_of(at) + LOOK_AGAIN),
    )
    after = {"reason": reason, "ground": str(ground), "finding": str(finding.pk) if finding else None}
    audit.record(actor=actor, verb="grant.frozen", thing=grant, at=at, after=after)
    return made


@transaction.atomic
def freeze_firm(*, grants: Iterable[Grant], reason: str, actor: Actor, at: datetime, ground: str) -> list[Freeze]:
    """Freeze all of some grants that can be used: those of a firm in the programmes of whoever acts.

    :raises NothingToFreeze: if none of them is active.
    """
    rows = sorted((one for one in grants if one.status == GrantStatus.ACTIVE), key=lambda one: one.pk)
    if not rows:
        raise NothingToFreeze(_("The firm has no active grant here."))
    close_gates(rows)
    return [freeze(grant=one, reason=reason, ground=ground, actor=actor, at=at) for one in rows]


@transaction.atomic
def keep(*, freeze: Freeze, until: date, reason: str, actor: Actor, at: datetime) -> Freeze:
    """Look at a freeze again and let it last, to be looked at once more on a day within three months.

    :raises BadReview: if the day is not one to come, or too far off.
    :raises NotFrozen: if it was lifted.
    """
    row = Freeze.objects.locked().select_related("grant__programme__authority").get(pk=freeze.pk)
    officer(actor, row.grant)
    if row.lifted_at is not None:
        raise NotFrozen(_("This freeze was lifted."))
    if not date_of(at) < until <= date_of(at) + MOST_UNSEEN:
        raise BadReview(_("Choose a day within the next three months."), fields={"until": _("Choose another day.")})
    why = said(reason)
    row.review_due_at = midnight(until)
    row.save(update_fields=["review_due_at"])
    audit.record(
        actor=actor, verb="grant.kept_frozen", thing=row.grant, at=at, after={"reason": why, "until": until.isoformat()}
    )
    return row


@transaction.atomic
def lift(*, grant: Grant, reason: str, actor: Actor, at: datetime) -> Grant:
    """Lift a freeze; another person than who froze does it.

    :raises IllegalMove: if the grant is not frozen.
    :raises MakerIsChecker: if the same person froze it.
    :raises UnderInvestigation: if a clawback waits for its decision.
    """
    grant = Grant.objects.locked().select_related("programme__authority", "owner").get(pk=grant.pk)
    grant.move_to(GrantStatus.ACTIVE)
    standing = grant.freezes.standing().select_related("frozen_by").get()
    lifted_by = people.checker(actor, maker=standing.frozen_by)
    officer(actor, grant)
    duties.require_impartial(user=lifted_by, of=grant.owner)
    if Clawback.objects.undecided().filter(grant=grant).exists():
        raise UnderInvestigation(_("A clawback of this grant waits for its decision."))
    standing.lifted_by, standing.lifted_at, standing.lift_reason = lifted_by, at, said(reason)
    standing.save(update_fields=["lifted_by", "lifted_at", "lift_reason"])
    audit.record(actor=actor, verb="grant.thawed", thing=grant, at=at, after={"reason": reason})
    return grant


def spans(grant: Grant) -> tuple[tuple[datetime, datetime | None], ...]:
    """Return when a grant was frozen, and until when; one that is frozen now has no end."""
    rows = Freeze.objects.filter(grant=grant).order_by("frozen_at").values_list("frozen_at", "lifted_at")
    return tuple(rows)


def officer(actor: Actor, grant: Grant) -> User:
    """Return who acts: an officer of the programme's authority or of the operator, if they act for one."""
    acting = people.person(actor)
    if actor.organization is not None:
        is_operator = actor.organization.kind == OrganizationKind.OPERATOR
        of = actor.organization if is_operator else grant.programme.authority
        duties.require(actor=actor, duty=Duty.FREEZE, of=of)
    return acting


def said(reason: str) -> str:
    """Return a reason that says something.

    :raises ReasonMissing: if it does not.
    """
    if not reason.strip():
        raise ReasonMissing(_("Say why."), fields={"reason": _("Say why.")})
    return reason.strip()
