"""Write transfers, many in one statement; a key that is there already must mean the same."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import connection
from django.utils.translation import gettext as _

from ledger.models import Account, Transfer
from ledger.services import refusals

WRITE = """
INSERT INTO ledger_transfer (key, kind, amount_fen, account_ids, amounts_fen, hold_id, reverses_id, effective_at)
SELECT key, kind, amount_fen, account_ids::bigint[], amounts_fen::bigint[], hold_id, reverses_id, effective_at
FROM unnest(
    %s::text[], %s::text[], %s::bigint[], %s::text[], %s::text[], %s::bigint[], %s::bigint[], %s::timestamptz[]
) AS entry (key, kind, amount_fen, account_ids, amounts_fen, hold_id, reverses_id, effective_at)
ON CONFLICT (key) DO NOTHING
RETURNING id, key, created_at
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
    """What a key stands for. Accounts are in order, each once; amounts stand beside them."""

    kind: str
    account_ids: list[int]
    amounts_fen: list[int]
    hold_id: int | None
    reverses_id: int | None

    @property
    def gross_fen(self) -> int:
        """Return the sum of what is gained."""
        return sum(amount_fen for amount_fen in self.amounts_fen if amount_fen > 0)


def write(*, entries: Sequence[Entry]) -> dict[str, int]:
    """Write every entry whose key is new, all in one statement, and return the transfer id behind each key.

    Keys are written in their order and balances locked in the order of accounts, so two calls cannot deadlock.

    :raises NotBalanced: if the legs of an entry do not add up to nothing.
    :raises KeyReused: if a key was written before, or comes twice, with another content.
    :raises Overdrawn: if an account would fall below its floor or a hold be captured beyond its amount.
    """
    instants = {entry.key: entry.at for entry in entries}
    contents = _contents(entries)
    ids = {key: pk for pk, key, _created_at in _insert(contents, instants)}
    if len(ids) < len(contents):
        ids |= _first_of({key: content for key, content in contents.items() if key not in ids})
    return ids


def write_one(*, entry: Entry) -> Transfer:
    """Write one entry as ``write`` does and return its transfer."""
    contents = _contents([entry])
    rows = _insert(contents, {entry.key: entry.at})
    if not rows:
        return Transfer.objects.get(pk=_first_of(contents)[entry.key])
    content = contents[entry.key]
    ((pk, key, created_at),) = rows
    transfer = Transfer(
        id=pk, key=key, amount_fen=content.gross_fen, effective_at=entry.at, created_at=created_at, **content._asdict()
    )
    transfer._state.adding = False
    return transfer


def _contents(entries: Iterable[Entry]) -> dict[str, Content]:
    contents: dict[str, Content] = {}
    for entry in entries:
        content = Content(entry.kind, *_columns(entry.legs), entry.hold_id, entry.reverses_id)
        if contents.setdefault(entry.key, content) != content:
            raise _reused(entry.key)
    return contents


def _columns(legs: Sequence[Leg]) -> tuple[list[int], list[int]]:
    moves: dict[int, int] = defaultdict(int)
    for account, amount_fen in legs:
        moves[account.id] += amount_fen
    account_ids = sorted(account_id for account_id, amount_fen in moves.items() if amount_fen)
    if sum(moves.values()) or not account_ids:
        raise refusals.NotBalanced(_("The legs of a transfer move something and add up to nothing."))
    return account_ids, [moves[account_id] for account_id in account_ids]


def _insert(contents: Mapping[str, Content], instants: Mapping[str, datetime]) -> list[tuple[int, str, datetime]]:
    if not contents:
        return []
    keys = sorted(contents)
    entries = [contents[key] for key in keys]
    columns = [
        keys,
        [entry.kind for entry in entries],
        _array(entry.gross_fen for entry in entries),
        _array(f'"{_array(entry.account_ids)}"' for entry in entries),
        _array(f'"{_array(entry.amounts_fen)}"' for entry in entries),
        _array(entry.hold_id for entry in entries),
        _array(entry.reverses_id for entry in entries),
        _array(instants[key].isoformat() for key in keys),
    ]
    with refusals.refusing_moves(), connection.cursor() as cursor:
        cursor.execute(WRITE, columns)  # type: ignore[arg-type]  # the stubs know no lists
        return list(cursor.fetchall())


def _array(values: Iterable[int | str | None]) -> str:
    """Return an array literal. The driver makes one too, but looks at every element anew, at ten times the cost."""
    return "{" + ",".join(["NULL" if value is None else str(value) for value in values]) + "}"


def _first_of(contents: Mapping[str, Content]) -> dict[str, int]:
    """Return the ids of transfers written before, once each is found to mean the same."""
    first = Transfer.objects.filter(key__in=list(contents)).values_list("pk", "key", *Content._fields)
    ids = {}
    for pk, key, *columns in first:
        if contents[key] != Content(*columns):
            raise _reused(key)
        ids[key] = pk
    return ids


def _reused(key: str) -> refusals.KeyReused:
    return refusals.KeyReused(_("The key %(key)s was used for something else.") % {"key": key})
