"""Do not compress the answers to usage reports: it costs the hot path more than the space is worth."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("market", "0003_keep_moves")]

    operations = [
        migrations.RunSQL(
            "ALTER TABLE market_usagebatch ALTER COLUMN response SET STORAGE EXTERNAL;",
            "ALTER TABLE market_usagebatch ALTER COLUMN response SET STORAGE EXTENDED;",
        )
    ]
