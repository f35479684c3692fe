"""Keep every version of a programme, from the one it was published with."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.fields
import vouchers.models.parameters

FILL = """
INSERT INTO vouchers_programmeversion (
    programme_id, number, status, parameters, ratio_bp, order_cap_fen, funders, reason, drafted_by_id, drafted_at,
    published_by_id, published_at
)
SELECT id, 1, 'published', parameters, ratio_bp, order_cap_fen,
    coalesce(jsonb_array_length(parameters #> '{money,funders}'), 0), '', drafted_by_id, created_at, published_by_id,
    published_at
FROM vouchers_programme WHERE published_at IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0014_claim_lines_by_provider"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="programme",
            name="version",
            field=models.PositiveSmallIntegerField(default=1, editable=False, verbose_name="version"),
        ),
        migrations.AddField(
            model_name="grant",
            name="version",
            field=models.PositiveSmallIntegerField(
                db_default=1, editable=False, verbose_name="version of the programme"
            ),
        ),
        migrations.CreateModel(
            name="ProgrammeVersion",
            fields=[
                ("status", core.fields.StatusField(max_length=16)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("number", models.PositiveSmallIntegerField(verbose_name="version")),
                (
                    "parameters",
                    vouchers.models.parameters.ParametersField(editable=False, verbose_name="parameters"),
                ),
                ("ratio_bp", models.PositiveIntegerField(verbose_name="ratio (basis points)")),
                ("order_cap_fen", core.fields.FenField(null=True, verbose_name="cap per order (fen)")),
                ("funders", models.PositiveSmallIntegerField(default=0, verbose_name="funders")),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                ("drafted_at", models.DateTimeField(verbose_name="drafted at")),
                ("published_at", models.DateTimeField(null=True, verbose_name="published at")),
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
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="versions", to="vouchers.programme"
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
                (
                    "supersedes",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.programmeversion",
                    ),
                ),
            ],
            options={
                "verbose_name": "version of a programme",
                "verbose_name_plural": "versions of programmes",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "dropped"), _negated=True),
                        fields=("programme", "number"),
                        name="version_number_once",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "draft")),
                        fields=("programme",),
                        name="version_one_draft_at_a_time",
                    ),
                    models.CheckConstraint(condition=models.Q(("number__gte", 1)), name="version_number_from_one"),
                    models.CheckConstraint(
                        condition=models.Q(("number", 1), ("supersedes__isnull", False), _connector="OR"),
                        name="version_supersedes_one",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("published_by", None),
                            models.Q(("published_by", models.F("drafted_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="version_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("published_at__isnull", False),
                                ("published_by__isnull", False),
                                ("status", "published"),
                            ),
                            models.Q(
                                ("published_at", None), ("published_by", None), ("status__in", ["draft", "dropped"])
                            ),
                            _connector="OR",
                        ),
                        name="version_published_by_someone",
                    ),
                ],
            },
        ),
        migrations.RunSQL(FILL, migrations.RunSQL.noop),
    ]
