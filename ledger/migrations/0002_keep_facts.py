"""Refuse to change or delete accounts, transfers and postings, and to delete holds."""

from django.db import migrations

from core.triggers import append_only, never_deleted

REFUSE = """
CREATE FUNCTION ledger_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0001_initial")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION ledger_refuse();"),
        append_only("ledger_account"),
        append_only("ledger_transfer"),
        append_only("ledger_posting"),
        never_deleted("ledger_hold"),
    ]
