"""Register organisations and the people who act for them."""

from contextlib import AbstractContextManager
from datetime import datetime

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Membership, Onboarding, OnboardingStatus, Organization, OrganizationKind, User
from accounts.models.people import validate_credit_code
from accounts.services import audit, duties
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import Conflict, DomainError, Forbidden


class BadCreditCode(DomainError):
    """The unified social credit code does not check."""

    code = "bad-credit-code"


class AlreadyRegistered(Conflict):
    """An organisation with this credit code exists."""

    code = "organization-exists"


class AlreadyMember(Conflict):
    """The user belongs to the organisation already."""

    code = "already-member"


@transaction.atomic
def register(
    *,
    kind: str,
    name: str,
    credit_code: str,
    actor: Actor,
    at: datetime,
    city: str = "",
) -> Organization:
    """Register an organisation under its checked credit code.

    :raises BadCreditCode: if the code's check character is wrong.
    :raises AlreadyRegistered: if the code is taken.
    """
    credit_code = credit_code.strip().upper()
    try:
        validate_credit_code(credit_code)
    except ValidationError as error:
        raise BadCreditCode(error.messages[0], fields={"credit_code": error.messages[0]}) from error
    with refusing(accounts_organization_credit_code_key=AlreadyRegistered(_("This organisation is registered."))):
        organization = Organization.objects.create(kind=kind, name=name, credit_code=credit_code, city=city)
    if kind == OrganizationKind.PROVIDER:
        Onboarding.objects.create(organization=organization, status=OnboardingStatus.APPLIED)
    audit.record(actor=actor, verb="organization.registered", thing=organization, at=at)
    return organization


class RoleDoesNotFit(DomainError):
    """The role does not exist in organisations of this kind, or lacks its district."""

    code = "role-does-not-fit"


class AuditorApart(Conflict):
    """An auditor has no other part in any authority or operator, nor the other way round."""

    code = "auditor-apart"


@transaction.atomic
def add_member(
    *, organization: Organization, user: User, role: str, actor: Actor, at: datetime, district: str = ""
) -> Membership:
    """Let a user act for an organisation in a role.

    :raises AlreadyMember: if they do already.
    :raises RoleDoesNotFit: if the role is for authorities, or a district reviewer's without a district.
    :raises AuditorApart: if an auditor would get another part, or somebody with another part would audit.
    """
    with refusing_seats():
        membership = Membership.objects.create(
            organization=organization, user=user, role=role, district=district.strip()
        )
    audit.record(
        actor=actor,
        verb="membership.added",
        thing=membership,
        at=at,
        after={"role": role},
    )
    return membership


def refusing_seats() -> AbstractContextManager[None]:
    """Return the context in which a membership is written: what its table refuses is a domain error."""
    district = _("A district reviewer has a district, and nobody else.")
    return refusing(
        membership_once=AlreadyMember(_("This person is a member already.")),
        membership_role_fits=RoleDoesNotFit(_("This role exists in authorities only.")),
        membership_role_known=RoleDoesNotFit(_("There is no such role.")),
        membership_district_of_district_reviewers=RoleDoesNotFit(district, fields={"district": district}),
        membership_auditor_apart=AuditorApart(_("An auditor has no other part in an authority or the operator.")),
    )


def require_operator(*, actor: Actor, of: Organization) -> User:
    """Return the person of the operator who may judge what an organisation did.

    :raises Forbidden: if nobody of the operator acts.
    :raises Partial: if they have an interest in the organisation.
    """
    if actor.user is None or actor.organization is None or actor.organization.kind != OrganizationKind.OPERATOR:
        raise Forbidden(_("Only a person of the operator decides this."))
    duties.require_impartial(user=actor.user, of=of)
    return actor.user


def require_role(*, user: User, organization: Organization, roles: set[str]) -> Membership:
    """Return the user's membership if its role is one of ``roles``.

    :raises Forbidden: if it is not.
    """
    membership = Membership.objects.filter(user=user, organization=organization, role__in=roles).first()
    if membership is None:
        raise Forbidden(_("Your role in this organisation does not allow this."))
    return membership
