"""Let blocks be paid month by month."""

import django.db.models.deletion
from django.db import migrations, models

import core.fields
import core.ids
from core.triggers import append_only, never_deleted

KEEP = """
CREATE TRIGGER billing_instalmentplan_moves BEFORE UPDATE OF status ON billing_instalmentplan FOR EACH ROW
WHEN (OLD.status <> NEW.status AND OLD.status <> 'active') EXECUTE FUNCTION refuse_move();
CREATE TRIGGER instalment_plan_identity BEFORE UPDATE ON billing_instalmentplan
FOR EACH ROW WHEN (
    to_jsonb(OLD) - '{status,periods,next_at,problem,problem_detail,problem_at,ended_at}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,periods,next_at,problem,problem_detail,problem_at,ended_at}'::text[]
    OR OLD.status <> 'active'
    OR NEW.periods NOT BETWEEN OLD.periods AND OLD.periods + 1
    OR (NEW.periods = OLD.periods) <> (NEW.next_at = OLD.next_at)
)
EXECUTE FUNCTION billing_refuse('a plan of instalments stays as it was agreed');
"""
KEEP_NOTHING = """
DROP TRIGGER instalment_plan_identity ON billing_instalmentplan;
DROP TRIGGER billing_instalmentplan_moves ON billing_instalmentplan;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0010_approvals_of_quotes_and_awards"),
        ("market", "0022_cards_given_back"),
    ]

    operations = [
        migrations.CreateModel(
            name="InstalmentPlan",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("periods", models.PositiveIntegerField(default=1, verbose_name="periods set aside")),
                ("next_at", models.DateTimeField(verbose_name="next period from")),
                ("problem", models.CharField(blank=True, max_length=40, verbose_name="problem")),
                (
                    "problem_detail",
                    models.CharField(blank=True, max_length=500, verbose_name="what kept it from being set aside"),
                ),
                ("problem_at", models.DateTimeField(null=True, verbose_name="tried at")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended at")),
                (
                    "grant",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vouchers.grant"
                    ),
                ),
                (
                    "reservation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="instalment_plan",
                        to="market.reservation",
                    ),
                ),
            ],
            options={
                "verbose_name": "plan of instalments",
                "verbose_name_plural": "plans of instalments",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "active")), fields=["next_at"], name="instalment_plan_due"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["active", "done", "missed"])),
                        name="instalment_plan_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("periods__gte", 1)), name="instalment_plan_first_is_paid"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("ended_at", None), ("status", "active")),
                            models.Q(models.Q(("status", "active"), _negated=True), ("ended_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="instalment_plan_ended_has_time",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Instalment",
            fields=[
                (
                    "supplement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="instalment",
                        serialize=False,
                        to="billing.supplement",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="period")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "plan",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="instalments",
                        to="billing.instalmentplan",
                    ),
                ),
            ],
            options={
                "verbose_name": "instalment",
                "verbose_name_plural": "instalments",
                "constraints": [
                    models.UniqueConstraint(fields=("plan", "number"), name="instalment_once"),
                    models.CheckConstraint(condition=models.Q(("number__gte", 2)), name="instalment_after_the_first"),
                ],
            },
        ),
        migrations.RunSQL(KEEP, KEEP_NOTHING),
        append_only("billing_instalment"),
        never_deleted("billing_instalmentplan"),
    ]
