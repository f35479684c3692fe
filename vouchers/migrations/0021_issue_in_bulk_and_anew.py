"""Grants from a sheet, grants given up, and grants issued anew after a merger."""

import core.fields
import core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.triggers import append_only, never_deleted


KEEP = """
CREATE OR REPLACE TRIGGER grant_moves_forward BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    OLD.status IN ('expired', 'revoked', 'rejected', 'surrendered', 'superseded') AND NEW.status <> OLD.status
    OR OLD.status <> 'proposed' AND NEW.status IN ('proposed', 'rejected')
)
EXECUTE FUNCTION voucher_refuse('a grant that is over stays over');

CREATE TRIGGER reissue_decided_once BEFORE UPDATE ON vouchers_reissue
FOR EACH ROW WHEN (
    OLD.status <> 'proposed'
    OR to_jsonb(OLD) - '{status,decided_by_id,decided_at,issued_id}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,decided_by_id,decided_at,issued_id}'::text[]
)
EXECUTE FUNCTION voucher_refuse('a re-issue stays what was proposed, and is decided once');
"""

UNKEEP = """
DROP TRIGGER reissue_decided_once ON vouchers_reissue;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0008_size_of_organizations"),
        ("ledger", "0006_reserve_row_by_row"),
        ("vouchers", "0020_registry_of_providers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="GrantBatch",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("sha256", models.CharField(max_length=64, verbose_name="digest")),
                ("rows", models.PositiveIntegerField(verbose_name="rows")),
                ("total_fen", core.fields.FenField(verbose_name="total (fen)")),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="batches", to="vouchers.programme"
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
            ],
            options={
                "verbose_name": "batch of grants",
                "verbose_name_plural": "batches of grants",
                "constraints": [
                    models.UniqueConstraint(fields=("programme", "sha256"), name="grant_batch_sheet_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="GrantBatchRow",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("line", models.PositiveIntegerField(verbose_name="line")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="note")),
                (
                    "batch",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="vouchers.grantbatch"
                    ),
                ),
                (
                    "grant",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="batch_row", to="vouchers.grant"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("batch", "line"), name="grant_batch_line_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reissue",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
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
                        on_delete=django.db.models.deletion.PROTECT, related_name="reissues", to="vouchers.grant"
                    ),
                ),
                (
                    "issued",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reissued_from",
                        to="vouchers.grant",
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
                    "successor",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "verbose_name": "re-issue of a grant",
                "verbose_name_plural": "re-issues of grants",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "rejected"), _negated=True),
                        fields=("grant",),
                        name="reissue_once_a_grant",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="reissue_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="reissue_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_by", None), ("issued", None), ("status", "proposed")),
                            models.Q(("decided_by__isnull", False), ("issued__isnull", False), ("status", "approved")),
                            models.Q(("decided_by__isnull", False), ("issued", None), ("status", "rejected")),
                            _connector="OR",
                        ),
                        name="reissue_decided_by_someone",
                    ),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="grant",
            name="grant_status_known",
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "status__in",
                        ["proposed", "active", "frozen", "expired", "revoked", "rejected", "surrendered", "superseded"],
                    )
                ),
                name="grant_status_known",
            ),
        ),
        migrations.RunSQL(KEEP, UNKEEP),
        append_only("vouchers_grantbatch"),
        append_only("vouchers_grantbatchrow"),
        never_deleted("vouchers_reissue"),
    ]
