"""Whether public money adds up: what constraints cannot see across tables, counted by SQL."""

from typing import NamedTuple

from django.db import connection

DISCREPANCIES = """
WITH used AS (
    SELECT programme_id, owner_id AS entity_id, year, sum(voucher_used_fen(redemption)) AS fen
    FROM vouchers_redemption redemption JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
    GROUP BY programme_id, owner_id, year
), captured AS (
    SELECT redemption_id, sum(amount_fen) AS fen FROM vouchers_capture GROUP BY redemption_id
), refunded AS (
    SELECT redemption_id, sum(amount_fen) AS fen FROM vouchers_refund GROUP BY redemption_id
), granted AS (
    SELECT posting.account_id, sum(posting.amount_fen) AS fen
    FROM ledger_posting posting JOIN ledger_transfer transfer ON transfer.id = posting.transfer_id
    WHERE transfer.kind = 'voucher.grant' GROUP BY posting.account_id
)
SELECT 'an entity year is the sum of its redemptions', count(*)
FROM vouchers_entityyear counter FULL JOIN used USING (programme_id, entity_id, year)
WHERE coalesce(counter.used_fen, 0) <> coalesce(used.fen, 0)
UNION ALL
SELECT 'a redemption and its hold reserve and capture the same', count(*)
FROM vouchers_redemption redemption
JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
LEFT JOIN ledger_hold hold ON hold.id = redemption.hold_id
WHERE (redemption.amount_fen, redemption.captured_fen, redemption.status = 'held', vouchers_grant.account_id)
    IS DISTINCT FROM (hold.asked_fen, hold.captured_fen, hold.status = 'pending', hold.account_id)
UNION ALL
SELECT 'a redemption is the sum of its captures and refunds', count(*)
FROM vouchers_redemption redemption
LEFT JOIN captured ON captured.redemption_id = redemption.id
LEFT JOIN refunded ON refunded.redemption_id = redemption.id
WHERE (redemption.captured_fen, redemption.refunded_fen) <> (coalesce(captured.fen, 0), coalesce(refunded.fen, 0))
UNION ALL
SELECT 'a grant was given its face value, and has nothing available once it is over', count(*)
FROM vouchers_grant
JOIN ledger_balance balance USING (account_id)
LEFT JOIN granted USING (account_id)
WHERE vouchers_grant.face_fen IS DISTINCT FROM granted.fen
   OR vouchers_grant.status NOT IN ('active', 'frozen') AND balance.posted_fen <> balance.held_fen
UNION ALL
SELECT 'no redemption pays more than its ratio', count(*)
FROM vouchers_redemption redemption
JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
JOIN vouchers_programmeversion version ON version.programme_id = vouchers_grant.programme_id
    AND version.number = vouchers_grant.version AND version.status = 'published'
WHERE redemption.amount_fen > redemption.eligible_fen * version.ratio_bp / 10000
UNION ALL
SELECT 'a published programme is what its present version says', count(*)
FROM vouchers_programme programme
LEFT JOIN vouchers_programmeversion version ON version.programme_id = programme.id
    AND version.number = programme.version AND version.status = 'published'
WHERE programme.published_at IS NOT NULL AND version.parameters IS DISTINCT FROM programme.parameters
UNION ALL
SELECT 'a budget reserves what applications are proposed for', count(*)
FROM (
    SELECT 'budget/' || programme_id AS code, sum(reserved_fen) AS fen FROM vouchers_application
    WHERE status <> 'granted' GROUP BY programme_id
) proposed
JOIN ledger_account account USING (code) JOIN ledger_balance balance ON balance.account_id = account.id
WHERE balance.held_fen <> proposed.fen
UNION ALL
SELECT 'a grant counts in a pool, or its application does', count(*)
FROM vouchers_grant granted
WHERE pool IS NULL AND approved_at IS NOT NULL
    AND NOT EXISTS (SELECT FROM vouchers_application WHERE grant_id = granted.id)
UNION ALL
SELECT 'a round has committed what it awards', count(*)
FROM vouchers_round round
WHERE round.committed_fen <> (
    SELECT coalesce(sum(reserved_fen), 0) FROM vouchers_application WHERE round_id = round.id
)
UNION ALL
SELECT 'a demand is less by what was repaid, what payments have set off, and what an appeal remits', count(*)
FROM vouchers_clawback clawback CROSS JOIN LATERAL (
    SELECT coalesce(sum(amount_fen) FILTER (WHERE kind = 'repayment'), 0) AS repaid,
        coalesce(sum(amount_fen) FILTER (WHERE kind = 'offset'), 0) AS offset_fen,
        coalesce((SELECT sum(amount_fen) FROM vouchers_clawbackrestitution WHERE clawback_id = clawback.id), 0) given
    FROM vouchers_clawbackrecovery WHERE clawback_id = clawback.id
) came
LEFT JOIN vouchers_clawbackappeal appeal ON appeal.clawback_id = clawback.id
LEFT JOIN (ledger_account account JOIN ledger_balance due ON due.account_id = account.id)
    ON account.code = 'restitution/' || clawback.id
WHERE (clawback.recovered_fen, clawback.offset_fen) <> (came.repaid, came.offset_fen)
    OR clawback.remitted_fen <> coalesce(appeal.remitted_principal_fen + appeal.remitted_interest_fen, 0)
    OR clawback.restored_fen <> coalesce(due.posted_fen, 0) + came.given
UNION ALL
SELECT 'what payments have set off is on the accounts of their programmes', count(*)
FROM (
    SELECT claim.programme_id, sum(payment.offset_fen) AS fen
    FROM vouchers_payment payment JOIN vouchers_claim claim ON claim.id = payment.claim_id
    WHERE payment.status = 'paid' GROUP BY claim.programme_id HAVING sum(payment.offset_fen) > 0
) withheld
WHERE withheld.fen IS DISTINCT FROM (
    SELECT sum(posting.amount_fen) FROM ledger_posting posting JOIN ledger_account account
        ON account.id = posting.account_id WHERE account.code = 'set-off/' || withheld.programme_id
)
UNION ALL
SELECT 'every movement of value is in the log once, or waits to be', abs(
    (SELECT count(*) FROM ledger_transfer WHERE starts_with(kind, 'voucher.'))
    + (SELECT count(*) + count(*) FILTER (WHERE status <> 'pending') FROM ledger_hold
       WHERE starts_with(key, 'redemption/'))
    + (SELECT count(*) FROM vouchers_claimevent WHERE kind IN ('claim', 'drop'))
    + (SELECT count(*) FROM vouchers_extension WHERE status = 'approved') + (SELECT count(*) FROM vouchers_firstuse)
    - (SELECT count(*) FROM vouchers_movement WHERE kind NOT IN ('shrink', 'version'))
    - (SELECT count(DISTINCT movement_id) FROM vouchers_logentry WHERE kind NOT IN ('shrink', 'version')))
"""


class Discrepancy(NamedTuple):
    """A rule of public money that some rows break."""

    rule: str
    rows: int


def discrepancies() -> list[Discrepancy]:
    """Return every rule of public money that the tables break, counted by SQL; an empty list is the answer."""
    with connection.cursor() as cursor:
        cursor.execute(DISCREPANCIES)
        return [Discrepancy(rule, rows) for rule, rows in cursor.fetchall() if rows]
