"""What registers say of organisations, and the ties that follow from it."""

import core.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0005_separate_duties"),
    ]

    operations = [
        migrations.CreateModel(
            name="Shareholding",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("holder_code", models.CharField(max_length=40, verbose_name="code of the holder")),
                ("holder_name", models.CharField(max_length=200, verbose_name="holder")),
                ("held_code", models.CharField(max_length=40, verbose_name="code of the held company")),
                ("held_name", models.CharField(max_length=200, verbose_name="held company")),
                ("share_bp", models.PositiveIntegerField(verbose_name="share (basis points)")),
                ("is_branch", models.BooleanField(default=False, verbose_name="is a branch")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until")),
                ("source", models.CharField(max_length=200, verbose_name="source")),
                ("recorded_at", models.DateTimeField(verbose_name="recorded at")),
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
                "verbose_name": "shareholding",
                "verbose_name_plural": "shareholdings",
                "indexes": [
                    models.Index(fields=["holder_code"], name="shareholding_by_holder"),
                    models.Index(fields=["held_code"], name="shareholding_by_held"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("valid_to", None)),
                        fields=("holder_code", "held_code"),
                        name="shareholding_open_once",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("holder_code", models.F("held_code")), _negated=True),
                        name="shareholding_of_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("share_bp__gt", 0),
                            ("share_bp__lte", 10000),
                            models.Q(("is_branch", False), ("share_bp", 10000), _connector="OR"),
                        ),
                        name="shareholding_share_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                        ),
                        name="shareholding_ends_after_start",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Tie",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("ground", models.CharField(max_length=16)),
                ("share_bp", models.PositiveIntegerField(null=True)),
                ("downward", models.BooleanField(null=True)),
                ("facts", django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None)),
                ("valid_from", models.DateField(null=True)),
                ("valid_to", models.DateField(null=True)),
                (
                    "first",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "second",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "verbose_name": "tie",
                "verbose_name_plural": "ties",
                "constraints": [
                    models.UniqueConstraint(fields=("first", "second", "facts"), name="tie_once_per_chain"),
                    models.CheckConstraint(
                        condition=models.Q(("first__lt", models.F("second"))), name="tie_first_key_is_smaller"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Trait",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("representative", "Legal representative"),
                            ("controller", "Actual controller"),
                            ("manager", "Director, supervisor or senior manager"),
                            ("bank_account", "Bank account"),
                            ("phone", "Phone"),
                            ("address", "Address"),
                            ("domain", "Domain"),
                            ("device", "Payment device"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("value", models.CharField(max_length=200, verbose_name="value")),
                ("shared", models.BooleanField(default=False, verbose_name="shared by strangers")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_to", models.DateField(blank=True, null=True, verbose_name="valid until")),
                ("source", models.CharField(max_length=200, verbose_name="source")),
                ("recorded_at", models.DateTimeField(verbose_name="recorded at")),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="traits", to="accounts.organization"
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
                "verbose_name": "trait",
                "verbose_name_plural": "traits",
                "indexes": [models.Index(fields=["value"], name="trait_by_value")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("valid_to", None)),
                        fields=("organization", "kind", "value"),
                        name="trait_open_once",
                    ),
                    models.CheckConstraint(condition=models.Q(("value", ""), _negated=True), name="trait_has_a_value"),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "kind__in",
                                [
                                    "representative",
                                    "controller",
                                    "manager",
                                    "bank_account",
                                    "phone",
                                    "address",
                                    "domain",
                                    "device",
                                ],
                            )
                        ),
                        name="trait_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("valid_to", None), ("valid_to__gt", models.F("valid_from")), _connector="OR"
                        ),
                        name="trait_ends_after_start",
                    ),
                ],
            },
        ),
    ]
