"""What the log says of claims and payments: which redemptions, how many fen, and commitments instead of names."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple
from uuid import UUID

from django.db import connection

from vouchers import canonical

OF_EVENTS = ("claim", "drop")
KINDS = (*OF_EVENTS, "approve", "unapprove", "instruct", "pay", "bounce", "setoff")
SQL = """
SELECT %s AS source, coalesce(transfer.id, event.id) AS id, event.at, event.facts, claim.id AS claim_id,
    claim.programme_id, claim.claimant_id, claim.claimant_kind
FROM vouchers_claimevent event
JOIN vouchers_claim claim ON claim.id = event.claim_id
LEFT JOIN ledger_transfer transfer ON transfer.key = 'claim-event/' || event.id
WHERE {where}
"""
BY_EVENT = SQL.format(where="event.id = ANY (%s)").replace("coalesce(transfer.id, event.id)", "event.id")
BY_TRANSFER = SQL.format(
    where="event.id IN (SELECT substr(key, 13)::bigint FROM ledger_transfer WHERE id = ANY (%s) "
    "AND key ~ '^claim-event/[0-9]+$')"
)


class ClaimFact(NamedTuple):
    """What an entry about a claim says, but for the commitment to its claimant."""

    claim_id: UUID
    claimant_id: UUID
    details: dict[str, Any]


def facts(events: Sequence[int], transfers: Sequence[int]) -> dict[tuple[str, int], ClaimFact]:
    """Return the facts behind events and transfers, by where they come from and its number."""
    rows = _rows(BY_EVENT, "event", events) + _rows(BY_TRANSFER, "transfer", transfers)
    return {(row["source"], row["id"]): _fact(row) for row in rows}


def _rows(sql: str, source: str, ids: Sequence[int]) -> list[dict[str, Any]]:
    if not ids:
        return []
    with connection.cursor() as cursor:
        cursor.execute(sql, [source, list(ids)])
        names = [column.name for column in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def _fact(row: Mapping[str, Any]) -> ClaimFact:
    known = row["facts"] if isinstance(row["facts"], dict) else json.loads(row["facts"])
    details: dict[str, Any] = {
        "at": canonical.instant(row["at"]),
        "claim": str(row["claim_id"]),
        "programme": str(row["programme_id"]),
        "claimed_by": row["claimant_kind"],
    }
    details |= {name: known[name] for name in ("lines", "digest", "set_off_fen") if name in known}
    return ClaimFact(row["claim_id"], row["claimant_id"], details)
