"""Check every new transfer, lay its legs out as postings, and move holds and balances with them.

A transfer carries its legs and is never changed, so it is closed from the start. Both foreign keys of a posting hold by
construction: the triggers look accounts and holds up by statement, which costs a tenth of a look-up by row and takes no
lock on accounts that everyone posts to, and rows they point at are never deleted.
"""

from django.db import migrations

CHECK = """
CREATE FUNCTION ledger_transfer_check() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    balanced bigint;
BEGIN
    SELECT count(*) INTO balanced FROM (
        SELECT FROM (SELECT id, amount_fen, unnest(amounts_fen) AS fen FROM opened) leg
        GROUP BY id, amount_fen HAVING sum(fen) = 0 AND sum(fen) FILTER (WHERE fen > 0) = amount_fen
    ) sound;
    IF balanced <> (SELECT count(*) FROM opened) THEN
        RAISE EXCEPTION 'the legs of a transfer add up to nothing, and those above zero to its amount'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transfer_balanced';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT unnest(account_ids) AS account_id FROM opened) touched
        WHERE NOT EXISTS (SELECT FROM ledger_account WHERE id = touched.account_id)
    ) THEN
        RAISE EXCEPTION 'a leg names an account that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_transfer_accounts_known';
    END IF;
    IF EXISTS (
        SELECT FROM opened LEFT JOIN ledger_transfer original ON original.id = opened.reverses_id
        WHERE opened.reverses_id IS NOT NULL AND (
            original.reverses_id IS NOT NULL
            OR original.account_ids IS DISTINCT FROM opened.account_ids
            OR original.amounts_fen IS DISTINCT FROM (
                SELECT array_agg(-fen ORDER BY position)
                FROM unnest(opened.amounts_fen) WITH ORDINALITY AS leg (fen, position)
            )
        )
    ) THEN
        RAISE EXCEPTION 'a reversal is the exact negative of a transfer that is no reversal itself'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transfer_reversal_exact';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_transfer_check AFTER INSERT ON ledger_transfer REFERENCING NEW TABLE AS opened
FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_check();
"""

POST = """
CREATE FUNCTION ledger_transfer_post() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    INSERT INTO ledger_posting (account_id, transfer_id, amount_fen)
    SELECT unnest(account_ids), id, unnest(amounts_fen) FROM opened;
    PERFORM FROM ledger_balance WHERE account_id IN (SELECT unnest(account_ids) FROM opened)
    ORDER BY account_id FOR NO KEY UPDATE;
    UPDATE ledger_balance SET posted_fen = posted_fen + moved.fen, held_fen = held_fen + moved.captured
    FROM (
        SELECT leg.account_id, sum(leg.fen) AS fen,
               coalesce(sum(leg.fen) FILTER (WHERE hold.account_id = leg.account_id), 0) AS captured
        FROM (SELECT hold_id, unnest(account_ids) AS account_id, unnest(amounts_fen) AS fen FROM opened) leg
        LEFT JOIN ledger_hold hold ON hold.id = leg.hold_id
        GROUP BY leg.account_id
    ) moved
    WHERE ledger_balance.account_id = moved.account_id;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_transfer_post AFTER INSERT ON ledger_transfer REFERENCING NEW TABLE AS opened
FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_post();

CREATE TRIGGER ledger_posting_laid_out_by_transfers BEFORE INSERT ON ledger_posting
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION ledger_refuse('postings come with their transfer');
"""

CAPTURE = """
CREATE FUNCTION ledger_transfer_capture() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    debits bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM opened WHERE hold_id IS NOT NULL) THEN
        RETURN NULL;
    END IF;
    PERFORM FROM ledger_hold WHERE id IN (SELECT hold_id FROM opened) ORDER BY id FOR NO KEY UPDATE;
    WITH debit AS (
        SELECT hold.id, count(*) AS parts, -sum(leg.fen) AS fen
        FROM (SELECT hold_id, unnest(account_ids) AS account_id, unnest(amounts_fen) AS fen FROM opened) leg
        JOIN ledger_hold hold ON hold.id = leg.hold_id AND hold.account_id = leg.account_id
        WHERE leg.fen < 0 GROUP BY hold.id
    ), captured AS (
        UPDATE ledger_hold SET captured_fen = captured_fen + debit.fen
        FROM debit WHERE ledger_hold.id = debit.id RETURNING debit.parts
    )
    SELECT sum(parts) INTO debits FROM captured;
    IF debits IS DISTINCT FROM (SELECT count(hold_id) FROM opened) THEN
        RAISE EXCEPTION 'a capture debits the account of its hold'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transfer_capture_debits';
    END IF;
    RETURN NULL;
END $$;

-- Before ledger_transfer_post in the alphabet, so that holds are locked before balances, as everywhere.
CREATE TRIGGER ledger_transfer_capture AFTER INSERT ON ledger_transfer REFERENCING NEW TABLE AS opened
FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_capture();
"""

UNPOST = """
DROP TRIGGER ledger_posting_laid_out_by_transfers ON ledger_posting;
DROP TRIGGER ledger_transfer_post ON ledger_transfer;
DROP FUNCTION ledger_transfer_post();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_keep_holds")]

    operations = [
        migrations.RunSQL(
            CHECK, "DROP TRIGGER ledger_transfer_check ON ledger_transfer; DROP FUNCTION ledger_transfer_check();"
        ),
        migrations.RunSQL(
            CAPTURE, "DROP TRIGGER ledger_transfer_capture ON ledger_transfer; DROP FUNCTION ledger_transfer_capture();"
        ),
        migrations.RunSQL(POST, UNPOST),
    ]
