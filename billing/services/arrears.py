"""Lend a wallet what usage costs beyond it, and take it back as soon as there is money."""

from datetime import datetime

from accounts.models import Organization
from billing import accounts
from ledger import selectors as ledger_selectors
from ledger.models import Account, Balance
from ledger.services import posting
from ledger.services.posting import Leg


def available_fen(wallet: Account) -> int:
    """Return what a wallet can give, in fen, with its balance locked so that nothing else takes it."""
    return Balance.objects.select_for_update(no_key=True).get(pk=wallet.pk).available_fen


def lend(*, wallet: Account, arrears: Account, amount_fen: int, key: str, at: datetime) -> None:
    """Advance money to a wallet: the meter is never ignored because a wallet is empty."""
    legs = [Leg(arrears, -amount_fen), Leg(wallet, amount_fen)]
    posting.post(key=f"advance/{key}", kind="advance", legs=legs, at=at)


def make_up(*, wallet: Account, arrears: Account, needed_fen: int, key: str, at: datetime) -> None:
    """Advance to a wallet what it does not have free of an amount."""
    short_fen = needed_fen - available_fen(wallet)
    if short_fen > 0:
        lend(wallet=wallet, arrears=arrears, amount_fen=short_fen, key=key, at=at)


def repay(*, buyer: Organization, key: str, at: datetime) -> None:
    """Take what was advanced to a buyer out of what its wallet has free."""
    codes = [accounts.wallet(buyer), accounts.arrears(buyer)]
    opened = posting.open_accounts(floors=accounts.floors(codes))
    wallet, arrears = (opened[code] for code in codes)
    if not ledger_selectors.balance_fen(account=arrears):
        return
    # Under the lock of the wallet nobody else repays, so what is owed cannot be taken twice.
    free_fen = available_fen(wallet)
    amount_fen = min(-ledger_selectors.balance_fen(account=arrears), free_fen)
    if amount_fen > 0:
        legs = [Leg(wallet, -amount_fen), Leg(arrears, amount_fen)]
        posting.post(key=f"repay/{key}", kind="repayment", legs=legs, at=at)
