"""Make a hold cheaper: reserve in a trigger on its row, and list only those that can expire.

Holds come one by one. A trigger on the statement collects a set, asks it three questions and sorts it, for one row.
"""

from django.db import migrations, models
from django.db.models import Q

BY_ROW = """
DROP TRIGGER ledger_hold_reserve ON ledger_hold;
DROP FUNCTION ledger_hold_reserve();

CREATE FUNCTION ledger_hold_reserve() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_balance SET held_fen = held_fen + NEW.amount_fen WHERE account_id = NEW.account_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only an account with a floor can be held'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_hold_account_bounded';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER ledger_hold_reserve AFTER INSERT ON ledger_hold
FOR EACH ROW EXECUTE FUNCTION ledger_hold_reserve();
"""

BY_STATEMENT = """
DROP TRIGGER ledger_hold_reserve ON ledger_hold;
DROP FUNCTION ledger_hold_reserve();

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

DUE = models.Index(
    condition=Q(status="pending", expires_at__isnull=False),
    fields=["expires_at"],
    name="ledger_hold_due",
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0005_close_transfers")]

    operations = [
        migrations.RunSQL(BY_ROW, BY_STATEMENT),
        migrations.RemoveIndex(model_name="hold", name="ledger_hold_due"),
        migrations.AddIndex(model_name="hold", index=DUE),
    ]
