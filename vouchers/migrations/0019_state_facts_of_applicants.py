"""Keep what an applicant states of itself, and compare contract numbers also where one may come twice."""

from django.conf import settings
from django.db import migrations, models


FIXED = """
CREATE OR REPLACE TRIGGER application_content_fixed BEFORE UPDATE ON vouchers_application
FOR EACH ROW WHEN (
    OLD.status NOT IN ('draft', 'supplement')
    AND (OLD.provider_id, OLD.district, OLD.purpose, OLD.contract_no, OLD.contract_key, OLD.contract_signed_on,
         OLD.lines, OLD.facts, OLD.asked_fen, OLD.submitted_by_id, OLD.submitted_at)
    IS DISTINCT FROM
    (NEW.provider_id, NEW.district, NEW.purpose, NEW.contract_no, NEW.contract_key, NEW.contract_signed_on,
     NEW.lines, NEW.facts, NEW.asked_fen, NEW.submitted_by_id, NEW.submitted_at)
)
EXECUTE FUNCTION voucher_refuse('what was handed in stays as it was');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_keep_ties"),
        ("ledger", "0006_reserve_row_by_row"),
        ("vouchers", "0018_keep_integrity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="application",
            name="application_contract_once",
        ),
        migrations.AddField(
            model_name="application",
            name="contract_once",
            field=models.BooleanField(default=False, editable=False),
        ),
        migrations.AddField(
            model_name="application",
            name="facts",
            field=models.JSONField(blank=True, default=dict, verbose_name="what the applicant states of itself"),
        ),
        migrations.AddConstraint(
            model_name="application",
            constraint=models.UniqueConstraint(
                condition=models.Q(
                    ("contract_once", True),
                    models.Q(("contract_key", ""), _negated=True),
                    models.Q(("status__in", ["draft", "rejected", "withdrawn", "lapsed"]), _negated=True),
                ),
                fields=("programme", "contract_key"),
                name="application_contract_once",
            ),
        ),
        migrations.RunSQL(FIXED, migrations.RunSQL.noop),
    ]
