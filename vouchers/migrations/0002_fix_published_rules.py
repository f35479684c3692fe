"""Fix the rules of a programme once it is published: from then on only its status moves."""

from django.db import migrations

from core.triggers import never_deleted

# One refusal for every trigger of vouchers: the name of the trigger is the name of the constraint.
REFUSE = """
CREATE FUNCTION voucher_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;
"""

FIX = """
CREATE TRIGGER programme_rules_fixed BEFORE UPDATE ON vouchers_programme
FOR EACH ROW WHEN (OLD.status <> 'draft' AND to_jsonb(OLD) - 'status' IS DISTINCT FROM to_jsonb(NEW) - 'status')
EXECUTE FUNCTION voucher_refuse('the rules of a published programme are fixed');

CREATE TRIGGER programme_moves_forward BEFORE UPDATE ON vouchers_programme
FOR EACH ROW WHEN (OLD.status = 'closed' OR OLD.status <> 'draft' AND NEW.status = 'draft')
EXECUTE FUNCTION voucher_refuse('a closed programme stays closed, a published one is no draft again');
"""

UNFIX = """
DROP TRIGGER programme_moves_forward ON vouchers_programme;
DROP TRIGGER programme_rules_fixed ON vouchers_programme;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0001_schema")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION voucher_refuse();"),
        migrations.RunSQL(FIX, UNFIX),
        never_deleted("vouchers_programme"),
    ]
