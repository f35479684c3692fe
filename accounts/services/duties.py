"""Let people do what their role has them do, and keep them from judging what is theirs."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext as _

from accounts.duties import SEATS, Duty
from accounts.models import Interest, Membership, Organization, Role, Tie, User
from accounts.selectors import RELATED_BP
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden

MOST_NAMED = 10


class NotYourDuty(Forbidden):
    """The role of the person who acts does not have this duty."""

    code = "not-your-duty"


class AuditorsOnlyRead(Forbidden):
    """An auditor reads everything and changes nothing."""

    code = "auditors-only-read"


class Partial(Forbidden):
    """The person who acts has an interest in the organisation concerned."""

    code = "conflict-of-interest"


class AlreadyDeclared(Conflict):
    """The person has declared this interest before."""

    code = "interest-declared"


class Unexplained(DomainError):
    """An interest is declared with its nature."""

    code = "interest-unexplained"


def require(*, actor: Actor, duty: Duty, of: Organization | None = None) -> Membership:
    """Return the membership by which a person has a duty, in the organisation for which they act.

    :param of: the authority concerned, where only its own people have the duty.
    :raises NotYourDuty: if they do not have it.
    """
    if actor.user is None or actor.organization is None or (of is not None and actor.organization.pk != of.pk):
        raise NotYourDuty(_("Your role does not allow this."))
    seats = Q()
    for kind, role in SEATS[duty]:
        seats |= Q(organization__kind=kind, role=role)
    rows = Membership.objects.select_related("organization").filter(user=actor.user, organization=actor.organization)
    membership = rows.filter(seats).first()
    if membership is None:
        raise NotYourDuty(_("Your role does not allow this."))
    return membership


def require_writer(user: User) -> None:
    """Refuse the hand of an auditor.

    :raises AuditorsOnlyRead: if the user is one, in whatever authority.
    """
    if Membership.objects.filter(user=user, role=Role.AUDITOR).exists():
        raise AuditorsOnlyRead(_("Auditors read everything and change nothing but findings."))


def interests(*, user: User, among: QuerySet[Organization]) -> QuerySet[Organization]:
    """Return those of some organisations in which a user has an interest: declared, or by a membership or a tie."""
    mine = Membership.objects.filter(user=user).values("organization")
    ties = Tie.objects.filter(Q(share_bp=None) | Q(share_bp__gte=RELATED_BP), valid_to=None)
    one = OuterRef("pk")
    related = ties.filter(Q(first=one, second__in=mine) | Q(second=one, first__in=mine))
    declared = Interest.objects.filter(user=user, organization=one)
    return among.filter(Q(pk__in=mine) | Exists(related) | Exists(declared))


def is_impartial(*, user: User, of: Organization) -> bool:
    """Whether a user neither belongs to an organisation or a related party of it nor has declared an interest."""
    return not interests(user=user, among=Organization.objects.filter(pk=of.pk)).exists()


def require_impartial(*, user: User, of: Organization) -> None:
    """Refuse whoever has an interest in an organisation.

    :raises Partial: if the user belongs to it or to a related party, or has declared an interest.
    """
    require_impartial_among(user=user, among=Organization.objects.filter(pk=of.pk))


def require_impartial_among(*, user: User, among: QuerySet[Organization]) -> None:
    """Refuse whoever has an interest in one of some organisations, and name those.

    :raises Partial: if the user belongs to one or to a related party of it, or has declared an interest.
    """
    concerned = list(interests(user=user, among=among).order_by("name", "pk")[:MOST_NAMED])
    if concerned:
        names = ", ".join(one.name for one in concerned)
        raise Partial(_("You have an interest in %(name)s: somebody else has to decide.") % {"name": names})


@transaction.atomic
def declare_interest(*, of: Organization, note: str, actor: Actor, at: datetime) -> Interest:
    """Let a person say that they cannot judge an organisation; it holds from now on.

    :raises Unexplained: if they do not say why.
    :raises AlreadyDeclared: if they have said so before.
    """
    if actor.user is None:
        raise NotYourDuty(_("Only people have interests."))
    unexplained = _("Say what your interest is.")
    with refusing(
        interest_once=AlreadyDeclared(_("You have declared this interest before.")),
        interest_explained=Unexplained(unexplained, fields={"note": unexplained}),
    ):
        interest = Interest.objects.create(user=actor.user, organization=of, note=note.strip(), declared_at=at)
    audit.record(actor=actor, verb="interest.declared", thing=interest, at=at, after={"organization": str(of.pk)})
    return interest
