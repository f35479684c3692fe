"""Requests for quotations; the database refuses bids that come too late, and changes of any bid."""

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
        ("market", "0011_market_data"),
    ]

    operations = [
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
        migrations.AddIndex(
            model_name="rfq",
            index=models.Index(fields=["buyer", "-published_at"], name="rfq_by_buyer"),
        ),
        migrations.AddIndex(
            model_name="rfq",
            index=models.Index(condition=models.Q(("status", "open")), fields=["bids_until"], name="rfq_to_open"),
        ),
        migrations.AddConstraint(
            model_name="rfq",
            constraint=models.CheckConstraint(
                condition=models.Q(("count__gt", 0), ("hours__gt", 0)), name="rfq_not_empty"
            ),
        ),
        migrations.AddConstraint(
            model_name="rfq",
            constraint=models.CheckConstraint(
                condition=models.Q(("start_min__lte", models.F("start_max"))), name="rfq_window_forward"
            ),
        ),
        migrations.AddConstraint(
            model_name="rfq",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("bids_until__gt", models.F("published_at")), ("bids_until__lt", models.F("start_max"))
                ),
                name="rfq_bids_before_the_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="rfq",
            constraint=models.CheckConstraint(
                condition=models.Q(("budget_fen", None), ("budget_fen__gt", 0), _connector="OR"),
                name="rfq_budget_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="rfq",
            constraint=models.CheckConstraint(
                condition=models.Q(("opened_at", None), ("opened_at__gte", models.F("bids_until")), _connector="OR"),
                name="rfq_opened_after_its_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="rfq",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("closed_at", None), ("status__in", ["open", "opened"])),
                    models.Q(("closed_at__isnull", False), ("status__in", ["awarded", "declined", "cancelled"])),
                    _connector="OR",
                ),
                name="rfq_closed_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="rfq",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("opened_at", None), ("status__in", ["open", "cancelled"])),
                    models.Q(("opened_at__isnull", False), ("status__in", ["opened", "awarded", "declined"])),
                    _connector="OR",
                ),
                name="rfq_opened_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="rfq",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["open", "opened", "awarded", "declined", "cancelled"])),
                name="rfq_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="rfq",
            constraint=models.CheckConstraint(
                condition=models.Q(("category__in", ["GPU_TRAIN", "GPU_INFER", "HPC"])), name="rfq_category_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="rfqquestion",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", ""), ("answered_at", None)),
                    models.Q(models.Q(("answer", ""), _negated=True), ("answered_at__isnull", False)),
                    _connector="OR",
                ),
                name="rfq_question_answer_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="sealedbid",
            constraint=models.UniqueConstraint(fields=("rfq", "provider", "version"), name="sealed_bid_version_once"),
        ),
        migrations.AddIndex(
            model_name="bid",
            index=models.Index(fields=["rfq", "price_micro", "id"], name="bid_by_price"),
        ),
        migrations.AddConstraint(
            model_name="bid",
            constraint=models.CheckConstraint(condition=models.Q(("price_micro__gt", 0)), name="bid_price_positive"),
        ),
        migrations.AddConstraint(
            model_name="bid",
            constraint=models.CheckConstraint(condition=models.Q(("count__gt", 0)), name="bid_count_positive"),
        ),
        migrations.RunSQL(IN_TIME, ANY_TIME),
        append_only("market_sealedbid"),
        append_only("market_bid"),
        append_only("market_award"),
        never_deleted("market_rfq"),
        never_deleted("market_rfqquestion"),
    ]
