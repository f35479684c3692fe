"""Offerings know the price plan that was reviewed last; of those reviewed before, it is the last that is published."""

import django.db.models.deletion
from django.db import migrations, models

SEEN = """
UPDATE market_offering AS offering SET reviewed_plan_id = (
    SELECT plan.id FROM market_priceplan AS plan
    WHERE plan.offering_id = offering.id ORDER BY plan.starts_at DESC LIMIT 1
)
WHERE offering.reviewed_micro IS NOT NULL
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0030_measure_prices_by_the_reviewed_one")]

    operations = [
        migrations.AddField(
            model_name="offering",
            name="reviewed_plan",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="market.priceplan",
                verbose_name="reviewed price plan",
            ),
        ),
        migrations.RunSQL(SEEN, migrations.RunSQL.noop),
    ]
