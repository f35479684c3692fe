"""Look at the gate of a hold with one plan and no function call where nothing ties the parties: most holds pass it so."""

from importlib import import_module

from django.db import migrations

GATE = """
CREATE OR REPLACE FUNCTION voucher_redemption_gate() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    barred text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1125, uuid_hash(NEW.grant_id));
    SELECT CASE
        WHEN granted.status <> 'active' THEN 'the grant is not active'
        WHEN EXISTS (
            SELECT FROM vouchers_blacklisting
            WHERE (organization_id = granted.owner_id OR NEW.explanation -> 'providers' ? organization_id::text)
                AND starts_at <= NEW.held_at AND ends_at > NEW.held_at AND lifted_at IS NULL
        ) THEN 'a party is barred from vouchers'
        WHEN EXISTS (
            SELECT FROM accounts_tie tie
            WHERE (tie.first_id = granted.owner_id AND NEW.explanation -> 'providers' ? tie.second_id::text
                   OR tie.second_id = granted.owner_id AND NEW.explanation -> 'providers' ? tie.first_id::text)
                AND voucher_denies(
                    granted.programme_id, tie.first_id, tie.second_id,
                    (NEW.held_at AT TIME ZONE 'Asia/Shanghai')::date
                )
        ) THEN 'the parties are related'
        END INTO barred
    FROM vouchers_grant granted WHERE granted.id = NEW.grant_id;
    IF barred IS NOT NULL THEN
        RAISE EXCEPTION '%', barred
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'redemption_grant_usable',
                TABLE = 'vouchers_redemption';
    END IF;
    RETURN NEW;
END $$;
"""

BEFORE = import_module("vouchers.migrations.0018_keep_integrity").GATE
BEFORE = (
    "CREATE OR REPLACE FUNCTION voucher_redemption_gate()"
    + BEFORE.partition("CREATE FUNCTION voucher_redemption_gate()")[2].partition("CREATE TRIGGER")[0]
)


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0021_issue_in_bulk_and_anew")]

    operations = [migrations.RunSQL(GATE, BEFORE)]
