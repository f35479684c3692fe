"""Write transfers with their postings, many in one statement; a key that is there already must mean the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.utils.translation import gettext as _

from ledger.models import Account, Transfer
from ledger.services import refusals

WRITE = """
WITH entry AS (
    SELECT * FROM unnest(%s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::bigint[], %s::timestamptz[])
), opened AS (
    INSERT INTO ledger_transfer (key, kind, amount_fen, hold_id, reverses_id, effective_at)
    SELECT * FROM entry
    ON CONFLICT (key) DO NOTHING
    RETURNING id, key, created_at
), posted AS (
    INSERT INTO ledger_posting (transfer_id, account_id, amount_fen)
    SELECT opened.id, leg.account_id, leg.amount_fen
    FROM opened JOIN unnest(%s::text[], %s::bigint[], %s::bigint[]) AS leg (key, account_id, amount_fen) USING (key)
)
SELECT id, key, created_at FROM opened
"""


class Leg(NamedTuple):
    """What one account gains (positive) or gives (negative), in fen."""

    account: Account
    amount_fen: int


class Entry(NamedTuple):
    """A transfer to write; ``hold_id`` makes it a capture and ``reverses_id`` a reversal."""

    key: str
    kind: str
    legs: Sequence[Leg]
    at: datetime
    hold_id: int | None = None
    reverses_id: int | None = None


class Content(NamedTuple):
    """What a key stands for: the moves by account id. Legs of one account are one move."""

    kind: str
    hold_id: int | None
    reverses_id: int | None
    moves: Mapping[int, int]


class Row(NamedTuple):
    """A transfer that was just written."""

    id: int
    key: str
    created_at: datetime


def write(*, entries: Sequence[Entry]) -> dict[str, int]:
    """Write every entry whose key is new, all in one statement, and return the transfer id behind each key.

    Keys are written in their order and balances locked in the order of accounts, so two calls cannot deadlock.

    :raises NotBalanced: if the legs of an entry do not add up to nothing.
    :raises KeyReused: if a key was written before, or comes twice, with another content.
    :raises Overdrawn: if an account would fall below its floor or a hold be captured beyond its amount.
    """
    instants = {entry.key: entry.at for entry in entries}
    contents = _contents(entries)
    ids = {row.key: row.id for row in _insert(contents, instants)}
    if len(ids) < len(contents):
        ids |= _first_of({key: content for key, content in contents.items() if key not in ids})
    return ids


def write_one(*, entry: Entry) -> Transfer:
    """Write one entry as ``write`` does and return its transfer."""
    contents = _contents([entry])
    rows = _insert(contents, {entry.key: entry.at})
    if not rows:
        return Transfer.objects.get(pk=_first_of(contents)[entry.key])
    transfer = Transfer(
        id=rows[0].id,
        key=entry.key,
        kind=entry.kind,
        amount_fen=_gross_fen(contents[entry.key]),
        hold_id=entry.hold_id,
        reverses_id=entry.reverses_id,
        effective_at=entry.at,
        created_at=rows[0].created_at,
    )
    transfer._state.adding = False
    return transfer


def _contents(entries: Iterable[Entry]) -> dict[str, Content]:
    contents: dict[str, Content] = {}
    for entry in entries:
        content = Content(entry.kind, entry.hold_id, entry.reverses_id, _moves(entry.legs))
        if contents.setdefault(entry.key, content) != content:
            raise _reused(entry.key)
    return contents


def _moves(legs: Sequence[Leg]) -> dict[int, int]:
    moves: dict[int, int] = defaultdict(int)
    for leg in legs:
        moves[leg.account.id] += leg.amount_fen
    moves = {account_id: amount_fen for account_id, amount_fen in moves.items() if amount_fen}
    if sum(moves.values()) or not moves:
        raise refusals.NotBalanced(_("The legs of a transfer move something and add up to nothing."))
    return moves


def _gross_fen(content: Content) -> int:
    return sum(amount_fen for amount_fen in content.moves.values() if amount_fen > 0)


def _insert(contents: Mapping[str, Content], instants: Mapping[str, datetime]) -> list[Row]:
    ordered = sorted(contents.items())
    legs = [(key, *move) for key, content in ordered for move in content.moves.items()]
    columns: list[list[object]] = [
        [key for key, _content in ordered],
        [content.kind for _key, content in ordered],
        [_gross_fen(content) for _key, content in ordered],
        [content.hold_id for _key, content in ordered],
        [content.reverses_id for _key, content in ordered],
        [instants[key] for key, _content in ordered],
        *map(list, zip(*legs, strict=True)),
    ]
    with refusals.refusing_moves(), connection.cursor() as cursor:
        cursor.execute(WRITE, columns)
        return [Row(*row) for row in cursor.fetchall()]


def _first_of(contents: Mapping[str, Content]) -> dict[str, int]:
    """Return the ids of transfers written before, once each is found to mean the same."""
    ids = {}
    for transfer in Transfer.objects.filter(key__in=list(contents)).prefetch_related("postings"):
        moves = {posting.account_id: posting.amount_fen for posting in transfer.postings.all()}
        if contents[transfer.key] != Content(transfer.kind, transfer.hold_id, transfer.reverses_id, moves):
            raise _reused(transfer.key)
        ids[transfer.key] = transfer.pk
    return ids


def _reused(key: str) -> refusals.KeyReused:
    return refusals.KeyReused(_("The key %(key)s was used for something else.") % {"key": key})
