"""Let owners of a buyer or a provider change what its people may do, or let somebody go.

Nobody is taken in here: a seat without its person's consent would give them an interest in the organisation.
"""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Membership, Organization, OrganizationKind, Role
from accounts.services import audit, keys, organizations
from accounts.services.audit import Actor
from core.errors import Conflict, Forbidden, NotFound

ROLES = (Role.OWNER, Role.TRADER, Role.FINANCE, Role.REVIEWER, Role.VIEWER)
"""What the people of buyers and providers can be."""


class LastOwner(Conflict):
    """Somebody has to own the organisation."""

    code = "last-owner"


@transaction.atomic
def change_role(*, membership: Membership, role: str, actor: Actor, at: datetime) -> Membership:
    """Give a person another role; who is an owner no more loses the API keys that they have made.

    :raises Forbidden: if no owner of the organisation acts, or it is no buyer or provider.
    :raises NotFound: if the person is none of its people.
    :raises LastOwner: if nobody would own it.
    :raises RoleDoesNotFit: if there is no such role.
    """
    found = _locked(membership, actor)
    before = {"role": found.role}
    if role != Role.OWNER:
        _give_up_ownership(found, actor, at=at)
    with organizations.refusing_seats():
        Membership.objects.filter(pk=found.pk).update(role=role)
    found.role = role
    audit.record(actor=actor, verb="membership.changed", thing=found, at=at, before=before, after={"role": role})
    return found


@transaction.atomic
def remove(*, membership: Membership, actor: Actor, at: datetime) -> None:
    """Let a person act for an organisation no more, with the API keys that they have made for it.

    :raises Forbidden, NotFound, LastOwner: as ``change_role`` does.
    """
    found = _locked(membership, actor)
    _give_up_ownership(found, actor, at=at)
    audit.record(actor=actor, verb="membership.removed", thing=found, at=at, before={"role": found.role})
    found.delete()


def _locked(membership: Membership, actor: Actor) -> Membership:
    """Return a membership of the actor's organisation, whose people nobody else changes meanwhile."""
    own = actor.organization
    if actor.user is None or own is None or own.kind not in (OrganizationKind.BUYER, OrganizationKind.PROVIDER):
        raise Forbidden(_("Only an owner of the organisation sets this."))
    Organization.objects.select_for_update(no_key=True).get(pk=own.pk)
    organizations.require_role(user=actor.user, organization=own, roles={Role.OWNER})
    found = Membership.objects.select_related("user", "organization").filter(organization=own, pk=membership.pk).first()
    if found is None:
        raise NotFound(_("There is no such member."))
    return found


def _give_up_ownership(membership: Membership, actor: Actor, *, at: datetime) -> None:
    """Let a person be no owner, as long as another is one."""
    owners = Membership.objects.filter(organization=membership.organization_id, role=Role.OWNER)
    if membership.role == Role.OWNER and not owners.exclude(pk=membership.pk).exists():
        raise LastOwner(_("Somebody has to own the organisation: make another person its owner first."))
    keys.revoke_made_by(user=membership.user, organization=membership.organization, actor=actor, at=at)
