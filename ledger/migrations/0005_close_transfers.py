"""Close every transfer with the statement that writes it: its postings add up, capture what they say, and stay.

A transfer and its postings come in one statement (a data-modifying CTE), so both triggers see the whole of it at its
end. Both foreign keys of a posting are checked here: rows they point at are never deleted, and a look-up by statement
costs a tenth of a look-up by row and takes no lock on accounts that everyone posts to.
"""

from django.db import migrations

APPLY = """
CREATE FUNCTION ledger_posting_apply() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    broken bigint;
    captures bigint;
    taken bigint;
BEGIN
    SELECT count(*) FILTER (WHERE transfer.amount_fen IS DISTINCT FROM whole.gross OR whole.net <> 0),
           count(transfer.hold_id)
    INTO broken, captures
    FROM (SELECT DISTINCT transfer_id FROM added) touched
    LEFT JOIN ledger_transfer transfer ON transfer.id = touched.transfer_id
    CROSS JOIN LATERAL (
        SELECT sum(amount_fen) AS net, sum(amount_fen) FILTER (WHERE amount_fen > 0) AS gross
        FROM ledger_posting WHERE transfer_id = touched.transfer_id
    ) whole;
    IF broken > 0 THEN
        RAISE EXCEPTION 'the postings of a transfer add up to nothing, and those above zero to its amount'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_posting_balanced';
    END IF;
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT account_id FROM added) touched
        WHERE NOT EXISTS (SELECT FROM ledger_account WHERE id = touched.account_id)
    ) THEN
        RAISE EXCEPTION 'a posting names an account that does not exist'
            USING ERRCODE = 'foreign_key_violation', CONSTRAINT = 'ledger_posting_account_known';
    END IF;
    IF captures > 0 THEN
        PERFORM FROM ledger_hold
        WHERE id IN (SELECT hold_id FROM added JOIN ledger_transfer ON ledger_transfer.id = added.transfer_id)
        ORDER BY id FOR NO KEY UPDATE;
        WITH debit AS (
            SELECT hold.id, count(*) AS captures, -sum(added.amount_fen) AS fen
            FROM added
            JOIN ledger_transfer transfer ON transfer.id = added.transfer_id
            JOIN ledger_hold hold ON hold.id = transfer.hold_id AND hold.account_id = added.account_id
            WHERE added.amount_fen < 0
            GROUP BY hold.id
        ), captured AS (
            UPDATE ledger_hold SET captured_fen = captured_fen + debit.fen
            FROM debit WHERE ledger_hold.id = debit.id RETURNING debit.captures
        )
        SELECT sum(captured.captures) INTO taken FROM captured;
        IF taken IS DISTINCT FROM captures THEN
            RAISE EXCEPTION 'a capture debits the account of its hold'
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transfer_capture_debits';
        END IF;
    END IF;
    PERFORM FROM ledger_balance WHERE account_id IN (SELECT account_id FROM added)
    ORDER BY account_id FOR NO KEY UPDATE;
    UPDATE ledger_balance SET posted_fen = posted_fen + moved.fen, held_fen = held_fen + moved.held
    FROM (
        SELECT added.account_id, sum(added.amount_fen) AS fen,
               coalesce(sum(added.amount_fen) FILTER (WHERE captures > 0 AND added.account_id = (
                   SELECT hold.account_id FROM ledger_transfer transfer
                   JOIN ledger_hold hold ON hold.id = transfer.hold_id WHERE transfer.id = added.transfer_id
               )), 0) AS held
        FROM added GROUP BY added.account_id
    ) moved
    WHERE ledger_balance.account_id = moved.account_id;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_posting_apply AFTER INSERT ON ledger_posting REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION ledger_posting_apply();
"""

CLOSE = """
CREATE FUNCTION ledger_transfer_close() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM opened WHERE NOT EXISTS (SELECT FROM ledger_posting WHERE transfer_id = opened.id)
    ) THEN
        RAISE EXCEPTION 'a transfer comes with its postings, in one statement'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transfer_has_postings';
    END IF;
    IF EXISTS (
        SELECT FROM opened LEFT JOIN ledger_transfer original ON original.id = opened.reverses_id
        WHERE opened.reverses_id IS NOT NULL AND (
            original.amount_fen IS DISTINCT FROM opened.amount_fen
            OR original.reverses_id IS NOT NULL
            OR EXISTS (
                SELECT account_id, -amount_fen FROM ledger_posting WHERE transfer_id = original.id
                EXCEPT
                SELECT account_id, amount_fen FROM ledger_posting WHERE transfer_id = opened.id
            )
        )
    ) THEN
        RAISE EXCEPTION 'a reversal is the exact negative of a transfer that is no reversal itself'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_transfer_reversal_exact';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_transfer_close AFTER INSERT ON ledger_transfer REFERENCING NEW TABLE AS opened
FOR EACH STATEMENT EXECUTE FUNCTION ledger_transfer_close();
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0004_keep_holds")]

    operations = [
        migrations.RunSQL(
            APPLY,
            "DROP TRIGGER ledger_posting_apply ON ledger_posting; DROP FUNCTION ledger_posting_apply();",
        ),
        migrations.RunSQL(
            CLOSE,
            "DROP TRIGGER ledger_transfer_close ON ledger_transfer; DROP FUNCTION ledger_transfer_close();",
        ),
    ]
