"""Declare that two organisations are related parties: what they trade with each other says nothing about prices."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, Relation
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError


class SameOrganization(DomainError):
    """An organisation is not its own related party."""

    code = "same-organization"


class AlreadyDeclared(Conflict):
    """The relation is known already."""

    code = "relation-declared"


@transaction.atomic
def declare(
    *, first: Organization, second: Organization, ground: str, source: str, actor: Actor, at: datetime
) -> Relation:
    """Declare two organisations related parties.

    :raises SameOrganization: if they are one.
    :raises AlreadyDeclared: if this is known.
    """
    if first.pk == second.pk:
        raise SameOrganization(_("Choose two organisations."))
    first, second = sorted((first, second), key=lambda one: one.pk)
    with refusing(relation_once_per_ground=AlreadyDeclared(_("This relation has been declared."))):
        relation = Relation.objects.create(first=first, second=second, ground=ground, source=source, declared_at=at)
    audit.record(actor=actor, verb="relation.declared", thing=relation, at=at, after={"ground": ground})
    return relation
