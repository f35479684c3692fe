"""Four eyes: what one person makes, another one checks."""

from django.utils.translation import gettext as _

from accounts.models import User
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
    """
    if actor.user is None:
        raise PersonNeeded(_("A person must do this, not a key."))
    return actor.user


def checker(actor: Actor, *, maker: User) -> User:
    """Return the person who acts, once it is clear that they check another person's work.

    :raises PersonNeeded: if a key or the platform acts.
    :raises MakerIsChecker: if the two are one.
    """
    acting = person(actor)
    if acting.pk == maker.pk:
        raise MakerIsChecker(_("Another person must approve what you proposed."))
    return acting
