"""Judge a new hold in the trigger that reserves it, and a changed one in a trigger that most changes do not enter.

PostgreSQL reads, plans and prepares every CHECK and every WHEN anew in each statement; a function keeps its plans. On a
hold the four checks and one condition took as long as the balance that it moves. What a hold starts as implies the most.
"""

from django.db import migrations

JUDGE = """
CREATE OR REPLACE FUNCTION ledger_hold_reserve() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    broken CONSTANT text := CASE
        WHEN NEW.status <> 'pending' OR NEW.captured_fen <> 0 OR NEW.amount_fen <> NEW.asked_fen
            THEN 'ledger_hold_starts_whole'
        WHEN NEW.amount_fen <= 0 THEN 'ledger_hold_amount_positive'
        WHEN NEW.key = '' THEN 'ledger_hold_key_given' END;
BEGIN
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'a new hold breaks %', broken
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = broken, TABLE = 'ledger_hold';
    END IF;
    UPDATE ledger_balance SET held_fen = held_fen + NEW.amount_fen WHERE account_id = NEW.account_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only an account with a floor can be held'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_hold_account_bounded';
    END IF;
    RETURN NULL;
END $$;

DROP TRIGGER ledger_hold_starts_whole ON ledger_hold;

CREATE FUNCTION ledger_hold_judge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    broken CONSTANT text := CASE
        WHEN NEW.amount_fen <= 0 THEN 'ledger_hold_amount_positive'
        WHEN NEW.status NOT IN ('pending', 'posted', 'voided', 'expired') THEN 'ledger_hold_status_known'
        ELSE 'ledger_hold_captured_within' END;
BEGIN
    RAISE EXCEPTION 'a changed hold breaks %', broken
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = broken, TABLE = 'ledger_hold';
END $$;

-- By its name the last of those that refuse a change: a closed hold is called closed, whatever else is wrong.
CREATE TRIGGER ledger_hold_within BEFORE UPDATE ON ledger_hold
FOR EACH ROW WHEN (
    NEW.amount_fen <= 0 OR NEW.captured_fen < 0 OR NEW.captured_fen > NEW.amount_fen
    OR NEW.status NOT IN ('pending', 'posted', 'voided', 'expired')
)
EXECUTE FUNCTION ledger_hold_judge();
"""

UNJUDGE = """
DROP TRIGGER ledger_hold_within ON ledger_hold;
DROP FUNCTION ledger_hold_judge();

CREATE TRIGGER ledger_hold_starts_whole BEFORE INSERT ON ledger_hold
FOR EACH ROW WHEN (NEW.status <> 'pending' OR NEW.captured_fen <> 0 OR NEW.amount_fen <> NEW.asked_fen)
EXECUTE FUNCTION ledger_refuse('a hold starts pending, whole and with nothing captured');

CREATE OR REPLACE FUNCTION ledger_hold_reserve() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE ledger_balance SET held_fen = held_fen + NEW.amount_fen WHERE account_id = NEW.account_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'only an account with a floor can be held'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_hold_account_bounded';
    END IF;
    RETURN NULL;
END $$;
"""


CHECKS = (
    "ledger_hold_key_given",
    "ledger_hold_status_known",
    "ledger_hold_amount_positive",
    "ledger_hold_captured_within",
)


class Migration(migrations.Migration):
    dependencies = [("ledger", "0006_reserve_row_by_row")]

    operations = [
        migrations.RunSQL(JUDGE, UNJUDGE),
        *(migrations.RemoveConstraint(model_name="hold", name=name) for name in CHECKS),
    ]
