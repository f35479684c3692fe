"""Hold a voucher's value in one round trip: write both rows first, move the shared counters last.

Everyone who holds from one grant waits for the same two rows, the entity's year and the ledger's balance. One statement
inserts the redemption and the hold; the triggers that move the counters run at its end, year first, so that the wait is
little longer than a commit. The lock on the reference makes a second hold of the same reference wait before it has taken
anything that the first needs.

``voucher_hold`` stands alone: when a counter refuses, it fails and its transaction with it. ``voucher_try_hold`` is for
callers with a transaction of their own: it undoes itself and answers with the name of the constraint that refused. It
costs a subtransaction, whose end wakes the next in the queue once too early.
"""

from django.db import migrations

HOLD = """
CREATE FUNCTION voucher_hold(
    redemption_id uuid, of_grant uuid, from_account bigint, for_reference text, in_year smallint, eligible bigint,
    amount bigint, why jsonb, at timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    new_hold bigint := nextval('ledger_hold_id_seq');
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended(for_reference, 0));
    WITH redemption AS (
        INSERT INTO vouchers_redemption (
            id, created_at, status, grant_id, hold_id, reference, year, eligible_fen, amount_fen, explanation, held_at
        ) VALUES (
            redemption_id, at, 'held', of_grant, new_hold, for_reference, in_year, eligible, amount, why, at
        )
        RETURNING hold_id
    )
    INSERT INTO ledger_hold (id, key, account_id, asked_fen, amount_fen, status)
    SELECT hold_id, 'redemption/' || redemption_id, from_account, amount, amount, 'pending' FROM redemption;
    RETURN new_hold;
END $$;
"""

TRY = """
CREATE FUNCTION voucher_try_hold(
    redemption_id uuid, of_grant uuid, from_account bigint, for_reference text, in_year smallint, eligible bigint,
    amount bigint, why jsonb, at timestamptz
) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    refusing text;
BEGIN
    RETURN voucher_hold(
        redemption_id, of_grant, from_account, for_reference, in_year, eligible, amount, why, at
    );
EXCEPTION WHEN integrity_constraint_violation THEN
    GET STACKED DIAGNOSTICS refusing = CONSTRAINT_NAME;
    IF refusing NOT IN (
        'redemption_reference_once', 'redemption_grant_usable', 'redemption_programme_open',
        'entity_year_within_cap', 'ledger_balance_floor'
    ) THEN
        RAISE;
    END IF;
    RETURN refusing;
END $$;
"""

ARGUMENTS = "(uuid, uuid, bigint, text, smallint, bigint, bigint, jsonb, timestamptz)"


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0005_keep_redemptions"), ("ledger", "0005_close_transfers")]

    operations = [
        migrations.RunSQL(HOLD, f"DROP FUNCTION voucher_hold{ARGUMENTS};"),
        migrations.RunSQL(TRY, f"DROP FUNCTION voucher_try_hold{ARGUMENTS};"),
    ]
