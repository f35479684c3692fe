"""Keep the rules that were played against the past, and what came out."""

import core.fields
import core.ids
import django.db.models.deletion
import vouchers.models.parameters
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0025_desk_of_integrity"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Simulation",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("before", vouchers.models.parameters.ParametersField(editable=False, verbose_name="rules in force")),
                ("parameters", vouchers.models.parameters.ParametersField(editable=False, verbose_name="parameters")),
                ("first_on", models.DateField(verbose_name="from")),
                ("closes_on", models.DateField(verbose_name="until, not included")),
                ("asked_at", models.DateTimeField(verbose_name="asked at")),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("told_at", models.DateTimeField(null=True)),
                ("done", models.PositiveIntegerField(default=0)),
                ("total", models.PositiveIntegerField(default=0)),
                ("outcome", models.JSONField(editable=False, null=True, verbose_name="outcome")),
                ("finished_at", models.DateTimeField(null=True, verbose_name="finished at")),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="asked by",
                    ),
                ),
                (
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="simulations", to="vouchers.programme"
                    ),
                ),
                (
                    "version",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.programmeversion",
                    ),
                ),
            ],
            options={
                "verbose_name": "simulation",
                "verbose_name_plural": "simulations",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status__in", ["queued", "running"])),
                        fields=["asked_at"],
                        name="simulation_to_play",
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["queued", "running", "done", "failed"])),
                        name="simulation_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("first_on__lt", models.F("closes_on"))), name="simulation_period_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("outcome__isnull", False), ("status", "done")),
                            models.Q(models.Q(("status", "done"), _negated=True), ("outcome__isnull", True)),
                            _connector="OR",
                        ),
                        name="simulation_done_with_an_outcome",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("finished_at", None), ("status__in", ["queued", "running"])),
                            models.Q(("finished_at__isnull", False), ("status__in", ["done", "failed"])),
                            _connector="OR",
                        ),
                        name="simulation_finished_once",
                    ),
                ],
            },
        ),
    ]
