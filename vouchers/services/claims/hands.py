"""Whose hand may touch a claim: a person's, with the duty where they act for an organisation, and no interest in it."""

from accounts.duties import Duty
from accounts.models import Organization, User
from accounts.services import duties
from accounts.services.audit import Actor
from vouchers.models import Claim
from vouchers.services import people


def operator(actor: Actor) -> User:
    """Return the person who checks claims for the operator.

    :raises NotYourDuty: if their role does not.
    """
    return _with(actor, Duty.CHECK_CLAIMS, of=None)


def approver(actor: Actor, claim: Claim) -> User:
    """Return the person who decides for the authority.

    :raises NotYourDuty: if their role does not, or they act for another authority.
    :raises Partial: if they have an interest in the claimant.
    """
    acting = _with(actor, Duty.APPROVE_CLAIMS, of=claim.programme.authority)
    duties.require_impartial(user=acting, of=claim.claimant)
    return acting


def finance(actor: Actor, authority: Organization) -> User:
    """Return the person who pays for the authority.

    :raises NotYourDuty: if their role does not, or they act for another authority.
    """
    return _with(actor, Duty.PAY, of=authority)


def auditor(actor: Actor, claim: Claim) -> User:
    """Return the person who audits a sample: of the authority, or of the operator where the authority has nobody."""
    acting = people.person(actor)
    if actor.organization is not None and actor.organization.pk == claim.programme.authority_id:
        return _with(actor, Duty.APPROVE_CLAIMS, of=claim.programme.authority)
    return _with(actor, Duty.CHECK_CLAIMS, of=None) if actor.organization is not None else acting


def _with(actor: Actor, duty: Duty, *, of: Organization | None) -> User:
    acting = people.person(actor)
    if actor.organization is not None:
        duties.require(actor=actor, duty=duty, of=of)
    return acting
