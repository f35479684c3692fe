"""Whose hand may touch a claim: a person's, with the duty where they act for an organisation, and no interest in it."""

from django.utils.translation import gettext as _

from accounts.duties import Duty, roles_of
from accounts.models import Membership, Organization, OrganizationKind, User
from accounts.services import duties
from accounts.services.audit import Actor
from core.errors import Conflict
from vouchers.models import Claim, Payment, PaymentBatch
from vouchers.services import people

WORK = (Duty.CHECK_CLAIMS, Duty.APPROVE_CLAIMS, Duty.PAY)


class NoHand(Conflict):
    """The person who is given a claim does not work on claims where it is given to them."""

    code = "no-hand"


def operator(actor: Actor, *, judging: Organization) -> User:
    """Return the person who checks for the operator what a claimant hands in.

    :raises NotYourDuty: if their role does not.
    :raises Partial: if they have an interest in the claimant.
    """
    return _impartial(_with(actor, Duty.CHECK_CLAIMS, of=None), judging)


def approver(actor: Actor, claim: Claim) -> User:
    """Return the person who decides for the authority.

    :raises NotYourDuty: if their role does not, or they act for another authority.
    :raises Partial: if they have an interest in the claimant.
    """
    return _impartial(_with(actor, Duty.APPROVE_CLAIMS, of=claim.programme.authority), claim.claimant)


def payer(actor: Actor, claim: Claim) -> User:
    """Return the person who takes a claim over for payment.

    :raises NotYourDuty: if their role does not, or they act for another authority.
    :raises Partial: if they have an interest in the claimant.
    """
    return _impartial(finance(actor, claim.programme.authority), claim.claimant)


def finance(actor: Actor, authority: Organization) -> User:
    """Return the person who pays for the authority.

    :raises NotYourDuty: if their role does not, or they act for another authority.
    """
    return _with(actor, Duty.PAY, of=authority)


def bursar(actor: Actor, batch: PaymentBatch) -> User:
    """Return the person who pays for the authority, as one who has no interest in any payee of a batch.

    :raises NotYourDuty: if their role does not, or they act for another authority.
    :raises Partial: if they have an interest in a payee, whom it names.
    """
    by = finance(actor, batch.authority)
    payees = Payment.objects.filter(batch=batch).values("payee")
    duties.require_impartial_among(user=by, among=Organization.objects.filter(pk__in=payees))
    return by


def auditor(actor: Actor, claim: Claim) -> User:
    """Return the person who audits a sample: of the authority, or of the operator where the authority has nobody.

    :raises NotYourDuty: if their role does not.
    :raises Partial: if they have an interest in the claimant.
    """
    if actor.organization is not None and actor.organization.pk == claim.programme.authority_id:
        return approver(actor, claim)
    return operator(actor, judging=claim.claimant)


def worker(actor: Actor, claim: Claim) -> User:
    """Return the person who works on a claim in whatever way: of the operator, or of the programme's authority.

    :raises NotYourDuty: if their role does not, or they act for another authority.
    """
    acting = people.person(actor)
    if actor.organization is not None and not _works(acting, actor.organization, claim):
        raise duties.NotYourDuty(_("Your role does not allow this."))
    return acting


def require_worker(actor: Actor, claim: Claim, to: User) -> None:
    """Refuse to give a claim to whoever does not work on it where one acts.

    :raises NoHand: if that person does not.
    :raises Partial: if they have an interest in the claimant.
    """
    if actor.organization is not None and not _works(to, actor.organization, claim):
        raise NoHand(_("%(name)s does not work on this claim.") % {"name": to})
    duties.require_impartial(user=to, of=claim.claimant)


def _works(user: User, organization: Organization, claim: Claim) -> bool:
    if organization.kind == OrganizationKind.AUTHORITY and organization.pk != claim.programme.authority_id:
        return False
    roles = {role for duty in WORK for role in roles_of(duty, organization.kind)}
    return Membership.objects.filter(user=user, organization=organization, role__in=roles).exists()


def _impartial(acting: User, judging: Organization) -> User:
    duties.require_impartial(user=acting, of=judging)
    return acting


def _with(actor: Actor, duty: Duty, *, of: Organization | None) -> User:
    acting = people.person(actor)
    if actor.organization is not None:
        duties.require(actor=actor, duty=duty, of=of)
    return acting
