"""Give the desk of integrity its clocks, grounds and files, and keep the calculation of a demand as it was made."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.triggers import append_only

GROUNDS = [
    ("related", "Related parties"),
    ("usage", "Made-up usage"),
    ("twice", "Funded twice"),
    ("papers", "False papers"),
    ("price", "Price out of line"),
    ("report", "A report that is looked into"),
    ("clawback", "A clawback"),
    ("other", "Other grounds"),
]
# What is open from before gets two weeks from now on; working days are counted where findings are written.
KEEP = """
UPDATE vouchers_finding SET due_at = now() + interval '14 days' WHERE status IN ('open', 'assigned');

DROP TRIGGER freeze_lifted_once ON vouchers_freeze;
CREATE TRIGGER freeze_lifted_once BEFORE UPDATE ON vouchers_freeze
FOR EACH ROW WHEN (
    OLD.lifted_at IS NOT NULL
    OR to_jsonb(OLD) - '{lifted_at,lifted_by_id,lift_reason,review_due_at}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{lifted_at,lifted_by_id,lift_reason,review_due_at}'::text[]
)
EXECUTE FUNCTION voucher_refuse('a freeze is lifted, once');

CREATE TRIGGER clawback_calculation_stays BEFORE UPDATE ON vouchers_clawback
FOR EACH ROW WHEN (OLD.decided_at IS NOT NULL AND OLD.calculation IS DISTINCT FROM NEW.calculation)
EXECUTE FUNCTION voucher_refuse('what was calculated stays');
"""
LEAVE = """
DROP TRIGGER clawback_calculation_stays ON vouchers_clawback;
DROP TRIGGER freeze_lifted_once ON vouchers_freeze;
CREATE TRIGGER freeze_lifted_once BEFORE UPDATE ON vouchers_freeze
FOR EACH ROW WHEN (
    OLD.lifted_at IS NOT NULL
    OR to_jsonb(OLD) - '{lifted_at,lifted_by_id,lift_reason}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{lifted_at,lifted_by_id,lift_reason}'::text[]
)
EXECUTE FUNCTION voucher_refuse('a freeze is lifted, once');
"""
PROTECT = django.db.models.deletion.PROTECT


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0024_keep_shared_caps"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ClawbackDocument",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "clawback",
                    models.ForeignKey(on_delete=PROTECT, related_name="documents", to="vouchers.clawback"),
                ),
                (
                    "answer",
                    models.ForeignKey(
                        null=True, on_delete=PROTECT, related_name="documents", to="vouchers.clawbackanswer"
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("file", models.ForeignKey(on_delete=PROTECT, related_name="+", to="vouchers.keptfile")),
                (
                    "handed_in_by",
                    models.ForeignKey(
                        null=True, on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                ("handed_in_at", models.DateTimeField(verbose_name="handed in at")),
            ],
            options={
                "verbose_name": "document of a clawback",
                "verbose_name_plural": "documents of clawbacks",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("clawback", "answer", "file"), name="clawback_document_once", nulls_distinct=False
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="clawback",
            name="calculation",
            field=models.JSONField(default=dict, editable=False, verbose_name="calculation"),
        ),
        migrations.AddField(
            model_name="finding",
            name="due_at",
            field=models.DateTimeField(null=True, verbose_name="to be decided by"),
        ),
        migrations.AddField(
            model_name="freeze",
            name="finding",
            field=models.ForeignKey(
                null=True, on_delete=PROTECT, related_name="freezes", to="vouchers.finding", verbose_name="finding"
            ),
        ),
        migrations.AddField(
            model_name="freeze",
            name="ground",
            field=models.CharField(choices=GROUNDS, db_default="other", max_length=12, verbose_name="ground"),
        ),
        migrations.AddField(
            model_name="freeze",
            name="review_due_at",
            field=models.DateTimeField(null=True, verbose_name="to be looked at again by"),
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.CheckConstraint(
                condition=models.Q(ground__in=[code for code, _label in GROUNDS]), name="freeze_ground_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="freeze",
            constraint=models.CheckConstraint(
                condition=models.Q(review_due_at=None) | models.Q(review_due_at__gt=models.F("frozen_at")),
                name="freeze_reviewed_after_start",
            ),
        ),
        migrations.RunSQL(KEEP, LEAVE),
        append_only("vouchers_clawbackdocument"),
    ]  # fmt: skip
