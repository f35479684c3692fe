"""Write transfers, many in one statement; a key that is there already must mean the same."""

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
RETURNING key, id
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


# What a key stands for: accounts in order, each once, with their amounts beside them. Plain tuples of numbers and texts
# are no work for the garbage collector, which otherwise takes half of the time of a bulk.
CONTENT = ("kind", "amount_fen", "account_ids", "amounts_fen", "hold_id", "reverses_id")
Content = tuple[str, int, tuple[int, ...], tuple[int, ...], int | None, int | None]


def write(*, entries: Iterable[Entry]) -> dict[str, int]:
    """Write every entry whose key is new, all in one statement, and return the transfer id behind each key.

    Keys are written in their order and balances locked in the order of accounts, so two calls cannot deadlock.

    :raises NotBalanced: if the legs of an entry do not add up to nothing.
    :raises KeyReused: if a key was written before, or comes twice, with another content.
    :raises Overdrawn: if an account would fall below its floor or a hold be captured beyond its amount.
    """
    contents, instants = _contents(entries)
    ids = _insert(contents, instants)
    if len(ids) < len(contents):
        ids |= _first_of({key: content for key, content in contents.items() if key not in ids})
    return ids


def write_one(*, entry: Entry) -> Transfer:
    """Write one entry as ``write`` does and return its transfer; the database knows when it was created."""
    contents, instants = _contents([entry])
    ids = _insert(contents, instants)
    if not ids:
        return Transfer.objects.get(pk=_first_of(contents)[entry.key])
    content = [list(value) if isinstance(value, tuple) else value for value in contents[entry.key]]
    names = ["id", "key", *CONTENT, "effective_at"]
    return Transfer.from_db(connection.alias, names, [ids[entry.key], entry.key, *content, entry.at])


def _contents(entries: Iterable[Entry]) -> tuple[dict[str, Content], dict[str, datetime]]:
    """Return the content and the instant of each key."""
    contents: dict[str, Content] = {}
    instants: dict[str, datetime] = {}
    for key, kind, legs, at, hold_id, reverses_id in entries:
        content = (kind, *_moves(legs), hold_id, reverses_id)
        if contents.setdefault(key, content) != content:
            raise _reused(key)
        instants[key] = at
    return contents, instants


def _moves(legs: Iterable[Leg]) -> tuple[int, tuple[int, ...], tuple[int, ...]]:
    """Return what is gained in all, the accounts and the amounts."""
    moves: dict[int, int] = {}
    for account, amount_fen in legs:
        moves[account.id] = moves.get(account.id, 0) + amount_fen
    account_ids = tuple(sorted([account_id for account_id, amount_fen in moves.items() if amount_fen]))
    amounts_fen = tuple([moves[account_id] for account_id in account_ids])
    if sum(amounts_fen) or not account_ids:
        raise refusals.NotBalanced(_("The legs of a transfer move something and add up to nothing."))
    return sum([amount_fen for amount_fen in amounts_fen if amount_fen > 0]), account_ids, amounts_fen


def _insert(contents: Mapping[str, Content], instants: Mapping[str, datetime]) -> dict[str, int]:
    if not contents:
        return {}
    keys = sorted(contents)
    kinds, amounts, account_ids, amounts_fen, hold_ids, reverses_ids = zip(
        *(contents[key] for key in keys), strict=True
    )
    texts = {at: at.isoformat() for at in set(instants.values())}
    columns = [
        _texts(keys),
        _texts(kinds),
        _numbers(amounts),
        _lists(account_ids),
        _lists(amounts_fen),
        _numbers(hold_ids),
        _numbers(reverses_ids),
        _texts(texts[instants[key]] for key in keys),
    ]
    with refusals.refusing_moves(), connection.cursor() as cursor:
        cursor.execute(WRITE, columns)
        return dict(cursor.fetchall())


# PostgreSQL's array literals, made of Python's. The driver would look at every element anew, at ten times the cost.


def _texts(values: Iterable[str]) -> str:
    escaped = [value.replace("\\", "\\\\").replace('"', '\\"') for value in values]
    return '{"' + '","'.join(escaped) + '"}'


def _numbers(values: Iterable[int | None]) -> str:
    return "{" + str(list(values))[1:-1].replace("None", "NULL") + "}"


def _lists(values: Iterable[tuple[int, ...]]) -> str:
    """Return an array of texts, each the literal of one list."""
    lists = str([list(numbers) for numbers in values])
    return '{"{' + lists[2:-2].replace("], [", '}","{') + '}"}'


def _first_of(contents: Mapping[str, Content]) -> dict[str, int]:
    """Return the ids of transfers written before, once each is found to mean the same."""
    first = Transfer.objects.filter(key__in=list(contents)).values_list("pk", "key", *CONTENT)
    ids = {}
    for pk, key, kind, amount_fen, account_ids, amounts_fen, *links in first:
        if contents[key] != (kind, amount_fen, tuple(account_ids), tuple(amounts_fen), *links):
            raise _reused(key)
        ids[key] = pk
    return ids


def _reused(key: str) -> refusals.KeyReused:
    return refusals.KeyReused(_("The key %(key)s was used for something else.") % {"key": key})
