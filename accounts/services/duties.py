"""Let people do what their role has them do, and keep them from judging what is theirs."""

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q
from django.utils.translation import gettext as _

from accounts.duties import SEATS, Duty
from accounts.models import Interest, Membership, Organization, Role, Tie, User
from accounts.selectors import RELATED_BP
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden


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


def is_impartial(*, user: User, of: Organization) -> bool:
    """Whether a user neither belongs to an organisation or a related party of it nor has declared an interest."""
    mine = Membership.objects.filter(user=user)
    ties = Tie.objects.filter(Q(share_bp=None) | Q(share_bp__gte=RELATED_BP), valid_to=None)
    theirs = OuterRef("organization")
    related = ties.filter(Q(first=of, second=theirs) | Q(second=of, first=theirs))
    belongs = mine.filter(Q(organization=of) | Exists(related))
    declared = Interest.objects.filter(user=user, organization=of)
    return not User.objects.filter(Exists(belongs) | Exists(declared), pk=user.pk).exists()


def require_impartial(*, user: User, of: Organization) -> None:
    """Refuse whoever has an interest in an organisation.

    :raises Partial: if the user belongs to it or to a related party, or has declared an interest.
    """
    if not is_impartial(user=user, of=of):
        raise Partial(_("You have an interest in %(name)s: somebody else has to decide.") % {"name": of.name})


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
