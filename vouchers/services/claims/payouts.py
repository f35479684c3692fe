"""Where claimants are paid: one declares an account of the organisation's own name, another person decides on it."""

import re
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, User
from accounts.services import audit
from accounts.services.audit import Actor
from core.constraints import refusing
from core.errors import DomainError
from vouchers import numbers
from vouchers.models import PayoutAccount
from vouchers.services import people
from vouchers.services.claims import hands
from vouchers.services.people import MakerIsChecker

DIGITS = re.compile(r"[0-9]{6,32}")


class BadAccount(DomainError):
    """The account is not one of the organisation, or its number is no number."""

    code = "bad-payout-account"


class NumberDiffers(BadAccount):
    """Whoever verifies an account has another number than was declared."""

    code = "payout-account-differs"


@transaction.atomic
def declare(
    *, organization: Organization, holder: str, bank: str, number: str, actor: Actor, at: datetime
) -> PayoutAccount:
    """Declare where an organisation wants to be paid; nothing goes there before somebody has verified it.

    :raises BadAccount: if the holder is not the organisation, or the number has other than 6 to 32 digits.
    """
    by = people.person(actor)
    plain = _digits(number)
    if numbers.key(holder) != numbers.key(organization.name):
        raise BadAccount(
            _("The account must be in the name of the organisation."), fields={"holder": _("Another name.")}
        )
    if not DIGITS.fullmatch(plain):
        raise BadAccount(_("An account number has 6 to 32 digits."), fields={"number": _("Not valid.")})
    if not bank.strip():
        raise BadAccount(_("Name the bank and its branch."), fields={"bank": _("Needed.")})
    account = PayoutAccount.objects.create(
        organization=organization,
        holder=holder.strip(),
        bank=bank.strip(),
        number=plain,
        declared_by=by,
        declared_at=at,
    )
    after = {"account": str(account.pk), "ends_with": plain[-4:]}
    audit.record(actor=actor, verb="payout_account.declared", thing=organization, at=at, after=after)
    return account


def verify(*, account: PayoutAccount, number: str, compared_with: str, actor: Actor, at: datetime) -> PayoutAccount:
    """Verify a declared account by the number that a paper of the bank has; the one that was used so far is retired.

    Whoever verifies types the whole number from that paper and names it. A number that differs is noted, and verifies
    nothing.

    :raises MakerIsChecker: if the same person declared it.
    :raises Partial: if the person has an interest in the organisation.
    :raises BadAccount: if it was verified or retired before, or no paper is named.
    :raises NumberDiffers: if the number is not the one that was declared.
    """
    with transaction.atomic():
        account, by = _waiting(account, actor)
        if not compared_with.strip():
            raise BadAccount(_("Say what the number was compared with."), fields={"compared_with": _("Needed.")})
        if _digits(number) == account.number:
            return _verify(account, compared_with.strip(), by, actor, at)
        after = {"account": str(account.pk), "compared_with": compared_with.strip()}
        audit.record(actor=actor, verb="payout_account.differed", thing=account.organization, at=at, after=after)
    detail = _("This is not the number that was declared. If the bank's paper has it so, turn the account down.")
    raise NumberDiffers(detail, fields={"number": _("Another number.")})


def _verify(account: PayoutAccount, compared_with: str, by: User, actor: Actor, at: datetime) -> PayoutAccount:
    PayoutAccount.objects.current().filter(organization=account.organization_id).update(retired_at=at)
    refused = MakerIsChecker(_("Another person must verify what you declared."))
    with refusing(payout_account_maker_is_not_checker=refused):
        PayoutAccount.objects.filter(pk=account.pk).update(
            verified_by=by, verified_at=at, confirmed_number=account.number, compared_with=compared_with
        )
    account.refresh_from_db(fields=["verified_by", "verified_at", "confirmed_number", "compared_with"])
    after = {"account": str(account.pk), "compared_with": compared_with}
    audit.record(actor=actor, verb="payout_account.verified", thing=account.organization, at=at, after=after)
    return account


@transaction.atomic
def refuse(*, account: PayoutAccount, reason: str, actor: Actor, at: datetime) -> PayoutAccount:
    """Turn down a declared account, with a reason that its claimant reads; the one that is used stays.

    :raises MakerIsChecker: if the same person declared it.
    :raises Partial: if the person has an interest in the organisation.
    :raises BadAccount: if no reason is given, or it was verified, retired or turned down before.
    """
    account, by = _waiting(account, actor)
    if not reason.strip():
        raise BadAccount(_("Say why the account is turned down."), fields={"reason": _("Needed.")})
    told = {"refused_by": by, "refusal": reason.strip(), "retired_at": at}
    refused = MakerIsChecker(_("Another person must verify what you declared."))
    with refusing(payout_account_refused_by_another_with_reason=refused):
        PayoutAccount.objects.filter(pk=account.pk).update(**told)
    account.refused_by, account.refusal, account.retired_at = by, reason.strip(), at
    after = {"account": str(account.pk), "reason": account.refusal}
    audit.record(actor=actor, verb="payout_account.refused", thing=account.organization, at=at, after=after)
    return account


def _digits(number: str) -> str:
    """Return a number as it is kept, without the gaps and dashes between its groups."""
    return number.replace(" ", "").replace("-", "")


def _waiting(account: PayoutAccount, actor: Actor) -> tuple[PayoutAccount, User]:
    """Return an account that waits, locked with its organisation, and the person who may decide on it."""
    Organization.objects.locked().get(pk=account.organization_id)
    account = PayoutAccount.objects.locked().select_related("organization").get(pk=account.pk)
    by = hands.operator(actor, judging=account.organization)
    if account.verified_at or account.retired_at:
        raise BadAccount(_("This account waits for nothing."))
    return account, by
