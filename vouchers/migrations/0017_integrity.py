"""What is frozen, who is barred, what looks like misuse, and what is taken back."""

import core.fields
import core.ids
import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_keep_ties"),
        ("ledger", "0006_reserve_row_by_row"),
        ("vouchers", "0016_keep_versions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Blacklisting",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("reason", models.TextField(verbose_name="reason")),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("lifted_at", models.DateTimeField(null=True, verbose_name="lifted at")),
                ("lift_reason", models.TextField(blank=True, verbose_name="reason for lifting")),
                (
                    "decided_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "lifted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="lifted by",
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="blacklistings",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "blacklisting",
                "verbose_name_plural": "blacklistings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="blacklisting_ends_after_start"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="blacklisting_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lifted_by", None),
                            models.Q(("lifted_by", models.F("decided_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="blacklisting_maker_is_not_checker",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["organization", "ends_at"], name="blacklisting_by_entity"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Finding",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                (
                    "rule",
                    models.CharField(
                        choices=[
                            ("RELATED_PARTY", "Related parties"),
                            ("RELATED_FLAG", "Shares held below the threshold"),
                            ("CIRCULAR_TRADE", "Circular trade"),
                            ("SPLITTING", "Splitting under one controller"),
                            ("BOTH_SIDES", "Both sides claim"),
                            ("DUPLICATE_CONTRACT", "Contract used twice"),
                            ("DUPLICATE_INVOICE", "Invoice used twice"),
                            ("PRICE_OUTLIER", "Price far above others"),
                            ("PRICE_RAISED", "Price raised just after a grant"),
                            ("IDLE_USAGE", "Billed but idle"),
                            ("SAME_JOB", "The same job again and again"),
                            ("LAST_HOURS", "Used up just before the expiry"),
                            ("METER_MISMATCH", "Meter and bill differ"),
                            ("KICKBACK", "Money came back from a linked account"),
                            ("FRESH_ENTITY", "New entity, largest grant, one provider"),
                            ("TIP", "Reported by somebody"),
                            ("MANUAL", "Found by a person"),
                        ],
                        max_length=24,
                        verbose_name="rule",
                    ),
                ),
                (
                    "severity",
                    models.CharField(
                        choices=[("low", "Low"), ("medium", "Medium"), ("high", "High")],
                        max_length=8,
                        verbose_name="severity",
                    ),
                ),
                ("dedupe_key", models.CharField(editable=False, max_length=200)),
                ("amount_fen", core.fields.FenField(default=0, verbose_name="amount (fen)")),
                ("evidence", models.JSONField(verbose_name="evidence")),
                ("found_at", models.DateTimeField(verbose_name="found at")),
                ("assigned_at", models.DateTimeField(null=True, verbose_name="assigned at")),
                ("asked_at", models.DateTimeField(null=True, verbose_name="asked to explain at")),
                ("answer_due_at", models.DateTimeField(null=True, verbose_name="answer due")),
                ("answer", models.TextField(blank=True, verbose_name="answer")),
                ("answered_at", models.DateTimeField(null=True, verbose_name="answered at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                (
                    "assigned_to",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="assigned to",
                    ),
                ),
                (
                    "counterparty",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                        verbose_name="other party",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "found_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="found by",
                    ),
                ),
                (
                    "grant",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="vouchers.grant",
                        verbose_name="grant",
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="vouchers.programme",
                        verbose_name="programme",
                    ),
                ),
                (
                    "redemption",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="vouchers.redemption",
                        verbose_name="redemption",
                    ),
                ),
                (
                    "subject",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="findings",
                        to="accounts.organization",
                        verbose_name="concerns",
                    ),
                ),
            ],
            options={
                "verbose_name": "finding",
                "verbose_name_plural": "findings",
                "constraints": [
                    models.UniqueConstraint(fields=("dedupe_key",), name="finding_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "rule__in",
                                [
                                    "RELATED_PARTY",
                                    "RELATED_FLAG",
                                    "CIRCULAR_TRADE",
                                    "SPLITTING",
                                    "BOTH_SIDES",
                                    "DUPLICATE_CONTRACT",
                                    "DUPLICATE_INVOICE",
                                    "PRICE_OUTLIER",
                                    "PRICE_RAISED",
                                    "IDLE_USAGE",
                                    "SAME_JOB",
                                    "LAST_HOURS",
                                    "METER_MISMATCH",
                                    "KICKBACK",
                                    "FRESH_ENTITY",
                                    "TIP",
                                    "MANUAL",
                                ],
                            )
                        ),
                        name="finding_rule_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("severity__in", ["low", "medium", "high"])), name="finding_severity_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["open", "assigned", "explained", "upheld", "dismissed"])),
                        name="finding_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gte", 0)), name="finding_amount_not_negative"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status", "open"),
                            models.Q(("assigned_to__isnull", False), ("status", "assigned")),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                models.Q(("reason", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="finding_decided_with_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            ("found_by", None),
                            models.Q(("decided_by", models.F("found_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="finding_maker_is_not_checker",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["status", "severity", "-found_at"], name="finding_queue"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Clawback",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("reason", models.TextField(verbose_name="reason")),
                ("raised_at", models.DateTimeField(verbose_name="raised at")),
                ("held_at", models.DateTimeField(null=True, verbose_name="value frozen at")),
                ("notice", models.TextField(blank=True, verbose_name="notice")),
                ("notified_at", models.DateTimeField(null=True, verbose_name="notified at")),
                ("response_due_at", models.DateTimeField(null=True, verbose_name="answer due")),
                ("responded_at", models.DateTimeField(null=True, verbose_name="answered at")),
                ("decision", models.TextField(blank=True, verbose_name="decision")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("principal_fen", core.fields.FenField(default=0, verbose_name="principal (fen)")),
                ("interest_fen", core.fields.FenField(default=0, verbose_name="interest (fen)")),
                ("revoked_fen", core.fields.FenField(default=0, verbose_name="revoked of the grant (fen)")),
                ("recovered_fen", core.fields.FenField(db_default=0, editable=False, verbose_name="repaid (fen)")),
                ("offset_fen", core.fields.FenField(db_default=0, editable=False, verbose_name="offset (fen)")),
                ("pay_by", models.DateTimeField(null=True, verbose_name="to be paid by")),
                ("demanded_at", models.DateTimeField(null=True, verbose_name="demanded at")),
                ("closed_at", models.DateTimeField(null=True, verbose_name="closed at")),
                ("referred_to", models.CharField(blank=True, max_length=200, verbose_name="referred to")),
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
                    "blacklisting",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clawback",
                        to="vouchers.blacklisting",
                        verbose_name="blacklisting",
                    ),
                ),
                (
                    "debtor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clawbacks",
                        to="accounts.organization",
                        verbose_name="who owes",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "grant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clawbacks",
                        to="vouchers.grant",
                        verbose_name="grant",
                    ),
                ),
                (
                    "notified_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="notified by",
                    ),
                ),
                (
                    "raised_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="raised by",
                    ),
                ),
                (
                    "finding",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clawbacks",
                        to="vouchers.finding",
                        verbose_name="finding",
                    ),
                ),
            ],
            options={
                "verbose_name": "clawback",
                "verbose_name_plural": "clawbacks",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                [
                                    "suspected",
                                    "hold_placed",
                                    "notice_sent",
                                    "responded",
                                    "upheld",
                                    "dismissed",
                                    "demanded",
                                    "recovered",
                                    "referred",
                                ],
                            )
                        ),
                        name="clawback_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="clawback_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            ("raised_by", None),
                            models.Q(("decided_by", models.F("raised_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="clawback_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["suspected", "hold_placed", "dismissed"]),
                            models.Q(("notified_at__isnull", False), ("response_due_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="clawback_decided_after_a_notice",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ("suspected", "hold_placed", "notice_sent", "responded")),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                models.Q(("decision", ""), _negated=True),
                            ),
                            _connector="OR",
                        ),
                        name="clawback_decided_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["suspected", "hold_placed", "notice_sent", "responded", "dismissed"]),
                            ("responded_at__isnull", False),
                            ("decided_at__gte", models.F("response_due_at")),
                            _connector="OR",
                        ),
                        name="clawback_time_to_answer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("interest_fen__gte", 0), ("principal_fen__gte", 0), ("revoked_fen__gte", 0)
                        ),
                        name="clawback_amounts_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("offset_fen__gte", 0),
                            ("recovered_fen__gte", 0),
                            (
                                "recovered_fen__lte",
                                django.db.models.expressions.CombinedExpression(
                                    django.db.models.expressions.CombinedExpression(
                                        models.F("principal_fen"), "+", models.F("interest_fen")
                                    ),
                                    "-",
                                    models.F("offset_fen"),
                                ),
                            ),
                        ),
                        name="clawback_recovered_within_demand",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "recovered"), _negated=True),
                            models.Q(
                                ("closed_at__isnull", False),
                                (
                                    "recovered_fen",
                                    django.db.models.expressions.CombinedExpression(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("principal_fen"), "+", models.F("interest_fen")
                                        ),
                                        "-",
                                        models.F("offset_fen"),
                                    ),
                                ),
                            ),
                            _connector="OR",
                        ),
                        name="clawback_recovered_whole",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClawbackAnswer",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("text", models.TextField(verbose_name="answer")),
                ("answered_at", models.DateTimeField(verbose_name="answered at")),
                (
                    "answered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "clawback",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="answers", to="vouchers.clawback"
                    ),
                ),
            ],
            options={
                "verbose_name": "answer to a notice",
                "verbose_name_plural": "answers to notices",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("text", ""), _negated=True), name="clawback_answer_says_something"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClawbackInstalment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveSmallIntegerField(verbose_name="number")),
                ("due_at", models.DateTimeField(verbose_name="due")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                (
                    "clawback",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="instalments", to="vouchers.clawback"
                    ),
                ),
            ],
            options={
                "verbose_name": "instalment",
                "verbose_name_plural": "instalments",
                "constraints": [
                    models.UniqueConstraint(fields=("clawback", "number"), name="clawback_instalment_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0)), name="clawback_instalment_positive"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClawbackItem",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                (
                    "capture",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="clawback_items",
                        to="vouchers.capture",
                    ),
                ),
                (
                    "clawback",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="items", to="vouchers.clawback"
                    ),
                ),
            ],
            options={
                "verbose_name": "captured value taken back",
                "verbose_name_plural": "captured values taken back",
                "constraints": [
                    models.UniqueConstraint(fields=("clawback", "capture"), name="clawback_item_once"),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="clawback_item_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClawbackRecovery",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "kind",
                    models.CharField(
                        choices=[("repayment", "Repaid"), ("offset", "Offset against a claim")],
                        max_length=12,
                        verbose_name="kind",
                    ),
                ),
                ("reference", models.CharField(max_length=80, verbose_name="reference")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                ("recovered_at", models.DateTimeField(verbose_name="recovered at")),
                (
                    "clawback",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="recoveries", to="vouchers.clawback"
                    ),
                ),
                (
                    "recorded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "recovery",
                "verbose_name_plural": "recoveries",
                "constraints": [
                    models.UniqueConstraint(fields=("clawback", "reference"), name="clawback_recovery_once"),
                    models.CheckConstraint(
                        condition=models.Q(("amount_fen__gt", 0)), name="clawback_recovery_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["repayment", "offset"])), name="clawback_recovery_kind_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ForeignClaim",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("department", models.CharField(max_length=120, verbose_name="department")),
                (
                    "kind",
                    models.CharField(
                        choices=[("contract", "Contract"), ("invoice", "Invoice")], max_length=8, verbose_name="kind"
                    ),
                ),
                ("number", models.CharField(max_length=80, verbose_name="number")),
                ("entity_code", models.CharField(blank=True, max_length=18, verbose_name="unified social credit code")),
                ("amount_fen", core.fields.FenField(default=0, verbose_name="amount (fen)")),
                ("imported_at", models.DateTimeField(verbose_name="imported at")),
                (
                    "imported_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="imported by",
                    ),
                ),
            ],
            options={
                "verbose_name": "claim elsewhere",
                "verbose_name_plural": "claims elsewhere",
                "constraints": [
                    models.UniqueConstraint(fields=("department", "kind", "number"), name="foreign_claim_once"),
                    models.CheckConstraint(
                        condition=models.Q(("number", ""), _negated=True), name="foreign_claim_has_a_number"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["contract", "invoice"])), name="foreign_claim_kind_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Freeze",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("reason", models.TextField(verbose_name="reason")),
                ("frozen_at", models.DateTimeField(verbose_name="frozen at")),
                ("lifted_at", models.DateTimeField(null=True, verbose_name="lifted at")),
                ("lift_reason", models.TextField(blank=True, verbose_name="reason for lifting")),
                (
                    "frozen_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="frozen by",
                    ),
                ),
                (
                    "grant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="freezes", to="vouchers.grant"
                    ),
                ),
                (
                    "lifted_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="lifted by",
                    ),
                ),
            ],
            options={
                "verbose_name": "freeze",
                "verbose_name_plural": "freezes",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("lifted_at", None)), fields=("grant",), name="freeze_once_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="freeze_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lifted_by", None),
                            models.Q(("lifted_by", models.F("frozen_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="freeze_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("lifted_at", None), ("lifted_at__gte", models.F("frozen_at")), _connector="OR"
                        ),
                        name="freeze_lifted_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tip",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("text", models.TextField(verbose_name="what happened")),
                ("about", models.CharField(blank=True, max_length=200, verbose_name="which firm")),
                ("contact", models.CharField(blank=True, max_length=200, verbose_name="how to reach you")),
                ("received_at", models.DateTimeField(verbose_name="received at")),
                (
                    "finding",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="tip", to="vouchers.finding"
                    ),
                ),
            ],
            options={
                "verbose_name": "tip",
                "verbose_name_plural": "tips",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("text", ""), _negated=True), name="tip_says_something"),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="grant",
            name="grant_status_known",
        ),
        migrations.RemoveIndex(
            model_name="grant",
            name="grant_to_expire",
        ),
        migrations.AddIndex(
            model_name="grant",
            index=models.Index(
                condition=models.Q(("status__in", ("active", "frozen"))), fields=["expires_at"], name="grant_to_expire"
            ),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["proposed", "active", "frozen", "expired", "revoked", "rejected"])),
                name="grant_status_known",
            ),
        ),
    ]
