"""Hold a voucher's value in one round trip: write both rows first, move the shared counters last.

Everyone who holds from one grant waits for the same two rows, the entity's year and the ledger's balance. The inserts are
done before the first of them is touched, so that the wait is as short as one transaction's commit. When a counter refuses,
the block is undone and the name of the refusing constraint returned; the caller's transaction goes on.

The lock on the reference makes a second hold of the same reference wait before it holds anything that the first needs.
"""

from django.db import migrations

HOLD = """
CREATE FUNCTION voucher_hold(
    redemption_id uuid, of_grant uuid, from_account bigint, for_reference text, eligible bigint, amount bigint,
    why jsonb, at timestamptz,
    OUT refused text, OUT hold_id bigint
) LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(for_reference, 0));
    hold_id := nextval('ledger_hold_id_seq');
    INSERT INTO vouchers_redemption (
        id, created_at, status, grant_id, hold_id, reference, year, eligible_fen, amount_fen, explanation, held_at
    ) VALUES (
        redemption_id, clock_timestamp(), 'held', of_grant, hold_id, for_reference,
        extract(year FROM at AT TIME ZONE 'Asia/Shanghai'), eligible, amount, why, at
    );
    INSERT INTO ledger_hold (id, key, account_id, asked_fen, amount_fen, status)
    VALUES (hold_id, 'redemption/' || redemption_id, from_account, amount, amount, 'pending');
EXCEPTION WHEN integrity_constraint_violation THEN
    GET STACKED DIAGNOSTICS refused = CONSTRAINT_NAME;
    IF refused NOT IN (
        'redemption_reference_once', 'redemption_grant_usable', 'redemption_programme_open',
        'entity_year_within_cap', 'ledger_balance_floor'
    ) THEN
        RAISE;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0005_keep_redemptions"), ("ledger", "0005_close_transfers")]

    operations = [
        migrations.RunSQL(
            HOLD,
            "DROP FUNCTION voucher_hold(uuid, uuid, bigint, text, bigint, bigint, jsonb, timestamptz);",
        )
    ]
