"""Roles of authorities, conflicts of interest, and the auditor who has no other part."""

import core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.triggers import append_only

SEPARATE = """
CREATE FUNCTION membership_refuse(rule text, detail text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', detail USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = rule;
END $$;

CREATE FUNCTION membership_separate_duties() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    kind text;
BEGIN
    SELECT organization.kind INTO kind FROM accounts_organization organization WHERE id = NEW.organization_id;
    IF NEW.role IN ('district', 'expert', 'auditor') AND kind <> 'authority' THEN
        PERFORM membership_refuse('membership_role_fits', 'only authorities have ' || NEW.role || 's');
    END IF;
    IF kind NOT IN ('authority', 'operator') THEN
        RETURN NEW;
    END IF;
    -- Two seats given to one person at the same moment wait for each other here.
    PERFORM 1 FROM accounts_user WHERE id = NEW.user_id FOR NO KEY UPDATE;
    IF EXISTS (
        SELECT 1 FROM accounts_membership other
        JOIN accounts_organization organization ON organization.id = other.organization_id
        WHERE other.user_id = NEW.user_id AND other.id <> NEW.id AND organization.kind IN ('authority', 'operator')
          AND (other.role = 'auditor') <> (NEW.role = 'auditor')
    ) THEN
        PERFORM membership_refuse('membership_auditor_apart', 'an auditor has no other part in what they audit');
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER membership_separate_duties BEFORE INSERT OR UPDATE ON accounts_membership
FOR EACH ROW EXECUTE FUNCTION membership_separate_duties();
"""

UNITE = """
DROP TRIGGER membership_separate_duties ON accounts_membership;
DROP FUNCTION membership_separate_duties();
DROP FUNCTION membership_refuse(text, text);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_onboarding"),
    ]

    operations = [
        migrations.CreateModel(
            name="Interest",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("note", models.CharField(max_length=300, verbose_name="nature of the interest")),
                ("declared_at", models.DateTimeField(verbose_name="declared at")),
                (
                    "organization",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interests",
                        to="accounts.organization",
                        verbose_name="organisation",
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="interests",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "declared interest",
                "verbose_name_plural": "declared interests",
                "constraints": [
                    models.UniqueConstraint(fields=("user", "organization"), name="interest_once"),
                    models.CheckConstraint(condition=models.Q(("note", ""), _negated=True), name="interest_explained"),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="membership",
            name="membership_role_known",
        ),
        migrations.AddField(
            model_name="membership",
            name="district",
            field=models.CharField(blank=True, max_length=40, verbose_name="district"),
        ),
        migrations.AlterField(
            model_name="membership",
            name="role",
            field=models.CharField(
                choices=[
                    ("owner", "Owner"),
                    ("trader", "Trader"),
                    ("finance", "Finance"),
                    ("reviewer", "Reviewer"),
                    ("district", "District reviewer"),
                    ("expert", "Expert"),
                    ("auditor", "Auditor"),
                    ("viewer", "Viewer"),
                ],
                max_length=16,
                verbose_name="role",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("role__in", ["owner", "trader", "finance", "reviewer", "district", "expert", "auditor", "viewer"])
                ),
                name="membership_role_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="membership",
            constraint=models.CheckConstraint(
                condition=models.Q(("role", "district"), ("district", ""), _connector="XOR"),
                name="membership_district_of_district_reviewers",
            ),
        ),
        append_only("accounts_interest"),
        migrations.RunSQL(SEPARATE, UNITE),
    ]
