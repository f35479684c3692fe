"""Providers hand in documents, and an operator verifies them; those that are there begin as applicants."""

import core.fields
import core.ids
import core.uploads
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.triggers import append_only, never_deleted

BEGIN = """
INSERT INTO accounts_onboarding (id, created_at, status, reason, organization_id)
SELECT gen_random_uuid(), now(), 'applied', '', id FROM accounts_organization WHERE kind = 'provider'
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_keep_relations_of_organizations"),
    ]

    operations = [
        migrations.CreateModel(
            name="Onboarding",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("submitted_at", models.DateTimeField(null=True, verbose_name="handed in at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                ("good_until", models.DateField(null=True, verbose_name="good until")),
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
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="onboarding",
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
                "verbose_name": "onboarding",
                "verbose_name_plural": "onboardings",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["applied", "submitted", "verified", "rejected", "suspended", "expired"])
                        ),
                        name="onboarding_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("decided_by", models.F("submitted_by")), _negated=True),
                        name="onboarding_decided_by_another",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["applied", "submitted"]),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("submitted_by__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="onboarding_decision_has_two_people",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "verified"), _negated=True),
                            ("good_until__isnull", False),
                            _connector="OR",
                        ),
                        name="onboarding_verified_until_a_day",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "verified")), fields=["good_until"], name="onboarding_to_expire"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="OnboardingDocument",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("licence", "Business licence"),
                            ("site", "Proof of the right to use the site"),
                            ("permit", "Permit for data centre or cloud services"),
                            ("other", "Other"),
                        ],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("file", models.FileField(max_length=120, upload_to=core.uploads.hidden_place)),
                ("media_type", models.CharField(max_length=40, verbose_name="media type")),
                ("size", models.PositiveIntegerField(verbose_name="bytes")),
                ("sha256", models.CharField(max_length=64, verbose_name="digest")),
                ("uploaded_at", models.DateTimeField(verbose_name="uploaded at")),
                (
                    "onboarding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="documents", to="accounts.onboarding"
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
                "verbose_name": "document of a provider",
                "verbose_name_plural": "documents of providers",
                "constraints": [
                    models.UniqueConstraint(fields=("onboarding", "kind", "sha256"), name="onboarding_document_once"),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["licence", "site", "permit", "other"])),
                        name="onboarding_document_kind_known",
                    ),
                ],
            },
        ),
        migrations.RunSQL(BEGIN, migrations.RunSQL.noop),
        append_only("accounts_onboardingdocument"),
        never_deleted("accounts_onboarding"),
    ]
