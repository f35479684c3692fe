"""Let a hold only shrink and close once, and keep what it reserves of its account.

Balances are always locked in the order of their accounts, so that two statements cannot deadlock. The planner settings
keep the cached plans of the triggers on index look-ups: a plan made for a bulk would scan whole tables for one row.
"""

from django.db import migrations

GUARD = """
CREATE TRIGGER ledger_hold_starts_whole BEFORE INSERT ON ledger_hold
FOR EACH ROW WHEN (NEW.status <> 'pending' OR NEW.captured_fen <> 0 OR NEW.amount_fen <> NEW.asked_fen)
EXECUTE FUNCTION ledger_refuse('a hold starts pending, whole and with nothing captured');

CREATE TRIGGER ledger_hold_closed BEFORE UPDATE ON ledger_hold
FOR EACH ROW WHEN (OLD.status <> 'pending')
EXECUTE FUNCTION ledger_refuse('the hold is closed');

CREATE TRIGGER ledger_hold_identity BEFORE UPDATE ON ledger_hold
FOR EACH ROW WHEN (
    (OLD.id, OLD.key, OLD.account_id, OLD.asked_fen, OLD.expires_at, OLD.created_at)
    IS DISTINCT FROM (NEW.id, NEW.key, NEW.account_id, NEW.asked_fen, NEW.expires_at, NEW.created_at)
)
EXECUTE FUNCTION ledger_refuse('a hold stays what it was asked to be');

CREATE TRIGGER ledger_hold_only_shrinks BEFORE UPDATE ON ledger_hold
FOR EACH ROW WHEN (NEW.amount_fen > OLD.amount_fen)
EXECUTE FUNCTION ledger_refuse('a hold may only shrink');

CREATE TRIGGER ledger_hold_captured_by_postings BEFORE UPDATE ON ledger_hold
FOR EACH ROW WHEN (NEW.captured_fen < OLD.captured_fen OR NEW.captured_fen <> OLD.captured_fen AND pg_trigger_depth() = 0)
EXECUTE FUNCTION ledger_refuse('only postings capture');
"""

UNGUARD = """
DROP TRIGGER ledger_hold_captured_by_postings ON ledger_hold;
DROP TRIGGER ledger_hold_only_shrinks ON ledger_hold;
DROP TRIGGER ledger_hold_identity ON ledger_hold;
DROP TRIGGER ledger_hold_closed ON ledger_hold;
DROP TRIGGER ledger_hold_starts_whole ON ledger_hold;
"""

RESERVE = """
CREATE FUNCTION ledger_hold_reserve() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (SELECT FROM held WHERE NOT EXISTS (SELECT FROM ledger_balance WHERE account_id = held.account_id)) THEN
        RAISE EXCEPTION 'only an account with a floor can be held'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_hold_account_bounded';
    END IF;
    PERFORM FROM ledger_balance WHERE account_id IN (SELECT account_id FROM held)
    ORDER BY account_id FOR NO KEY UPDATE;
    UPDATE ledger_balance SET held_fen = held_fen + reserved.fen
    FROM (SELECT account_id, sum(amount_fen) AS fen FROM held GROUP BY account_id) reserved
    WHERE ledger_balance.account_id = reserved.account_id;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_hold_reserve AFTER INSERT ON ledger_hold REFERENCING NEW TABLE AS held
FOR EACH STATEMENT EXECUTE FUNCTION ledger_hold_reserve();
"""

RELEASE = """
CREATE FUNCTION ledger_hold_release() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    PERFORM FROM ledger_balance WHERE account_id IN (SELECT account_id FROM was)
    ORDER BY account_id FOR NO KEY UPDATE;
    UPDATE ledger_balance SET held_fen = held_fen - freed.fen
    FROM (
        SELECT account_id, sum(fen) AS fen FROM (
            SELECT account_id, amount_fen - captured_fen AS fen FROM was
            UNION ALL
            SELECT account_id, captured_fen - amount_fen FROM became WHERE status = 'pending'
        ) remainder GROUP BY account_id
    ) freed
    WHERE ledger_balance.account_id = freed.account_id;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_hold_release AFTER UPDATE ON ledger_hold REFERENCING OLD TABLE AS was NEW TABLE AS became
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION ledger_hold_release();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0003_keep_balances")]

    operations = [
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(
            RESERVE,
            "DROP TRIGGER ledger_hold_reserve ON ledger_hold; DROP FUNCTION ledger_hold_reserve();",
        ),
        migrations.RunSQL(
            RELEASE,
            "DROP TRIGGER ledger_hold_release ON ledger_hold; DROP FUNCTION ledger_hold_release();",
        ),
    ]
