"""Instalments are what is owed when they are agreed, exactly, and are not agreed while an appeal waits."""

from django.db import migrations

KEEP = """
CREATE FUNCTION voucher_plan_judge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owing record;
BEGIN
    FOR owing IN
        SELECT * FROM vouchers_clawback WHERE id IN (SELECT clawback_id FROM added) ORDER BY id FOR NO KEY UPDATE
    LOOP
        IF owing.status NOT IN ('demanded', 'referred') OR owing.suspended_at IS NOT NULL OR (
            SELECT sum(amount_fen) FROM vouchers_clawbackinstalment WHERE clawback_id = owing.id
        ) <> owing.principal_fen + owing.interest_fen - owing.recovered_fen - owing.offset_fen
            - owing.remitted_fen + owing.restored_fen
        THEN
            RAISE EXCEPTION 'a plan is exactly what is owed, and waits for an appeal'
                USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_plan_is_what_is_owed',
                    TABLE = 'vouchers_clawbackinstalment';
        END IF;
    END LOOP;
    RETURN NULL;
END $$;

CREATE TRIGGER clawback_plan_is_what_is_owed AFTER INSERT ON vouchers_clawbackinstalment
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION voucher_plan_judge();
"""

UNKEEP = """
DROP TRIGGER clawback_plan_is_what_is_owed ON vouchers_clawbackinstalment;
DROP FUNCTION voucher_plan_judge();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0039_begin_clocks_of_older_cases")]

    operations = [migrations.RunSQL(KEEP, UNKEEP)]
