"""Bring money into a wallet: what every top-up shares, and the bank transfer that two people check."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization, OrganizationKind, User
from accounts.services import audit, duties
from accounts.services.audit import Actor
from billing import accounts
from billing.gateways import bank_transfer
from billing.models import TopUp, TopUpMethod, TopUpStatus
from billing.services import arrears
from core.constraints import refusing
from core.errors import DomainError, Forbidden
from core.money import format_yuan
from ledger.services import posting
from ledger.services.posting import Entry, Leg

MOST_FEN = {
    TopUpMethod.ALIPAY: 50_000_00,
    TopUpMethod.WECHAT_PAY: 50_000_00,
    TopUpMethod.BANK_TRANSFER: 50_000_000_00,
}
"""The most that each method takes at once: a bank card behind a payment app pays at most ¥50,000."""


class BadAmount(DomainError):
    """The amount is not one that a top-up can have."""

    code = "bad-amount"


class NoWallet(Forbidden):
    """Only buyers have a wallet."""

    code = "no-wallet"


class SecondPersonNeeded(Forbidden):
    """The person who registered a transfer cannot confirm it."""

    code = "second-person-needed"


class ReasonMissing(DomainError):
    """Whoever closes a transfer says why."""

    code = "reason-missing"


@transaction.atomic
def create(
    *,
    organization: Organization,
    method: str,
    amount_fen: int,
    actor: Actor,
    at: datetime,
) -> TopUp:
    """Write down the wish to top up; a bank transfer also gets the reference to quote 附言.

    :raises NoWallet: if the organisation does not buy.
    :raises BadAmount: if it is not between one fen and what the method takes at once.
    """
    if organization.kind != OrganizationKind.BUYER:
        raise NoWallet(_("Only a buyer has a wallet to top up."))
    most_fen = MOST_FEN[TopUpMethod(method)]
    if not 0 < amount_fen <= most_fen:
        detail = _("This method takes from ¥0.01 to ¥%(most)s at once.") % {"most": format_yuan(most_fen)}
        raise BadAmount(detail, fields={"amount_fen": detail})
    by_bank = method == TopUpMethod.BANK_TRANSFER
    top_up = TopUp.objects.create(
        organization=organization,
        method=method,
        amount_fen=amount_fen,
        status=TopUpStatus.CREATED,
        bank_reference=bank_transfer.new_reference() if by_bank else None,
        created_by=actor.user,
        asked_at=at,
    )
    after = {"amount_fen": amount_fen, "method": method}
    audit.record(actor=actor, verb="top-up.created", thing=top_up, at=at, after=after)
    return top_up


@transaction.atomic
def register_transfer(*, top_up: TopUp, by: User, at: datetime) -> None:
    """Note that the bank statement shows the transfer; a second person must confirm it.

    :raises Partial: if the person has an interest in the organisation whose wallet it is for.
    :raises IllegalMove: if somebody registered it before.
    """
    top_up = _locked_transfer(top_up, by)
    top_up.move_to(TopUpStatus.PENDING, registered_by=by)
    audit.record(actor=Actor(user=by), verb="top-up.registered", thing=top_up, at=at)


@transaction.atomic
def confirm_transfer(*, top_up: TopUp, by: User, at: datetime) -> None:
    """Confirm a registered transfer and credit the wallet.

    :raises Partial: if the person has an interest in the organisation whose wallet it is for.
    :raises SecondPersonNeeded: if the same person registered it, or nobody did.
    :raises IllegalMove: if it was confirmed before.
    """
    top_up = _locked_transfer(top_up, by)
    second_person = SecondPersonNeeded(_("A transfer is registered by one person and confirmed by another."))
    if top_up.registered_by_id is None:
        raise second_person
    with refusing(top_up_maker_is_not_checker=second_person):
        top_up.move_to(TopUpStatus.SUCCEEDED, confirmed_by=by, finished_at=at)
    credit(top_up=top_up, source=accounts.BANK_CLEARING, key=f"bank/{top_up.pk}", at=at)
    audit.record(actor=Actor(user=by), verb="top-up.confirmed", thing=top_up, at=at)


@transaction.atomic
def close_transfer(*, top_up: TopUp, reason: str, by: User, at: datetime) -> None:
    """Close a transfer that did not come, or that was registered by mistake, and say why; nothing is credited.

    :raises ReasonMissing: if it does not say why.
    :raises Partial: if the person has an interest in the organisation whose wallet it is for.
    :raises IllegalMove: if it was confirmed or closed before.
    """
    if not reason.strip():
        raise ReasonMissing(_("Say why."), fields={"reason": _("Say why.")})
    top_up = _locked_transfer(top_up, by)
    before = {"status": top_up.status}
    top_up.move_to(TopUpStatus.CANCELLED, finished_at=at)
    after = {"reason": reason.strip()}
    audit.record(actor=Actor(user=by), verb="top-up.closed", thing=top_up, at=at, before=before, after=after)


def _locked_transfer(top_up: TopUp, by: User) -> TopUp:
    rows = TopUp.objects.locked().select_related("organization")
    found = rows.get(pk=top_up.pk, method=TopUpMethod.BANK_TRANSFER)
    duties.require_impartial(user=by, of=found.organization)
    return found


def credit(*, top_up: TopUp, source: str, key: str, at: datetime) -> None:
    """Post a received top-up to the wallet, then repay what the platform has advanced."""
    buyer = top_up.organization
    wallet = accounts.wallet(buyer)
    opened = posting.open_accounts(floors=accounts.floors([source, wallet]))
    legs = [Leg(opened[source], -top_up.amount_fen), Leg(opened[wallet], top_up.amount_fen)]
    posting.post_many(entries=[Entry(key, "top-up", legs, at)])
    arrears.repay(buyer=buyer, key=key, at=at)
