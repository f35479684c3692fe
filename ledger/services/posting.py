"""Move value between accounts: post, hold, capture, release, reverse. Everything is idempotent by its key.

A refusal leaves nothing behind. After ``capture`` the ``Hold`` in hand is stale; the row in the database counts.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.errors import IllegalMove
from ledger.models import Account, Hold, HoldStatus, Transfer
from ledger.services import journal
from ledger.services.journal import Entry, Leg
from ledger.services.refusals import (
    AlreadyReversed,
    BadHold,
    HoldClosed,
    KeyReused,
    NotBalanced,
    Overdrawn,
    refusing_moves,
)

__all__ = [
    "AlreadyReversed",
    "BadHold",
    "Capture",
    "Entry",
    "HoldClosed",
    "KeyReused",
    "Leg",
    "NotBalanced",
    "Overdrawn",
    "capture",
    "capture_many",
    "expire",
    "expire_due",
    "hold",
    "open_account",
    "open_accounts",
    "post",
    "post_many",
    "resize",
    "reverse",
    "settle",
    "void",
]

HOLD = """
INSERT INTO ledger_hold (key, account_id, asked_fen, amount_fen, status, expires_at)
VALUES (%s, %s, %s, %s, 'pending', %s)
ON CONFLICT (key) DO NOTHING
"""


class Capture(NamedTuple):
    """A part of a hold to take: ``legs`` debit its account and credit others."""

    hold: Hold
    key: str
    kind: str
    legs: Sequence[Leg]
    at: datetime


def open_account(*, code: str, floor_fen: int | None) -> Account:
    """Return the account of this code, opened now if it is new; ``None`` leaves it without a floor.

    :raises KeyReused: if the code is open with another floor.
    """
    return open_accounts(floors={code: floor_fen})[code]


def open_accounts(*, floors: Mapping[str, int | None]) -> dict[str, Account]:
    """Return the accounts of these codes, opened now if they are new, by code.

    :raises KeyReused: if a code is open with another floor.
    """
    accounts = _accounts(floors)
    missing = [Account(code=code, floor_fen=floors[code]) for code in sorted(floors.keys() - accounts.keys())]
    if missing:
        Account.objects.bulk_create(missing, ignore_conflicts=True)
        accounts = _accounts(floors)
    for code, account in accounts.items():
        if account.floor_fen != floors[code]:
            raise KeyReused(_("The account %(code)s is open with another floor.") % {"code": code})
    return accounts


def post(*, key: str, kind: str, legs: Sequence[Leg], at: datetime) -> Transfer:
    """Move value between accounts, or return the transfer that this key wrote before.

    :raises NotBalanced: if the legs do not add up to nothing.
    :raises KeyReused: if the key stands for another transfer.
    :raises Overdrawn: if an account would fall below its floor.
    """
    return journal.write_one(entry=Entry(key, kind, legs, at))


def post_many(*, entries: Iterable[Entry]) -> dict[str, int]:
    """Post all entries or none, in one statement, and return their transfer ids by key.

    :raises NotBalanced: if the legs of an entry do not add up to nothing.
    :raises KeyReused: if a key stands for another transfer.
    :raises Overdrawn: if an account would fall below its floor.
    """
    return journal.write(entries=entries)


def hold(*, key: str, account: Account, amount_fen: int, expires_at: datetime | None = None) -> Hold:
    """Set value of a bounded account aside, or return the hold that this key made before.

    :raises BadHold: if the amount is not above zero.
    :raises KeyReused: if the key stands for another hold.
    :raises Overdrawn: if less than the amount is available.
    """
    with refusing_moves(), connection.cursor() as cursor:
        cursor.execute(HOLD, [key, account.id, amount_fen, amount_fen, expires_at])
    found = Hold.objects.get(key=key)
    if (found.account_id, found.asked_fen, found.expires_at) != (account.id, amount_fen, expires_at):
        raise KeyReused(_("The key %(key)s was used for something else.") % {"key": key})
    return found


def capture(*, hold: Hold, key: str, kind: str, legs: Sequence[Leg], at: datetime) -> Transfer:
    """Take a part of a hold: the legs debit its account by at most what remains.

    :raises NotBalanced: if the legs do not add up to nothing or do not debit the held account.
    :raises KeyReused: if the key stands for another transfer.
    :raises HoldClosed: if the hold no longer reserves anything.
    :raises Overdrawn: if the hold has less left, or another account would fall below its floor.
    """
    return journal.write_one(entry=Entry(key, kind, legs, at, hold_id=hold.pk))


def capture_many(*, captures: Iterable[Capture]) -> dict[str, int]:
    """Make all captures or none, in one statement, and return their transfer ids by key.

    :raises NotBalanced, KeyReused, HoldClosed, Overdrawn: as ``capture`` does.
    """
    return journal.write(entries=(Entry(key, kind, legs, at, hold.pk) for hold, key, kind, legs, at in captures))


def settle(*, hold: Hold) -> None:
    """Close a hold whose purpose is met and give back the rest.

    :raises HoldClosed: if it is closed already.
    """
    _close(hold, HoldStatus.POSTED)


def void(*, hold: Hold) -> None:
    """Close a hold whose purpose is gone and give back the rest.

    :raises HoldClosed: if it is closed already.
    """
    _close(hold, HoldStatus.VOIDED)


def expire(*, hold: Hold) -> None:
    """Close a hold whose time is over and give back the rest.

    :raises HoldClosed: if it is closed already.
    """
    _close(hold, HoldStatus.EXPIRED)


@transaction.atomic
def expire_due(*, at: datetime, limit: int = 1000) -> int:
    """Expire up to ``limit`` holds whose time is over and return how many; holds in use are left to the next call."""
    due = Hold.objects.filter(status=HoldStatus.PENDING, expires_at__lte=at).order_by("pk")
    locked = due.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)[:limit]
    return Hold.objects.filter(pk__in=list(locked)).update(status=HoldStatus.EXPIRED)


def resize(*, hold: Hold, amount_fen: int) -> None:
    """Give back a part of a hold so that it reserves ``amount_fen`` in all, with what was captured.

    :raises BadHold: if the hold would grow or fall below what was captured.
    :raises HoldClosed: if it is closed already.
    """
    try:
        with refusing_moves():
            Hold.objects.filter(pk=hold.pk).update(amount_fen=amount_fen)
    except Overdrawn as error:
        raise BadHold(_("A hold does not fall below what was captured.")) from error
    hold.amount_fen = amount_fen


def reverse(*, transfer: Transfer, key: str, at: datetime) -> Transfer:
    """Move the value of a transfer back, once. A captured hold stays captured.

    :raises AlreadyReversed: if it was reversed under another key or is a reversal itself.
    :raises KeyReused: if the key stands for another transfer.
    :raises Overdrawn: if an account has not enough left to give back.
    """
    legs = [Leg(Account(id=account_id), -amount_fen) for account_id, amount_fen in transfer.moves.items()]
    return journal.write_one(entry=Entry(key, "reversal", legs, at, reverses_id=transfer.pk))


def _accounts(codes: Mapping[str, int | None]) -> dict[str, Account]:
    return {account.code: account for account in Account.objects.filter(code__in=list(codes))}


def _close(hold: Hold, status: HoldStatus) -> None:
    try:
        hold.move_to(status)
    except IllegalMove as error:
        raise HoldClosed(_("The hold is closed.")) from error
