"""Make the tables of programmes, grants and redemptions."""

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.fields
import core.ids


class Migration(migrations.Migration):
    initial = True

    dependencies = [
        ("accounts", "0002_keep_audit_entries_as_written"),
        ("ledger", "0005_close_transfers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Programme",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("code", models.SlugField(max_length=40, verbose_name="code")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("budget_fen", core.fields.FenField(verbose_name="budget (fen)")),
                ("ratio_bp", models.PositiveIntegerField(verbose_name="ratio (basis points)")),
                (
                    "entity_year_cap_fen",
                    core.fields.FenField(blank=True, null=True, verbose_name="cap per entity and year (fen)"),
                ),
                ("order_cap_fen", core.fields.FenField(blank=True, null=True, verbose_name="cap per order (fen)")),
                ("min_award_fen", core.fields.FenField(default=0, verbose_name="smallest award per order (fen)")),
                ("min_grant_fen", core.fields.FenField(default=0, verbose_name="smallest grant (fen)")),
                ("round_unit_fen", models.PositiveIntegerField(default=1, verbose_name="rounding unit (fen)")),
                ("partial_when_short", models.BooleanField(default=True, verbose_name="pays in part when short")),
                ("validity_days", models.PositiveIntegerField(verbose_name="validity (days)")),
                ("grace_days", models.PositiveIntegerField(default=7, verbose_name="grace for late metering (days)")),
                (
                    "eligible_categories",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(max_length=16), size=None, verbose_name="eligible categories"
                    ),
                ),
                ("open_registry", models.BooleanField(default=False, verbose_name="every provider is eligible")),
                ("opens_on", models.DateField(verbose_name="opens on")),
                ("closes_on", models.DateField(verbose_name="closes on")),
                ("source", models.TextField(blank=True, verbose_name="source")),
                ("published_at", models.DateTimeField(null=True, verbose_name="published at")),
                (
                    "authority",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="programmes",
                        to="accounts.organization",
                    ),
                ),
                (
                    "drafted_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="drafted by",
                    ),
                ),
                (
                    "providers",
                    models.ManyToManyField(
                        blank=True, related_name="+", to="accounts.organization", verbose_name="listed providers"
                    ),
                ),
                (
                    "published_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="published by",
                    ),
                ),
            ],
            options={
                "verbose_name": "programme",
                "verbose_name_plural": "programmes",
                "constraints": [
                    models.UniqueConstraint(fields=("code",), name="programme_code_once"),
                    models.CheckConstraint(condition=models.Q(("budget_fen__gt", 0)), name="programme_budget_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("ratio_bp__gt", 0), ("ratio_bp__lte", 10000)),
                        name="programme_ratio_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("entity_year_cap_fen", None), ("entity_year_cap_fen__gt", 0), _connector="OR"
                        ),
                        name="programme_year_cap_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("order_cap_fen", None), ("order_cap_fen__gt", 0), _connector="OR"),
                        name="programme_order_cap_positive",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("min_award_fen__gte", 0)), name="programme_min_award_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("min_grant_fen__gte", 0)), name="programme_min_grant_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("round_unit_fen__gt", 0)), name="programme_round_unit_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("validity_days__gt", 0)), name="programme_validity_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("opens_on__lt", models.F("closes_on"))),
                        name="programme_closes_after_opening",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("eligible_categories__len__gt", 0)),
                        name="programme_has_eligible_categories",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("published_by", None),
                            models.Q(("published_by", models.F("drafted_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="programme_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["published", "paused"]), _negated=True),
                            models.Q(("published_at__isnull", False), ("published_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="programme_published_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["draft", "published", "paused", "closed"])),
                        name="programme_status_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Grant",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("face_fen", core.fields.FenField(verbose_name="face value (fen)")),
                ("approved_at", models.DateTimeField(null=True, verbose_name="approved at")),
                ("expires_at", models.DateTimeField(null=True, verbose_name="expires at")),
                (
                    "account",
                    models.OneToOneField(
                        editable=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.account",
                    ),
                ),
                (
                    "approved_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="approved by",
                    ),
                ),
                (
                    "owner",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="grants", to="accounts.organization"
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="proposed by",
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="grants", to="vouchers.programme"
                    ),
                ),
            ],
            options={
                "verbose_name": "grant",
                "verbose_name_plural": "grants",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("face_fen__gt", 0)), name="grant_face_positive"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("approved_by", None),
                            models.Q(("approved_by", models.F("proposed_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="grant_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["proposed", "rejected"]),
                            models.Q(
                                ("account__isnull", False),
                                ("approved_at__isnull", False),
                                ("approved_by__isnull", False),
                                ("expires_at__gt", models.F("approved_at")),
                            ),
                            _connector="OR",
                        ),
                        name="grant_approved_before_use",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["proposed", "active", "expired", "revoked", "rejected"])),
                        name="grant_status_known",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["owner", "status", "expires_at"], name="grant_by_owner"),
                    models.Index(
                        condition=models.Q(("status", "active")), fields=["expires_at"], name="grant_to_expire"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="EntityYear",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("year", models.SmallIntegerField(verbose_name="year")),
                ("cap_fen", core.fields.FenField(null=True, verbose_name="cap (fen)")),
                ("used_fen", core.fields.FenField(default=0, verbose_name="held and used (fen)")),
                (
                    "entity",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vouchers.programme"
                    ),
                ),
            ],
            options={
                "verbose_name": "entity year",
                "verbose_name_plural": "entity years",
                "constraints": [
                    models.UniqueConstraint(fields=("programme", "entity", "year"), name="entity_year_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("used_fen__gte", 0),
                            models.Q(("cap_fen", None), ("used_fen__lte", models.F("cap_fen")), _connector="OR"),
                        ),
                        name="entity_year_within_cap",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Redemption",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("reference", models.CharField(max_length=80, verbose_name="reference")),
                ("year", models.SmallIntegerField(verbose_name="year")),
                ("eligible_fen", core.fields.FenField(verbose_name="eligible spending (fen)")),
                ("amount_fen", core.fields.FenField(verbose_name="held (fen)")),
                ("explanation", models.JSONField(verbose_name="explanation")),
                ("held_at", models.DateTimeField(verbose_name="held at")),
                ("captured_fen", core.fields.FenField(db_default=0, editable=False, verbose_name="captured (fen)")),
                ("refunded_fen", core.fields.FenField(db_default=0, editable=False, verbose_name="refunded (fen)")),
                ("closed_at", models.DateTimeField(editable=False, null=True, verbose_name="closed at")),
                (
                    "grant",
                    models.ForeignKey(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="redemptions",
                        to="vouchers.grant",
                    ),
                ),
                (
                    "hold",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="ledger.hold",
                    ),
                ),
            ],
            options={
                "verbose_name": "redemption",
                "verbose_name_plural": "redemptions",
                "constraints": [
                    models.UniqueConstraint(fields=("reference",), name="redemption_reference_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0), ("amount_fen__lte", models.F("eligible_fen"))),
                        name="redemption_within_eligible_spending",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Capture",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reference", models.CharField(max_length=80, verbose_name="reference")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                ("used_at", models.DateTimeField(verbose_name="used at")),
                ("captured_at", models.DateTimeField(verbose_name="captured at")),
                (
                    "redemption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="captures", to="vouchers.redemption"
                    ),
                ),
            ],
            options={
                "verbose_name": "capture",
                "verbose_name_plural": "captures",
                "constraints": [
                    models.UniqueConstraint(fields=("reference",), name="capture_reference_once"),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="capture_amount_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Refund",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("reference", models.CharField(max_length=80, verbose_name="reference")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                ("lapsed", models.BooleanField(verbose_name="to the programme")),
                ("refunded_at", models.DateTimeField(verbose_name="refunded at")),
                (
                    "redemption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="refunds", to="vouchers.redemption"
                    ),
                ),
            ],
            options={
                "verbose_name": "refund",
                "verbose_name_plural": "refunds",
                "constraints": [
                    models.UniqueConstraint(fields=("reference",), name="refund_reference_once"),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="refund_amount_positive"),
                ],
            },
        ),
    ]
