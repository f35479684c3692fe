"""Offerings are reviewed before they are listed, sold in lots and on terms; sites have certificates and probes."""

import core.fields
import core.ids
import core.uploads
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.triggers import append_only

FACTS = ["market_calendaredit", "market_serviceterms", "market_termsconsent", "market_latencyprobe"]
# What was on sale before there were reviews stays on sale, and says so.
FILL = """
UPDATE market_offering SET reference = upper(right(replace(id::text, '-', ''), 12));
UPDATE market_offering SET reviewed_at = created_at, review_note = 'Listed before reviews began.'
WHERE status IN ('listed', 'paused');
"""
BEFORE = "draft listed, draft archived, listed paused, listed archived, paused listed, paused archived"
MOVES = (
    "draft review, draft archived, review listed, review rejected, review draft, review archived, rejected review, "
    "rejected archived, listed paused, listed review, listed archived, paused listed, paused review, paused archived"
)


def only_moves(moves: str) -> str:
    """Return the statements that let an offering make these moves and no others."""
    allowed = ", ".join(f"'{move.strip()}'" for move in moves.split(","))
    return (
        "DROP TRIGGER market_offering_moves ON market_offering; "
        "CREATE TRIGGER market_offering_moves BEFORE UPDATE OF status ON market_offering FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN ({allowed})) "
        "EXECUTE FUNCTION refuse_move();"
    )


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_onboarding"),
        ("market", "0012_market_data_and_rfq"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="CalendarEdit",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("capacity", models.PositiveIntegerField(verbose_name="cards that stay on sale")),
                ("reason", models.CharField(max_length=200, verbose_name="reason")),
                ("made_at", models.DateTimeField(verbose_name="made at")),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="calendar_edits", to="market.offering"
                    ),
                ),
            ],
            options={
                "verbose_name": "calendar edit",
                "verbose_name_plural": "calendar edits",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="calendar_edit_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="calendar_edit_has_a_reason"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ExtraLine",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("storage", "Storage"), ("network", "Network"), ("support", "Support")],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("unit", models.CharField(max_length=40, verbose_name="unit")),
                ("price_micro", core.fields.MicroField(verbose_name="price per unit (micro-yuan)")),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="extra_lines", to="market.offering"
                    ),
                ),
            ],
            options={
                "verbose_name": "line beside the card-hour",
                "verbose_name_plural": "lines beside the card-hour",
                "constraints": [
                    models.UniqueConstraint(fields=("offering", "name"), name="extra_line_once"),
                    models.CheckConstraint(
                        condition=models.Q(("price_micro__gte", 0)), name="extra_line_price_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["storage", "network", "support"])),
                        name="extra_line_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LatencyProbe",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("city", models.CharField(max_length=40, verbose_name="city")),
                ("p50_us", models.PositiveIntegerField(verbose_name="median round trip (µs)")),
                ("measured_at", models.DateTimeField(verbose_name="measured at")),
                ("source", models.CharField(max_length=120, verbose_name="source")),
                (
                    "reported_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "site",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="probes",
                        to="market.site",
                    ),
                ),
            ],
            options={
                "verbose_name": "latency probe",
                "verbose_name_plural": "latency probes",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("site", "city", "measured_at", "source"), name="latency_probe_once"
                    ),
                    models.CheckConstraint(condition=models.Q(("p50_us__gt", 0)), name="latency_probe_positive"),
                ],
                "indexes": [
                    models.Index(fields=["city", "site", "-measured_at"], name="latency_probe_nearest"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Measurement",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                (
                    "metric",
                    models.CharField(
                        choices=[
                            ("fp64", "FP64"),
                            ("fp32", "FP32"),
                            ("tf32", "TF32"),
                            ("fp16", "FP16"),
                            ("bf16", "BF16"),
                            ("int8", "INT8"),
                            ("fp8", "FP8"),
                            ("memory-bandwidth", "Memory bandwidth"),
                            ("memory-capacity", "Memory capacity"),
                            ("interconnect", "Interconnect, both directions"),
                        ],
                        max_length=20,
                        verbose_name="metric",
                    ),
                ),
                (
                    "density",
                    models.CharField(
                        blank=True,
                        choices=[("dense", "dense"), ("sparse", "with sparsity")],
                        max_length=6,
                        verbose_name="density",
                    ),
                ),
                ("value", models.BigIntegerField(verbose_name="median")),
                ("runs", models.PositiveIntegerField(verbose_name="runs")),
                ("source", models.CharField(max_length=200, verbose_name="source")),
                ("measured_on", models.DateField(verbose_name="measured")),
                ("expires_on", models.DateField(verbose_name="expires")),
                ("submitted_at", models.DateTimeField(verbose_name="submitted at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "accelerator",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="market.accelerator"
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "figure",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="measurement",
                        to="market.figure",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="measurements",
                        to="accounts.organization",
                    ),
                ),
                (
                    "submitted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "measurement of a provider",
                "verbose_name_plural": "measurements of providers",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "rejected"), _negated=True),
                        fields=("provider", "accelerator", "metric", "density", "measured_on"),
                        name="measurement_once_a_day",
                    ),
                    models.CheckConstraint(condition=models.Q(("value__gt", 0)), name="measurement_value_positive"),
                    models.CheckConstraint(condition=models.Q(("runs__gte", 5)), name="measurement_of_enough_runs"),
                    models.CheckConstraint(
                        condition=models.Q(("expires_on__gt", models.F("measured_on"))),
                        name="measurement_expires_later",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["submitted", "accepted", "rejected"])),
                        name="measurement_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decided_by", models.F("submitted_by")), _negated=True),
                        name="measurement_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_by__isnull", False), ("figure__isnull", False), ("status", "accepted")),
                            models.Q(models.Q(("status", "accepted"), _negated=True), ("figure", None)),
                            _connector="OR",
                        ),
                        name="measurement_accepted_is_a_figure",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OfferingImport",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("uploaded_at", models.DateTimeField(verbose_name="uploaded at")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("content", models.BinaryField()),
                ("applied_at", models.DateTimeField(null=True, verbose_name="brought in at")),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="offering_imports",
                        to="accounts.organization",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "import of offerings",
                "verbose_name_plural": "imports of offerings",
            },
        ),
        migrations.CreateModel(
            name="ServiceTerms",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("version", models.PositiveIntegerField(verbose_name="version")),
                ("text", models.TextField(verbose_name="text")),
                ("sha256", models.CharField(max_length=64, verbose_name="digest")),
                ("published_at", models.DateTimeField(verbose_name="published at")),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="service_terms", to="market.offering"
                    ),
                ),
            ],
            options={
                "verbose_name": "terms of service",
                "verbose_name_plural": "terms of service",
                "constraints": [
                    models.UniqueConstraint(fields=("offering", "version"), name="service_terms_version_once"),
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="service_terms_not_empty"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SiteCertificate",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("pue", "PUE"), ("green", "Share of green power")], max_length=8, verbose_name="kind"
                    ),
                ),
                ("value", models.PositiveIntegerField(verbose_name="value")),
                ("issuer", models.CharField(max_length=120, verbose_name="issuer")),
                ("number", models.CharField(max_length=80, verbose_name="number")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("expires_on", models.DateField(verbose_name="expires")),
                ("file", models.FileField(blank=True, max_length=120, upload_to=core.uploads.hidden_place)),
                ("recorded_at", models.DateTimeField(verbose_name="recorded at")),
                ("withdrawn_at", models.DateTimeField(null=True, verbose_name="withdrawn at")),
                (
                    "site",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="certificates", to="market.site"
                    ),
                ),
            ],
            options={
                "verbose_name": "certificate of a site",
                "verbose_name_plural": "certificates of sites",
                "constraints": [
                    models.UniqueConstraint(fields=("site", "kind", "issuer", "number"), name="site_certificate_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("kind", "pue"), ("value__gte", 1000), ("value__lte", 5000)),
                            models.Q(("kind", "green"), ("value__lte", 10000)),
                            _connector="OR",
                        ),
                        name="site_certificate_value_possible",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_on__gt", models.F("valid_from"))),
                        name="site_certificate_not_empty",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="TermsConsent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("sha256", models.CharField(max_length=64, verbose_name="digest")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="terms_consents",
                        to="accounts.organization",
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="by",
                    ),
                ),
                (
                    "key",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.apikey"
                    ),
                ),
                (
                    "terms",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="consents", to="market.serviceterms"
                    ),
                ),
            ],
            options={
                "verbose_name": "consent to terms",
                "verbose_name_plural": "consents to terms",
                "constraints": [
                    models.UniqueConstraint(fields=("terms", "buyer"), name="terms_consent_once"),
                    models.CheckConstraint(
                        condition=models.Q(("by__isnull", False), ("key__isnull", False), _connector="OR"),
                        name="terms_consent_by_someone",
                    ),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="offering",
            name="offering_status_known",
        ),
        migrations.RemoveConstraint(
            model_name="order",
            name="order_unmatched_reason_known",
        ),
        migrations.AddField(
            model_name="offering",
            name="max_count",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="most cards of an order"),
        ),
        migrations.AddField(
            model_name="offering",
            name="max_hours",
            field=models.PositiveIntegerField(blank=True, null=True, verbose_name="longest order (hours)"),
        ),
        migrations.AddField(
            model_name="offering",
            name="min_count",
            field=models.PositiveIntegerField(default=1, verbose_name="fewest cards of an order"),
        ),
        migrations.AddField(
            model_name="offering",
            name="notice_hours",
            field=models.PositiveIntegerField(default=0, verbose_name="notice before the start (hours)"),
        ),
        migrations.AddField(
            model_name="offering",
            name="provisioning_minutes",
            field=models.PositiveIntegerField(default=0, verbose_name="time to provision (minutes)"),
        ),
        migrations.AddField(
            model_name="offering",
            name="reference",
            field=models.CharField(default=core.ids.new_reference, max_length=60, verbose_name="own reference"),
        ),
        migrations.AddField(
            model_name="offering",
            name="review_note",
            field=models.CharField(blank=True, max_length=500, verbose_name="note of the review"),
        ),
        migrations.AddField(
            model_name="offering",
            name="reviewed_at",
            field=models.DateTimeField(null=True, verbose_name="reviewed at"),
        ),
        migrations.AddField(
            model_name="offering",
            name="reviewed_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="offering",
            name="step_count",
            field=models.PositiveIntegerField(default=1, verbose_name="cards by which orders grow"),
        ),
        migrations.AddField(
            model_name="offering",
            name="submitted_at",
            field=models.DateTimeField(null=True, verbose_name="submitted at"),
        ),
        migrations.AddField(
            model_name="offering",
            name="submitted_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
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
                    ("consent", "The terms of service of every offering wait for your consent"),
                    ("lot", "No offering sells this many cards or hours in one order"),
                    ("window", "No offering is open over the window"),
                    ("price-gap", "Every offering costs more than the limit"),
                    ("capacity", "Not enough cards are free in the window"),
                    ("outranked", "Other orders were worth more per card-hour"),
                ],
                max_length=16,
            ),
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.UniqueConstraint(fields=("provider", "reference"), name="offering_reference_once"),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(("reference", ""), _negated=True), name="offering_reference_given"
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("min_count__gt", 0),
                    ("min_count__lte", models.F("count")),
                    ("step_count__gt", 0),
                    models.Q(
                        ("max_count", None),
                        models.Q(("max_count__gte", models.F("min_count")), ("max_count__lte", models.F("count"))),
                        _connector="OR",
                    ),
                ),
                name="offering_lot_fits",
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(("max_hours", None), ("max_hours__gt", 0), _connector="OR"),
                name="offering_longest_order_positive",
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(("notice_hours__lte", 720), ("provisioning_minutes__lte", 10080)),
                name="offering_lead_within_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["listed", "paused", "rejected"]), _negated=True),
                    ("reviewed_at__isnull", False),
                    _connector="OR",
                ),
                name="offering_listed_after_review",
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(("reviewed_by", models.F("submitted_by")), _negated=True),
                name="offering_reviewed_by_another",
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["draft", "review", "rejected", "listed", "paused", "archived"])),
                name="offering_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "unmatched_reason__in",
                        [
                            "",
                            "no-model",
                            "no-provider",
                            "no-category",
                            "consent",
                            "lot",
                            "window",
                            "price-gap",
                            "capacity",
                            "outranked",
                        ],
                    )
                ),
                name="order_unmatched_reason_known",
            ),
        ),
        migrations.RunSQL(only_moves(MOVES), only_moves(BEFORE)),
        *map(append_only, FACTS),
    ]
