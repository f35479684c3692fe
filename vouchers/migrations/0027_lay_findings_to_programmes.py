"""Let a finding that belongs to no programme be laid to one, once."""

from django.db import migrations

GUARD = """
DROP TRIGGER finding_identity ON vouchers_finding;
CREATE TRIGGER finding_identity BEFORE UPDATE ON vouchers_finding
FOR EACH ROW WHEN (
    (OLD.id, OLD.created_at, OLD.rule, OLD.severity, OLD.dedupe_key, OLD.subject_id, OLD.counterparty_id,{of_old}
     OLD.grant_id, OLD.redemption_id, OLD.amount_fen, OLD.evidence, OLD.found_at, OLD.found_by_id)
    IS DISTINCT FROM
    (NEW.id, NEW.created_at, NEW.rule, NEW.severity, NEW.dedupe_key, NEW.subject_id, NEW.counterparty_id,{of_new}
     NEW.grant_id, NEW.redemption_id, NEW.amount_fen, NEW.evidence, NEW.found_at, NEW.found_by_id)
    OR OLD.status NOT IN ('open', 'assigned'){once}
)
EXECUTE FUNCTION voucher_refuse('what was found stays as it was found');
"""
ONCE = """
    OR (OLD.programme_id IS NOT NULL OR OLD.grant_id IS NOT NULL) AND OLD.programme_id IS DISTINCT FROM NEW.programme_id"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0026_keep_simulations")]

    operations = [
        migrations.RunSQL(
            GUARD.format(of_old="", of_new="", once=ONCE),
            GUARD.format(of_old=" OLD.programme_id,", of_new=" NEW.programme_id,", once=""),
        )
    ]
