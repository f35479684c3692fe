"""Prices with a date: tariffs, price plans, and what was agreed hour by hour. All three are kept as written."""

import core.fields
import core.ids
import datetime
import django.contrib.postgres.fields
import django.core.validators
import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("market", "0005_spare_the_rows_of_reporters"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tariff",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("code", models.SlugField(max_length=40, verbose_name="code")),
                ("starts_at", models.DateTimeField(verbose_name="takes effect at")),
                (
                    "hourly_micro",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(
                            validators=[
                                django.core.validators.MinValueValidator(0),
                                django.core.validators.MaxValueValidator(1000000000000),
                            ]
                        ),
                        size=24,
                        verbose_name="price per kWh in each hour of the day (micro-yuan)",
                    ),
                ),
                ("source", models.CharField(max_length=200, verbose_name="source")),
            ],
            options={
                "verbose_name": "electricity tariff",
                "verbose_name_plural": "electricity tariffs",
                "constraints": [
                    models.UniqueConstraint(fields=("code", "starts_at"), name="tariff_once_per_start"),
                    models.CheckConstraint(condition=models.Q(("hourly_micro__len", 24)), name="tariff_has_24_hours"),
                ],
            },
        ),
        migrations.CreateModel(
            name="AgreedPrice",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("price_micro", core.fields.MicroField(verbose_name="price per card-hour (micro-yuan)")),
                (
                    "reservation",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="agreed_prices",
                        to="market.reservation",
                    ),
                ),
            ],
            options={
                "verbose_name": "agreed price",
                "verbose_name_plural": "agreed prices",
                "constraints": [
                    models.UniqueConstraint(fields=("reservation", "starts_at"), name="agreed_price_once_per_start"),
                    models.CheckConstraint(condition=models.Q(("price_micro__gt", 0)), name="agreed_price_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="PricePlan",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("starts_at", models.DateTimeField(verbose_name="takes effect at")),
                ("terms", models.JSONField(verbose_name="terms")),
                ("published_at", models.DateTimeField(verbose_name="published at")),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="price_plans", to="market.offering"
                    ),
                ),
            ],
            options={
                "verbose_name": "price plan",
                "verbose_name_plural": "price plans",
                "constraints": [
                    models.UniqueConstraint(fields=("offering", "starts_at"), name="price_plan_once_per_start"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "starts_at",
                                models.Func(
                                    models.Value(datetime.timedelta(seconds=3600)),
                                    models.F("starts_at"),
                                    models.Value(datetime.datetime(2000, 1, 1, 0, 0, tzinfo=datetime.timezone.utc)),
                                    function="date_bin",
                                    output_field=models.DateTimeField(),
                                ),
                            )
                        ),
                        name="price_plan_starts_on_the_hour",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("starts_at__gt", models.F("published_at"))),
                        name="price_plan_published_before_it_starts",
                    ),
                ],
            },
        ),
        append_only("market_tariff"),
        append_only("market_priceplan"),
        append_only("market_agreedprice"),
    ]
