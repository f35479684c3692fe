"""A wallet that was topped up, and the whole ledger at a glance."""

from datetime import UTC, datetime
from typing import Any

from ledger.models import Account, Balance, Hold, Posting, Transfer
from ledger.services import posting
from ledger.services.posting import Leg

AT = datetime(2026, 1, 1, tzinfo=UTC)


def wallet(code: str = "wallet", *, fen: int = 0) -> Account:
    """Open an account that may not fall below nothing and give it some value."""
    account = posting.open_account(code=code, floor_fen=0)
    if fen:
        posting.post(key=f"top-up/{code}", kind="top-up", legs=move(source("bank"), account, fen), at=AT)
    return account


def source(code: str) -> Account:
    """Open an account without a floor."""
    return posting.open_account(code=code, floor_fen=None)


def move(giver: Account, taker: Account, fen: int) -> list[Leg]:
    return [Leg(giver, -fen), Leg(taker, fen)]


def standing(account: Account) -> tuple[int, int]:
    """Return what is posted to and held of an account with a floor, in fen."""
    balance = Balance.objects.get(pk=account.pk)
    return balance.posted_fen, balance.held_fen


def everything() -> dict[str, list[Any]]:
    """Return every row of the ledger, to be compared with a later look."""
    return {
        model.__name__: list(model.objects.order_by("pk").values())
        for model in [Account, Balance, Hold, Transfer, Posting]
    }
