"""Receipts: what the log says of a grant or a redemption, provable to anyone who has a checkpoint."""

import base64
from typing import Any

from django.db.models import QuerySet

from vouchers.models import Claim, Commitment, Grant, Log, LogEntry, Redemption
from vouchers.services import checkpoints, entries, trees

MOST = 100


def of_grant(*, grant: Grant, after: int = -1) -> list[dict[str, Any]]:
    """Return the receipts of a grant: its approval, and whatever left it; at most 100, after a place of the log."""
    rows = LogEntry.objects.filter(grant_id=grant.pk, redemption_id=None)
    return _receipts(rows, after, {})


def of_redemption(*, redemption: Redemption, after: int = -1) -> list[dict[str, Any]]:
    """Return the receipts of a redemption; that of its hold opens the document to which the log commits."""
    rows = LogEntry.objects.filter(redemption_id=redemption.pk)
    salt = Commitment.objects.filter(subject_id=redemption.pk).values_list("salt", flat=True).first()
    opening = salt and {"salt": bytes(salt).hex(), "document": entries.document_of(redemption)}
    return _receipts(rows, after, {"hold": opening} if opening else {})


def of_claim(*, claim: Claim, after: int = -1) -> list[dict[str, Any]]:
    """Return the receipts of a claim: put together, approved, sent to the bank, paid."""
    return _receipts(LogEntry.objects.filter(claim_id=claim.pk), after, {})


def _receipts(rows: QuerySet[LogEntry], after: int, openings: dict[str, Any]) -> list[dict[str, Any]]:
    """Return receipts from the first log, each with its proof if a checkpoint covers it already."""
    log = Log.objects.order_by("pk").first()
    if log is None:
        return []
    found = list(rows.filter(log=log, seq__gt=after).order_by("seq")[:MOST])
    last = checkpoints.latest(log)
    size = last.size if last else 0
    proofs = trees.inclusions(log=log, seqs=[row.seq for row in found if row.seq < size], size=size)
    note = checkpoints.signed_note(last) if last else None
    return [
        _facts(log, row)
        | {"checkpoint": note if row.seq in proofs else None, "proof": _texts(proofs.get(row.seq, []))}
        | ({"opening": openings[row.kind]} if row.kind in openings else {})
        for row in found
    ]


def _facts(log: Log, row: LogEntry) -> dict[str, Any]:
    return {
        "origin": log.origin,
        "seq": row.seq,
        "payload": bytes(row.payload).decode(),
        "leaf_hash": bytes(row.leaf_hash).hex(),
        "logged_at": row.logged_at.isoformat(),
    }


def _texts(proof: list[bytes]) -> list[str]:
    return [base64.b64encode(node).decode() for node in proof]
