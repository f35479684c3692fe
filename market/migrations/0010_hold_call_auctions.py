"""Orders of the call auction; batches that say how good they are, with the input that replays them."""

import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_keep_audit_entries_as_written"),
        ("market", "0009_sort_what_is_listed_by_price"),
    ]

    operations = [
        migrations.CreateModel(
            name="MatchInput",
            fields=[
                (
                    "batch",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="input",
                        serialize=False,
                        to="market.matchbatch",
                    ),
                ),
                ("instance", models.BinaryField(verbose_name="instance (npz)")),
                ("outcome", models.BinaryField(verbose_name="outcome (npz)")),
            ],
            options={
                "verbose_name": "match input",
                "verbose_name_plural": "match inputs",
            },
        ),
        migrations.RemoveConstraint(
            model_name="order",
            name="order_unmatched_reason_known",
        ),
        migrations.AddField(
            model_name="matchbatch",
            name="bound_micro",
            field=models.BigIntegerField(null=True, verbose_name="bound (micro-yuan)"),
        ),
        migrations.AddField(
            model_name="matchbatch",
            name="iterations",
            field=models.PositiveIntegerField(null=True, verbose_name="iterations"),
        ),
        migrations.AddField(
            model_name="matchbatch",
            name="seed",
            field=models.PositiveIntegerField(null=True, verbose_name="seed"),
        ),
        migrations.AddField(
            model_name="matchbatch",
            name="welfare_micro",
            field=models.BigIntegerField(null=True, verbose_name="welfare (micro-yuan)"),
        ),
        migrations.AddField(
            model_name="order",
            name="kind",
            field=models.CharField(
                choices=[("instant", "At once, first come first served"), ("auction", "In the next call auction")],
                default="instant",
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="unmatched_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("no-model", "No offering of an acceptable model"),
                    ("no-provider", "No offering of an accepted provider"),
                    ("no-category", "No offering for this kind of work"),
                    ("window", "No offering is open over the window"),
                    ("price-gap", "Every offering costs more than the limit"),
                    ("capacity", "Not enough cards are free in the window"),
                    ("outranked", "Other orders were worth more per card-hour"),
                ],
                max_length=16,
            ),
        ),
        migrations.AddConstraint(
            model_name="matchbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("bound_micro", None), ("welfare_micro", None)),
                    models.Q(("bound_micro__gte", models.F("welfare_micro")), ("welfare_micro__gte", 0)),
                    _connector="OR",
                ),
                name="match_batch_within_its_bound",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["instant", "auction"])), name="order_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "unmatched_reason__in",
                        ["", "no-model", "no-provider", "no-category", "window", "price-gap", "capacity", "outranked"],
                    )
                ),
                name="order_unmatched_reason_known",
            ),
        ),
        append_only("market_matchinput"),
    ]
