"""Related parties, who are never changed or deleted."""

import core.ids
import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_keep_audit_entries_as_written"),
    ]

    operations = [
        migrations.CreateModel(
            name="Relation",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "ground",
                    models.CharField(
                        choices=[
                            ("representative", "Same legal representative"),
                            ("controller", "Same controller"),
                            ("shareholding", "One holds shares of the other"),
                            ("other", "Another relation"),
                        ],
                        max_length=16,
                        verbose_name="ground",
                    ),
                ),
                ("source", models.CharField(max_length=200, verbose_name="source")),
                ("declared_at", models.DateTimeField(verbose_name="declared at")),
                (
                    "first",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                        verbose_name="organisation",
                    ),
                ),
                (
                    "second",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                        verbose_name="related organisation",
                    ),
                ),
            ],
            options={
                "verbose_name": "related parties",
                "verbose_name_plural": "related parties",
                "constraints": [
                    models.UniqueConstraint(fields=("first", "second", "ground"), name="relation_once_per_ground"),
                    models.CheckConstraint(
                        condition=models.Q(("first__lt", models.F("second"))), name="relation_first_key_is_smaller"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ground__in", ["representative", "controller", "shareholding", "other"])),
                        name="relation_ground_known",
                    ),
                ],
            },
        ),
        append_only("accounts_relation"),
    ]
