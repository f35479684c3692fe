"""Read the ledger: balances, statements, and the fold that must agree with what the triggers kept."""

from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.db.models import Sum

from ledger.models import Account, Balance, Posting

FOLD = """
WITH posted AS (
    SELECT account_id, sum(amount_fen) AS fen FROM ledger_posting GROUP BY account_id
), held AS (
    SELECT account_id, sum(amount_fen - captured_fen) AS fen
    FROM ledger_hold WHERE status = 'pending' GROUP BY account_id
), captured AS (
    SELECT hold.id, -sum(posting.amount_fen) AS fen
    FROM ledger_hold hold
    JOIN ledger_transfer transfer ON transfer.hold_id = hold.id
    JOIN ledger_posting posting ON posting.transfer_id = transfer.id AND posting.account_id = hold.account_id
    GROUP BY hold.id
), moved AS (
    SELECT transfer_id, sum(amount_fen) AS net, sum(amount_fen) FILTER (WHERE amount_fen > 0) AS gross
    FROM ledger_posting GROUP BY transfer_id
), leg AS (
    SELECT id AS transfer_id, unnest(account_ids) AS account_id, unnest(amounts_fen) AS fen FROM ledger_transfer
), bounded AS (
    SELECT account.id, account.floor_fen AS floor, balance.floor_fen, balance.posted_fen, balance.held_fen,
           coalesce(posted.fen, 0) AS posted, coalesce(held.fen, 0) AS held
    FROM ledger_account account
    FULL JOIN ledger_balance balance ON balance.account_id = account.id
    LEFT JOIN posted ON posted.account_id = account.id
    LEFT JOIN held ON held.account_id = account.id
    WHERE account.floor_fen IS NOT NULL OR balance.account_id IS NOT NULL
)
SELECT 'balance.floor', id, floor_fen, floor FROM bounded WHERE floor_fen IS DISTINCT FROM floor
UNION ALL
SELECT 'balance.posted', id, posted_fen, posted FROM bounded WHERE posted_fen IS DISTINCT FROM posted
UNION ALL
SELECT 'balance.held', id, held_fen, held FROM bounded WHERE held_fen IS DISTINCT FROM held
UNION ALL
SELECT 'hold.captured', hold.id, hold.captured_fen, coalesce(captured.fen, 0)
FROM ledger_hold hold LEFT JOIN captured USING (id) WHERE hold.captured_fen <> coalesce(captured.fen, 0)
UNION ALL
SELECT 'transfer.amount', transfer.id, transfer.amount_fen, coalesce(moved.gross, 0)
FROM ledger_transfer transfer LEFT JOIN moved ON moved.transfer_id = transfer.id
WHERE moved.gross IS DISTINCT FROM transfer.amount_fen
UNION ALL
SELECT 'transfer.net', transfer_id, 0, net FROM moved WHERE net <> 0
UNION ALL
SELECT 'transfer.legs', transfer_id, leg.fen, coalesce(posting.amount_fen, 0)
FROM leg FULL JOIN ledger_posting posting USING (transfer_id, account_id)
WHERE leg.fen IS DISTINCT FROM posting.amount_fen
ORDER BY 1, 2
"""


class Difference(NamedTuple):
    """A number that was kept and is not what the facts add up to, in fen; ``row_id`` is in the table of ``what``."""

    what: str
    row_id: int
    kept_fen: int | None
    folded_fen: int


class Line(NamedTuple):
    """One movement of an account, with the balance after it, in fen."""

    transfer_id: int
    key: str
    kind: str
    effective_at: datetime
    amount_fen: int
    balance_fen: int


def balance_fen(*, account: Account) -> int:
    """Return the sum of an account's postings, in fen."""
    if account.bounded:
        return int(Balance.objects.get(pk=account.pk).posted_fen)
    return int(Posting.objects.filter(account=account).aggregate(total=Sum("amount_fen", default=0))["total"])


def available_fen(*, account: Account) -> int:
    """Return what a bounded account can still give: posted less held less its floor, in fen."""
    return Balance.objects.get(pk=account.pk).available_fen


def statement(*, account: Account, last: int = 100) -> list[Line]:
    """Return the last movements of an account, the newest first."""
    postings = Posting.objects.filter(account=account).select_related("transfer").order_by("-transfer_id")[:last]
    balance = balance_fen(account=account)
    lines = []
    for posting in postings:
        transfer = posting.transfer
        lines.append(Line(transfer.pk, transfer.key, transfer.kind, transfer.effective_at, posting.amount_fen, balance))
        balance -= posting.amount_fen
    return lines


def reconcile() -> list[Difference]:
    """Fold all postings and holds anew and return every kept number that disagrees; an empty list is the answer."""
    with connection.cursor() as cursor:
        cursor.execute(FOLD)
        return [Difference(what, row_id, kept, int(folded)) for what, row_id, kept, folded in cursor.fetchall()]
