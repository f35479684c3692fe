"""Bar a firm or a provider from vouchers until a day, and lift that; only the authority that did so lifts it."""

from datetime import date, datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import Organization, User
from accounts.services import audit, duties
from accounts.services.audit import Actor
from core.errors import Conflict, DomainError
from core.periods import date_of, midnight
from vouchers.models import Blacklisting, Grant
from vouchers.services import freezing, people


class BadBar(DomainError):
    """A bar ends after it begins, and says why."""

    code = "bad-blacklisting"


class NotBarred(Conflict):
    """The bar was lifted, or is over."""

    code = "not-blacklisted"


@transaction.atomic
def bar(
    *,
    organization: Organization,
    until: date,
    reason: str,
    actor: Actor,
    at: datetime,
    authority: Organization | None = None,
) -> Blacklisting:
    """Bar an organisation from vouchers until a day of Shanghai; its holds go on, it gets no new ones.

    :param authority: whose decision it follows from, where whoever acts does not act for it.
    :raises BadBar: if the day is past, or no reason is given.
    :raises NotYourDuty: if the role of whoever acts does not bar.
    """
    acting = people.person(actor)
    if actor.organization is not None:
        duties.require(actor=actor, duty=Duty.CLAW_BACK, of=actor.organization)
    if until <= date_of(at) or not reason.strip():
        raise BadBar(_("Give a reason, and a day that is still to come."))
    freezing.close_gates(list(Grant.objects.of_owner(organization).order_by("pk")))
    made = Blacklisting.objects.create(
        organization=organization,
        authority=authority or actor.organization,
        reason=reason.strip(),
        starts_at=at,
        ends_at=midnight(until),
        decided_by=acting,
    )
    after = {"until": until.isoformat(), "reason": reason}
    audit.record(actor=actor, verb="organization.barred", thing=organization, at=at, after=after)
    return made


def suspend(*, blacklisting: Blacklisting, reason: str, at: datetime) -> None:
    """Lift a bar that stands, because what it follows from is looked at again; nobody decides that."""
    standing = Blacklisting.objects.standing(at).filter(pk=blacklisting.pk)
    standing.update(lifted_at=at, lift_reason=reason)


@transaction.atomic
def lift(*, blacklisting: Blacklisting, reason: str, actor: Actor, at: datetime) -> Blacklisting:
    """Lift a bar before its time; another person of the authority that set it than who decided on it does so.

    :raises NotBarred: if it is over.
    :raises MakerIsChecker: if the same person decided on it.
    :raises NotYourDuty: if another authority set it, or the role of whoever acts does not lift.
    :raises Partial: if they have an interest in the organisation.
    """
    rows = Blacklisting.objects.locked().select_related("decided_by", "organization", "authority")
    row = rows.get(pk=blacklisting.pk)
    acting = _judge(actor, row)
    if row.lifted_at is not None or row.ends_at <= at:
        raise NotBarred(_("This bar is over."))
    if not reason.strip():
        raise BadBar(_("Say why."))
    row.lifted_by, row.lifted_at, row.lift_reason = acting, at, reason.strip()
    row.save(update_fields=["lifted_by", "lifted_at", "lift_reason"])
    after = {"reason": row.lift_reason, "bar": str(row.pk)}
    audit.record(actor=actor, verb="organization.unbarred", thing=row.organization, at=at, after=after)
    return row


def _judge(actor: Actor, row: Blacklisting) -> User:
    acting = people.checker(actor, maker=row.decided_by)
    if actor.organization is not None:
        if row.authority is None:
            raise duties.NotYourDuty(_("Your role does not allow this."))
        duties.require(actor=actor, duty=Duty.CLAW_BACK, of=row.authority)
    duties.require_impartial(user=acting, of=row.organization)
    return acting
