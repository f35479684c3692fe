"""Take out of a wallet what went back to its payer at Stripe, which anybody with Stripe's own pages can do.

Each refund is posted under its own id, so that it counts once however often Stripe tells of it; so is its coming back.
"""

from datetime import datetime

from django.db import transaction

from accounts.services import audit
from billing import accounts
from billing.gateways.ports import PaymentGateway, Refund
from billing.models import TopUp, TopUpStatus
from billing.services import arrears
from ledger.models import Transfer
from ledger.services import posting
from ledger.services.posting import Leg

REFUNDED, CAME_BACK = "top-up-refunded", "top-up-refund-failed"


def follow(*, gateway: PaymentGateway, top_up: TopUp, at: datetime) -> None:
    """Bring a wallet to what Stripe says of the refunds of a top-up; Stripe is asked before any row is locked.

    What the wallet does not have free is lent, as for usage: the money has left.
    """
    if top_up.stripe_intent is None:
        return
    for refund in list(gateway.refunds(top_up.stripe_intent)):
        _follow(top_up, refund, at=at)


@transaction.atomic
def _follow(top_up: TopUp, refund: Refund, *, at: datetime) -> None:
    top_up = TopUp.objects.locked().select_related("organization").get(pk=top_up.pk)
    if top_up.status != TopUpStatus.SUCCEEDED:
        return
    taken, given = _is_posted(refund, REFUNDED), _is_posted(refund, CAME_BACK)
    if refund.stands and not taken:
        _post(top_up, refund, REFUNDED, -refund.amount_fen, at=at)
    elif taken and not refund.stands and not given:
        _post(top_up, refund, CAME_BACK, refund.amount_fen, at=at)


def _key(refund: Refund, kind: str) -> str:
    return f"stripe/{refund.id}/{kind}"


def _is_posted(refund: Refund, kind: str) -> bool:
    return bool(Transfer.objects.filter(key=_key(refund, kind)).exists())


def _post(top_up: TopUp, refund: Refund, kind: str, amount_fen: int, *, at: datetime) -> None:
    """Move an amount into the wallet, or out of it if it is below nothing."""
    buyer, key = top_up.organization, _key(refund, kind)
    names = accounts.STRIPE_CLEARING, accounts.wallet(buyer), accounts.arrears(buyer)
    opened = posting.open_accounts(floors=accounts.floors(names))
    clearing, wallet, owed = (opened[name] for name in names)
    if amount_fen < 0:
        arrears.make_up(wallet=wallet, arrears=owed, needed_fen=-amount_fen, key=key, at=at)
    posting.post(key=key, kind=kind, legs=[Leg(clearing, -amount_fen), Leg(wallet, amount_fen)], at=at)
    arrears.repay(buyer=buyer, key=key, at=at)
    after = {"refund": refund.id, "amount_fen": refund.amount_fen}
    audit.record(actor=audit.SYSTEM, verb=f"top-up.{kind.removeprefix('top-up-')}", thing=top_up, at=at, after=after)
