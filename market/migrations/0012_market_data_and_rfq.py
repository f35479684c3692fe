"""The trade tape with history and index; requests for quotations, whose late bids the database refuses."""

import core.fields
import core.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only, never_deleted

IN_TIME = """
CREATE FUNCTION market_refuse_late_bid() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE request market_rfq%ROWTYPE;
BEGIN
    -- Waits for an opening under way, and makes an opening wait for this bid: none falls between the two.
    SELECT * INTO request FROM market_rfq WHERE id = NEW.rfq_id FOR SHARE;
    IF request.status <> 'open' OR NEW.submitted_at >= request.bids_until THEN
        RAISE EXCEPTION 'the time for bids is over'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'sealed_bid_in_time';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER sealed_bid_in_time BEFORE INSERT ON market_sealedbid
FOR EACH ROW EXECUTE FUNCTION market_refuse_late_bid();

CREATE TRIGGER market_rfq_moves BEFORE UPDATE OF status ON market_rfq FOR EACH ROW
WHEN (OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN (
    'open opened', 'open cancelled', 'opened awarded', 'opened declined'
)) EXECUTE FUNCTION refuse_move();
"""
ANY_TIME = """
DROP TRIGGER market_rfq_moves ON market_rfq;
DROP TRIGGER sealed_bid_in_time ON market_sealedbid;
DROP FUNCTION market_refuse_late_bid();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_keep_relations_of_organizations"),
        ("market", "0011_reservation_life"),
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
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("count__gt", 0), ("hours__gt", 0)), name="trade_not_empty"
                    ),
                    models.CheckConstraint(condition=models.Q(("price_micro__gt", 0)), name="trade_price_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("category__in", ["GPU_TRAIN", "GPU_INFER", "HPC"])),
                        name="trade_category_known",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["-at", "-id"], name="trade_latest"),
                    models.Index(fields=["accelerator", "category", "hub_name", "at"], name="trade_of_class"),
                    models.Index(fields=["buyer", "seller"], name="trade_of_pair"),
                    models.Index(fields=["starts_at"], name="trade_to_start"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Rfq",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("title", models.CharField(max_length=120, verbose_name="title")),
                ("requirement", models.TextField(blank=True, max_length=4000, verbose_name="requirement")),
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
                ("count", models.PositiveIntegerField(verbose_name="cards")),
                ("hours", models.PositiveIntegerField(verbose_name="hours")),
                ("start_min", models.DateTimeField(verbose_name="earliest start")),
                ("start_max", models.DateTimeField(verbose_name="latest start")),
                ("budget_fen", core.fields.FenField(null=True, verbose_name="budget (fen)")),
                ("open_to_all", models.BooleanField(default=True, verbose_name="open to all providers")),
                ("published_at", models.DateTimeField(verbose_name="published at")),
                ("bids_until", models.DateTimeField(verbose_name="bids until")),
                ("opened_at", models.DateTimeField(null=True, verbose_name="opened at")),
                (
                    "bid_hashes",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=64),
                        default=list,
                        size=None,
                        verbose_name="commitments of the bids",
                    ),
                ),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed at")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "accelerators",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="market.accelerator", verbose_name="acceptable models"
                    ),
                ),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="rfqs", to="accounts.organization"
                    ),
                ),
                (
                    "invited",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="accounts.organization", verbose_name="invited"
                    ),
                ),
            ],
            options={
                "verbose_name": "request for quotations",
                "verbose_name_plural": "requests for quotations",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("count__gt", 0), ("hours__gt", 0)), name="rfq_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("start_min__lte", models.F("start_max"))), name="rfq_window_forward"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("bids_until__gt", models.F("published_at")), ("bids_until__lt", models.F("start_max"))
                        ),
                        name="rfq_bids_before_the_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("budget_fen", None), ("budget_fen__gt", 0), _connector="OR"),
                        name="rfq_budget_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("opened_at", None), ("opened_at__gte", models.F("bids_until")), _connector="OR"
                        ),
                        name="rfq_opened_after_its_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("closed_at", None), ("status__in", ["open", "opened"])),
                            models.Q(
                                ("closed_at__isnull", False), ("status__in", ["awarded", "declined", "cancelled"])
                            ),
                            _connector="OR",
                        ),
                        name="rfq_closed_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("opened_at", None), ("status__in", ["open", "cancelled"])),
                            models.Q(("opened_at__isnull", False), ("status__in", ["opened", "awarded", "declined"])),
                            _connector="OR",
                        ),
                        name="rfq_opened_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["open", "opened", "awarded", "declined", "cancelled"])),
                        name="rfq_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("category__in", ["GPU_TRAIN", "GPU_INFER", "HPC"])),
                        name="rfq_category_known",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["buyer", "-published_at"], name="rfq_by_buyer"),
                    models.Index(condition=models.Q(("status", "open")), fields=["bids_until"], name="rfq_to_open"),
                ],
            },
        ),
        migrations.CreateModel(
            name="RfqQuestion",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("text", models.TextField(max_length=2000, verbose_name="question")),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("answer", models.TextField(blank=True, max_length=2000, verbose_name="answer")),
                ("answered_at", models.DateTimeField(null=True, verbose_name="answered at")),
                (
                    "asker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "rfq",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="questions", to="market.rfq"
                    ),
                ),
            ],
            options={
                "verbose_name": "question",
                "verbose_name_plural": "questions",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("answered_at", None)),
                            models.Q(models.Q(("answer", ""), _negated=True), ("answered_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="rfq_question_answer_has_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SealedBid",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("sealed", models.BinaryField(verbose_name="sealed")),
                ("sha256", models.CharField(max_length=64, verbose_name="commitment")),
                ("submitted_at", models.DateTimeField(verbose_name="submitted at")),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "rfq",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="envelopes", to="market.rfq"
                    ),
                ),
            ],
            options={
                "verbose_name": "sealed bid",
                "verbose_name_plural": "sealed bids",
                "constraints": [
                    models.UniqueConstraint(fields=("rfq", "provider", "version"), name="sealed_bid_version_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Bid",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("price_micro", core.fields.MicroField(verbose_name="price per card-hour (micro-yuan)")),
                ("count", models.PositiveIntegerField(verbose_name="cards")),
                ("starts_at", models.DateTimeField(verbose_name="starts at")),
                ("valid_until", models.DateTimeField(verbose_name="valid until")),
                ("note", models.TextField(blank=True, max_length=2000, verbose_name="description")),
                ("salt", models.CharField(max_length=64, verbose_name="salt of the commitment")),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="market.offering"
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bids", to="accounts.organization"
                    ),
                ),
                (
                    "rfq",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bids", to="market.rfq"
                    ),
                ),
                (
                    "envelope",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="bid", to="market.sealedbid"
                    ),
                ),
            ],
            options={
                "verbose_name": "bid",
                "verbose_name_plural": "bids",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("price_micro__gt", 0)), name="bid_price_positive"),
                    models.CheckConstraint(condition=models.Q(("count__gt", 0)), name="bid_count_positive"),
                ],
                "indexes": [
                    models.Index(fields=["rfq", "price_micro", "id"], name="bid_by_price"),
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
                "indexes": [
                    models.Index(fields=["span", "ends_at"], name="tape_change_due"),
                ],
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
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Award",
            fields=[
                (
                    "bid",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="award",
                        serialize=False,
                        to="market.bid",
                    ),
                ),
                ("awarded_at", models.DateTimeField(verbose_name="awarded at")),
                (
                    "order",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="award", to="market.order"
                    ),
                ),
            ],
            options={
                "verbose_name": "award",
                "verbose_name_plural": "awards",
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
        migrations.RunSQL(IN_TIME, ANY_TIME),
        append_only("market_trade"),
        append_only("market_tradeexclusion"),
        append_only("market_candle"),
        append_only("market_indexvalue"),
        append_only("market_sealedbid"),
        append_only("market_bid"),
        append_only("market_award"),
        never_deleted("market_rfq"),
        never_deleted("market_rfqquestion"),
    ]
