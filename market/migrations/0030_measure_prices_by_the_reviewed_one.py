"""Offerings know the price at which they were reviewed last; of those reviewed before, it is the present one."""

import core.fields
from django.db import migrations

SEEN = "UPDATE market_offering SET reviewed_micro = price_micro WHERE reviewed_at IS NOT NULL"


class Migration(migrations.Migration):
    dependencies = [("market", "0029_note_what_was_not_accepted")]

    operations = [
        migrations.AddField(
            model_name="offering",
            name="reviewed_micro",
            field=core.fields.MicroField(editable=False, null=True, verbose_name="reviewed price (micro-yuan)"),
        ),
        migrations.RunSQL(SEEN, migrations.RunSQL.noop),
    ]
