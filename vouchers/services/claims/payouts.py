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


@transaction.atomic
def declare(
    *, organization: Organization, holder: str, bank: str, number: str, actor: Actor, at: datetime
) -> PayoutAccount:
    """Declare where an organisation wants to be paid; nothing goes there before somebody has verified it.

    :raises BadAccount: if the holder is not the organisation, or the number has other than 6 to 32 digits.
    """
    by = people.person(actor)
    plain = number.replace(" ", "").replace("-", "")
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


@transaction.atomic
def verify(*, account: PayoutAccount, actor: Actor, at: datetime) -> PayoutAccount:
    """Verify a declared account; the one that was used so far is retired.

    :raises MakerIsChecker: if the same person declared it.
    :raises Partial: if the person has an interest in the organisation.
    :raises BadAccount: if it was verified or retired before.
    """
    account, by = _waiting(account, actor)
    PayoutAccount.objects.current().filter(organization=account.organization_id).update(retired_at=at)
    refused = MakerIsChecker(_("Another person must verify what you declared."))
    with refusing(payout_account_maker_is_not_checker=refused):
        PayoutAccount.objects.filter(pk=account.pk).update(verified_by=by, verified_at=at)
    account.verified_by, account.verified_at = by, at
    after = {"account": str(account.pk)}
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


def _waiting(account: PayoutAccount, actor: Actor) -> tuple[PayoutAccount, User]:
    """Return an account that waits, locked with its organisation, and the person who may decide on it."""
    Organization.objects.locked().get(pk=account.organization_id)
    account = PayoutAccount.objects.locked().select_related("organization").get(pk=account.pk)
    by = hands.operator(actor, judging=account.organization)
    if account.verified_at or account.retired_at:
        raise BadAccount(_("This account waits for nothing."))
    return account, by
