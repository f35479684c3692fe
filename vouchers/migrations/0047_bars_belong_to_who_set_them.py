"""A bar knows the authority that set it: that of its clawback, or that for which whoever barred acted."""

import django.db.models.deletion
from django.db import migrations, models

OWNERS = """
ALTER TABLE vouchers_blacklisting DISABLE TRIGGER blacklisting_lifted_once;
UPDATE vouchers_blacklisting AS bar SET authority_id = programme.authority_id
FROM vouchers_clawback AS clawback
JOIN vouchers_grant AS granted ON granted.id = clawback.grant_id
JOIN vouchers_programme AS programme ON programme.id = granted.programme_id
WHERE clawback.blacklisting_id = bar.id;
UPDATE vouchers_blacklisting AS bar SET authority_id = entry.organization_id
FROM accounts_auditentry AS entry
WHERE bar.authority_id IS NULL AND entry.organization_id IS NOT NULL AND entry.verb = 'organization.barred'
    AND entry.object_id = bar.organization_id::text AND entry.at = bar.starts_at;
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE vouchers_blacklisting ENABLE TRIGGER blacklisting_lifted_once;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0046_find_the_keys_of_the_log"), ("accounts", "0010_seal_second_factors")]

    operations = [
        migrations.AddField(
            model_name="blacklisting",
            name="authority",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="accounts.organization",
                verbose_name="authority",
            ),
        ),
        migrations.RunSQL(OWNERS, migrations.RunSQL.noop),
    ]
