"""Let what was not granted of a budget lapse once its year is over, and not before, where the programme says so."""

from django.db import migrations

KEEP = """
CREATE FUNCTION voucher_budget_lapses() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM vouchers_programme programme
        WHERE starts_with(NEW.key, 'programme/' || programme.id || '/')
            AND 'budget/' || programme.id IN (SELECT code FROM ledger_account WHERE id = ANY (NEW.account_ids))
            AND programme.parameters #>> '{money,carryover}' = 'LAPSE'
            AND NEW.effective_at >= make_timestamptz(
                (programme.parameters #>> '{money,fiscal_year}')::integer + 1, 1, 1, 0, 0, 0, 'Asia/Shanghai'
            )
    ) THEN
        RAISE EXCEPTION 'a budget lapses after its year, where its programme says so'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'budget_lapses_after_its_year',
                TABLE = 'ledger_transfer';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER voucher_budget_lapses BEFORE INSERT ON ledger_transfer
FOR EACH ROW WHEN (NEW.kind = 'voucher.forgo') EXECUTE FUNCTION voucher_budget_lapses();
"""

UNKEEP = """
DROP TRIGGER voucher_budget_lapses ON ledger_transfer;
DROP FUNCTION voucher_budget_lapses();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0044_file_prices"), ("ledger", "0007_judge_holds_where_they_reserve")]

    operations = [migrations.RunSQL(KEEP, UNKEEP)]
