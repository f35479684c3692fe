"""The trade tape, and the price history and index computed from it."""

import core.fields
import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_keep_relations_of_organizations"),
        ("market", "0010_hold_call_auctions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Trade",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("GPU_TRAIN", "Training"),
                            ("GPU_INFER", "Inference"),
                            ("HPC", "High-performance computing"),
                        ],
                        max_length=16,
                        verbose_name="category",
                    ),
                ),
                ("hub_name", models.CharField(blank=True, max_length=40, verbose_name="hub")),
                ("count", models.PositiveIntegerField(verbose_name="cards")),
                ("hours", models.PositiveIntegerField(verbose_name="hours")),
                ("starts_at", models.DateTimeField(verbose_name="starts at")),
                ("price_micro", core.fields.MicroField(verbose_name="price per card-hour (micro-yuan)")),
                (
                    "sch_micro",
                    core.fields.MicroField(null=True, verbose_name="price per standard card-hour (micro-yuan)"),
                ),
                (
                    "accelerator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="market.accelerator",
                    ),
                ),
                (
                    "buyer",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "reservation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="trade", to="market.reservation"
                    ),
                ),
                (
                    "seller",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "trade",
                "verbose_name_plural": "trades",
            },
        ),
        migrations.CreateModel(
            name="Candle",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("GPU_TRAIN", "Training"),
                            ("GPU_INFER", "Inference"),
                            ("HPC", "High-performance computing"),
                        ],
                        max_length=16,
                        verbose_name="category",
                    ),
                ),
                ("hub_name", models.CharField(blank=True, max_length=40, verbose_name="hub")),
                (
                    "span",
                    models.CharField(
                        choices=[("hour", "By the hour"), ("day", "By the day"), ("index", "Index")],
                        max_length=8,
                        verbose_name="span",
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("trades", models.PositiveIntegerField(verbose_name="trades")),
                ("card_hours", models.BigIntegerField(verbose_name="card-hours")),
                ("open_micro", core.fields.MicroField(null=True, verbose_name="first price (micro-yuan)")),
                ("high_micro", core.fields.MicroField(null=True, verbose_name="highest price (micro-yuan)")),
                ("low_micro", core.fields.MicroField(null=True, verbose_name="lowest price (micro-yuan)")),
                ("close_micro", core.fields.MicroField(null=True, verbose_name="last price (micro-yuan)")),
                ("median_micro", core.fields.MicroField(null=True, verbose_name="median price (micro-yuan)")),
                ("computed_at", models.DateTimeField(verbose_name="computed at")),
                (
                    "accelerator",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="market.accelerator",
                    ),
                ),
            ],
            options={
                "verbose_name": "price history",
                "verbose_name_plural": "price history",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("accelerator", "category", "hub_name", "span", "starts_at", "version"),
                        name="candle_version_once",
                    ),
                    models.CheckConstraint(condition=models.Q(("span__in", ["hour", "day"])), name="candle_span_known"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("card_hours", 0), ("median_micro", None), ("trades", 0)),
                            models.Q(
                                ("close_micro__range", (models.F("low_micro"), models.F("high_micro"))),
                                ("high_micro__gte", models.F("median_micro")),
                                ("low_micro__lte", models.F("median_micro")),
                                ("open_micro__range", (models.F("low_micro"), models.F("high_micro"))),
                                ("trades__gt", 0),
                            ),
                            _connector="OR",
                        ),
                        name="candle_prices_in_order",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="IndexValue",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("on", models.DateField(verbose_name="day")),
                (
                    "category",
                    models.CharField(
                        choices=[
                            ("GPU_TRAIN", "Training"),
                            ("GPU_INFER", "Inference"),
                            ("HPC", "High-performance computing"),
                        ],
                        max_length=16,
                        verbose_name="category",
                    ),
                ),
                ("hub_name", models.CharField(max_length=40, null=True, verbose_name="hub")),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("published", "Published"),
                            ("few-trades", "Too few trades to publish"),
                            ("few-sellers", "Too few sellers to publish"),
                            ("few-buyers", "Too few buyers to publish"),
                        ],
                        max_length=12,
                        verbose_name="state",
                    ),
                ),
                ("trades", models.PositiveIntegerField(verbose_name="trades")),
                ("sellers", models.PositiveIntegerField(verbose_name="sellers")),
                ("buyers", models.PositiveIntegerField(verbose_name="buyers")),
                ("screened_out", models.PositiveIntegerField(verbose_name="screened out")),
                ("price_micro", core.fields.MicroField(null=True, verbose_name="per card-hour (micro-yuan)")),
                ("sch_micro", core.fields.MicroField(null=True, verbose_name="per standard card-hour (micro-yuan)")),
                ("computed_at", models.DateTimeField(verbose_name="computed at")),
                (
                    "accelerator",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="market.accelerator",
                    ),
                ),
            ],
            options={
                "verbose_name": "index value",
                "verbose_name_plural": "index values",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("on", "accelerator", "category", "hub_name", "version"),
                        name="index_value_version_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["published", "few-trades", "few-sellers", "few-buyers"])),
                        name="index_value_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("accelerator__isnull", False), ("price_micro__gt", 0), ("status", "published")),
                            models.Q(
                                ("accelerator", None),
                                ("price_micro", None),
                                ("sch_micro__gt", 0),
                                ("status", "published"),
                            ),
                            models.Q(
                                models.Q(("status", "published"), _negated=True),
                                ("price_micro", None),
                                ("sch_micro", None),
                            ),
                            _connector="OR",
                        ),
                        name="index_value_suppressed_when_thin",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TapeChange",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("category", models.CharField(max_length=16)),
                ("hub_name", models.CharField(blank=True, max_length=40)),
                (
                    "span",
                    models.CharField(
                        choices=[("hour", "By the hour"), ("day", "By the day"), ("index", "Index")], max_length=8
                    ),
                ),
                ("starts_at", models.DateTimeField()),
                ("ends_at", models.DateTimeField()),
                (
                    "accelerator",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="market.accelerator",
                    ),
                ),
            ],
            options={
                "verbose_name": "tape change",
                "verbose_name_plural": "tape changes",
                "indexes": [models.Index(fields=["span", "ends_at"], name="tape_change_due")],
            },
        ),
        migrations.CreateModel(
            name="TradeExclusion",
            fields=[
                (
                    "trade",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="exclusion",
                        serialize=False,
                        to="market.trade",
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("cancelled", "Cancelled before its start"),
                            ("related", "Between related parties"),
                            ("negotiated", "Awarded after a request for quotations"),
                        ],
                        max_length=12,
                        verbose_name="reason",
                    ),
                ),
                ("at", models.DateTimeField(verbose_name="at")),
            ],
            options={
                "verbose_name": "excluded trade",
                "verbose_name_plural": "excluded trades",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("reason__in", ["cancelled", "related", "negotiated"])),
                        name="trade_exclusion_reason_known",
                    )
                ],
            },
        ),
        migrations.AddIndex(
            model_name="trade",
            index=models.Index(fields=["-at", "-id"], name="trade_latest"),
        ),
        migrations.AddIndex(
            model_name="trade",
            index=models.Index(fields=["accelerator", "category", "hub_name", "at"], name="trade_of_class"),
        ),
        migrations.AddIndex(
            model_name="trade",
            index=models.Index(fields=["buyer", "seller"], name="trade_of_pair"),
        ),
        migrations.AddIndex(
            model_name="trade",
            index=models.Index(fields=["starts_at"], name="trade_to_start"),
        ),
        migrations.AddConstraint(
            model_name="trade",
            constraint=models.CheckConstraint(
                condition=models.Q(("count__gt", 0), ("hours__gt", 0)), name="trade_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="trade",
            constraint=models.CheckConstraint(condition=models.Q(("price_micro__gt", 0)), name="trade_price_positive"),
        ),
        migrations.AddConstraint(
            model_name="trade",
            constraint=models.CheckConstraint(
                condition=models.Q(("category__in", ["GPU_TRAIN", "GPU_INFER", "HPC"])), name="trade_category_known"
            ),
        ),
        append_only("market_trade"),
        append_only("market_tradeexclusion"),
        append_only("market_candle"),
        append_only("market_indexvalue"),
    ]
