"""Let blocks of months be bought from a listing, and orders stand at the site of a reservation."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_size_of_organizations"),
        ("market", "0019_interruptible_orders"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="order",
            name="order_kind_known",
        ),
        migrations.AddField(
            model_name="order",
            name="beside",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="market.reservation",
                verbose_name="at the site of",
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="kind",
            field=models.CharField(
                choices=[
                    ("instant", "At once, first come first served"),
                    ("auction", "In the next call auction"),
                    ("interruptible", "Interruptible, up to your bid"),
                    ("block", "Reserved block, by the month"),
                ],
                default="instant",
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["instant", "auction", "interruptible", "block"])),
                name="order_kind_known",
            ),
        ),
    ]
