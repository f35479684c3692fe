"""Four eyes: what one person makes, another one checks."""

from django.utils.translation import gettext as _

from accounts.duties import Duty
from accounts.models import Organization, User
from accounts.services import duties
from accounts.services.audit import Actor
from core.errors import Forbidden


class PersonNeeded(Forbidden):
    """Public money is granted by people, not by keys."""

    code = "person-needed"


class MakerIsChecker(Forbidden):
    """Nobody approves what they proposed."""

    code = "maker-is-checker"


def person(actor: Actor) -> User:
    """Return the person who acts.

    :raises PersonNeeded: if a key or the platform acts.
    :raises AuditorsOnlyRead: if they are an auditor.
    """
    if actor.user is None:
        raise PersonNeeded(_("A person must do this, not a key."))
    duties.require_writer(actor.user)
    return actor.user


def officer(actor: Actor, duty: Duty, *, of: Organization) -> User:
    """Return the person who acts; if they act for an organisation, it is the authority, and their role has the duty.

    In the administration nobody acts for an organisation: there permissions decide.

    :raises NotYourDuty: if another organisation acts, or the role does not have the duty.
    """
    acting = person(actor)
    if actor.organization is not None:
        duties.require(actor=actor, duty=duty, of=of)
    return acting


def checker(actor: Actor, *, maker: User) -> User:
    """Return the person who acts, once it is clear that they check another person's work.

    :raises PersonNeeded: if a key or the platform acts.
    :raises MakerIsChecker: if the two are one.
    """
    acting = person(actor)
    if acting.pk == maker.pk:
        raise MakerIsChecker(_("Another person must approve what you proposed."))
    return acting


def judge(actor: Actor, duty: Duty, *, maker: User, of: Organization, concerning: Organization | None = None) -> User:
    """Return the person who decides on another person's work, has the duty, and no interest in the firm concerned.

    :raises MakerIsChecker: if the two are one.
    :raises NotYourDuty: if their role does not have the duty.
    :raises Partial: if they have an interest in the firm.
    """
    acting = checker(actor, maker=maker)
    officer(actor, duty, of=of)
    if concerning is not None:
        duties.require_impartial(user=acting, of=concerning)
    return acting
