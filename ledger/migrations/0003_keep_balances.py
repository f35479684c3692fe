"""Give every bounded account its balance row, and let nothing but triggers write balances.

``pg_trigger_depth()`` is 0 for a statement that a client sent and above 0 for one that a trigger runs.
"""

from django.db import migrations

OPEN = """
CREATE FUNCTION ledger_account_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_balance (account_id, posted_fen, held_fen, floor_fen)
    SELECT id, 0, 0, floor_fen FROM opened WHERE floor_fen IS NOT NULL;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_account_open AFTER INSERT ON ledger_account REFERENCING NEW TABLE AS opened
FOR EACH STATEMENT EXECUTE FUNCTION ledger_account_open();
"""

GUARD = """
CREATE TRIGGER ledger_balance_kept_by_triggers BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON ledger_balance
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION ledger_refuse('only postings and holds move a balance');
"""


class Migration(migrations.Migration):
    dependencies = [("ledger", "0002_keep_facts")]

    operations = [
        migrations.RunSQL(
            OPEN,
            "DROP TRIGGER ledger_account_open ON ledger_account; DROP FUNCTION ledger_account_open();",
        ),
        migrations.RunSQL(GUARD, "DROP TRIGGER ledger_balance_kept_by_triggers ON ledger_balance;"),
    ]
