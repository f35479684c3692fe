"""Count and add up what a rehearsal left in the tables, and write it down."""

import json
from pathlib import Path
from typing import Any

from django.db import connection

from core.money import BP_WHOLE, MICRO_PER_FEN

COUNTS = {
    "offerings": "SELECT count(*) FROM market_offering",
    "orders": "SELECT count(*) FROM market_order",
    "matched": "SELECT count(*) FROM market_match",
    "usage_events": "SELECT count(*) FROM market_usage",
    "charges": "SELECT count(*) FROM billing_charge",
    "invoices": "SELECT count(*) FROM billing_invoice",
    "settlements": "SELECT count(*) FROM billing_settlement",
    "buyers": "SELECT count(DISTINCT buyer_id) FROM market_order",
}
AMOUNTS_FEN = {
    "gross": "SELECT coalesce(sum(amount_fen), 0) FROM billing_charge",
    "voucher": "SELECT coalesce(sum(voucher_fen), 0) FROM billing_charge",
    "wallet": "SELECT coalesce(sum(wallet_fen), 0) FROM billing_charge",
    "commission": "SELECT coalesce(sum(commission_fen), 0) FROM billing_charge",
    "vat": "SELECT coalesce(sum(vat_fen), 0) FROM billing_charge",
    "provider_net": "SELECT coalesce(sum(provider_fen), 0) FROM billing_charge",
    "authority_payable": "SELECT coalesce(sum(amount_fen), 0) FROM billing_authoritypayable",
}
UNMATCHED = """
SELECT CASE WHEN status = 'cancelled' THEN 'cancelled' ELSE unmatched_reason END AS reason, count(*)
FROM market_order WHERE id NOT IN (SELECT order_id FROM market_match) GROUP BY 1 ORDER BY 2 DESC
"""
AUCTIONS = """
SELECT count(*), coalesce(sum(orders), 0), coalesce(sum(matched), 0),
    coalesce(sum(welfare_micro), 0), coalesce(sum(bound_micro), 0)
FROM market_matchbatch WHERE bound_micro IS NOT NULL
"""
PROGRAMMES = """
SELECT programme.code, programme.budget_fen, coalesce(granted.fen, 0), coalesce(redeemed.fen, 0)
FROM vouchers_programme programme
LEFT JOIN LATERAL (
    SELECT sum(face_fen) AS fen FROM vouchers_grant WHERE programme_id = programme.id AND approved_at IS NOT NULL
) granted ON true
LEFT JOIN LATERAL (
    SELECT sum(amount_fen) AS fen FROM billing_authoritypayable WHERE programme_id = programme.id
) redeemed ON true
ORDER BY programme.code
"""
CLAWBACKS = """
SELECT programme.code, count(*), sum(clawback.principal_fen + clawback.interest_fen),
    sum(clawback.recovered_fen + clawback.offset_fen)
FROM vouchers_clawback clawback
JOIN vouchers_grant granted ON granted.id = clawback.grant_id
JOIN vouchers_programme programme ON programme.id = granted.programme_id
WHERE clawback.demanded_at IS NOT NULL GROUP BY 1 ORDER BY 1
"""
TAKEN_BACK = ("programme", "clawbacks", "demanded_fen", "recovered_fen")
CLAIMED = ("programme", "claims", "claimed_fen", "approved_fen", "paid_fen")
CLAIMS = """
SELECT programme.code, count(*), coalesce(sum(claim.amount_fen), 0), coalesce(sum(claim.approved_fen), 0),
    coalesce(sum(claim.approved_fen) FILTER (WHERE claim.status IN ('paid', 'reconciled')), 0)
FROM vouchers_claim claim JOIN vouchers_programme programme ON programme.id = claim.programme_id
GROUP BY 1 ORDER BY 1
"""
PROVIDERS = """
SELECT organization.name, settlement.gross_fen, settlement.commission_fen + settlement.vat_fen, settlement.net_fen
FROM billing_settlement settlement JOIN accounts_organization organization ON organization.id = settlement.provider_id
ORDER BY settlement.gross_fen DESC LIMIT 8
"""


def collect(*, scenario: str, seconds: dict[str, int], said: dict[str, int], checks: dict[str, bool]) -> dict[str, Any]:
    """Return the report; amounts are fen, durations seconds."""
    return {
        "scenario": scenario,
        **{name: _value(sql) for name, sql in COUNTS.items()},
        **{name: _value(sql) for name, sql in AMOUNTS_FEN.items()},
        "auctions": _auctions(),
        "claims": _named(CLAIMED, CLAIMS),
        "clawbacks": _named(TAKEN_BACK, CLAWBACKS),
        "unmatched": dict(rows(UNMATCHED)),
        "answers": said,
        "seconds": seconds,
        "checks": checks,
    }


def _auctions() -> dict[str, int]:
    """Return what the call auctions did together: worth in fen above the asks, the best possible, the gap in bp."""
    held, orders, matched, welfare_micro, bound_micro = (int(value) for value in rows(AUCTIONS)[0])
    return {
        "held": held,
        "orders": orders,
        "matched": matched,
        "welfare": welfare_micro // MICRO_PER_FEN,
        "bound": bound_micro // MICRO_PER_FEN,
        "gap_bp": (bound_micro - welfare_micro) * BP_WHOLE // max(bound_micro, 1),
    }


def _named(names: tuple[str, ...], sql: str) -> list[dict[str, Any]]:
    """Return rows of a code and whole numbers by their names."""
    return [dict(zip(names, (code, *map(int, numbers)), strict=True)) for code, *numbers in rows(sql)]


def write(report: dict[str, Any], path: Path) -> None:
    """Write the report as JSON that people can read."""
    path.write_text(json.dumps(report, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")


def rows(sql: str) -> list[tuple[Any, ...]]:
    """Return the rows of a query."""
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return list(cursor.fetchall())


def _value(sql: str) -> int:
    return int(rows(sql)[0][0])
