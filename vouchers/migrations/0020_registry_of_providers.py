"""A registry of providers: by service item and batch, for some days, reviewed and perhaps suspended."""

import core.fields
import core.ids
import django.contrib.postgres.constraints
import django.contrib.postgres.fields.ranges
import django.db.models.deletion
import vouchers.models.provider_listing
from django.conf import settings
from django.db import migrations, models

from core.triggers import never_deleted


KEEP = """
CREATE TRIGGER provider_listing_starts_applied BEFORE INSERT ON vouchers_providerlisting
FOR EACH ROW WHEN (NEW.status <> 'applied') EXECUTE FUNCTION voucher_refuse('a listing starts as an application');

CREATE TRIGGER provider_listing_identity BEFORE UPDATE ON vouchers_providerlisting
FOR EACH ROW WHEN (
    to_jsonb(OLD) - '{status,decided_by_id,decided_at,reason}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,decided_by_id,decided_at,reason}'::text[]
)
EXECUTE FUNCTION voucher_refuse('a listing stays what was applied for');

CREATE TRIGGER provider_listing_moves_as_allowed BEFORE UPDATE OF status ON vouchers_providerlisting
FOR EACH ROW WHEN (OLD.status <> NEW.status AND NOT CASE OLD.status
        WHEN 'applied' THEN NEW.status IN ('review', 'rejected')
        WHEN 'review' THEN NEW.status IN ('listed', 'rejected')
        WHEN 'listed' THEN NEW.status IN ('suspended', 'delisted', 'expired')
        WHEN 'suspended' THEN NEW.status IN ('listed', 'delisted', 'expired')
        ELSE false END)
EXECUTE FUNCTION voucher_refuse('a listing does not move like this');
"""

UNKEEP = """
DROP TRIGGER provider_listing_moves_as_allowed ON vouchers_providerlisting;
DROP TRIGGER provider_listing_identity ON vouchers_providerlisting;
DROP TRIGGER provider_listing_starts_applied ON vouchers_providerlisting;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_keep_ties"),
        ("vouchers", "0019_state_facts_of_applicants"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="ProviderListing",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("item", models.CharField(blank=True, max_length=200, verbose_name="service item")),
                ("categories", models.JSONField(default=list, editable=False, verbose_name="categories")),
                ("batch", models.CharField(blank=True, max_length=80, verbose_name="batch")),
                ("valid_from", models.DateField(verbose_name="valid from")),
                ("valid_until", models.DateField(verbose_name="valid until")),
                ("applied_at", models.DateTimeField(verbose_name="applied at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "applied_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="applied by",
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
                    "programme",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="listings", to="vouchers.programme"
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="listings", to="accounts.organization"
                    ),
                ),
            ],
            options={
                "verbose_name": "listing of a provider",
                "verbose_name_plural": "listings of providers",
                "indexes": [
                    models.Index(fields=["programme", "provider", "status"], name="provider_listing_lookup"),
                    models.Index(
                        condition=models.Q(("status__in", ("listed", "suspended"))),
                        fields=["valid_until"],
                        name="provider_listing_to_expire",
                    ),
                ],
                "constraints": [
                    django.contrib.postgres.constraints.ExclusionConstraint(
                        condition=models.Q(("status__in", ["rejected", "delisted", "expired"]), _negated=True),
                        expressions=[
                            ("programme", "="),
                            ("provider", "="),
                            ("item", "="),
                            (
                                vouchers.models.provider_listing.Days(
                                    "valid_from", "valid_until", django.contrib.postgres.fields.ranges.RangeBoundary()
                                ),
                                "&&",
                            ),
                        ],
                        name="provider_listed_once_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("valid_from__lt", models.F("valid_until"))),
                        name="provider_listing_days_in_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            models.Q(("decided_by", models.F("applied_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="provider_listing_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["applied", "review"]),
                            models.Q(("decided_at__isnull", False), ("decided_by__isnull", False)),
                            _connector="OR",
                        ),
                        name="provider_listing_decided_by_someone",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status__in", ["rejected", "suspended"]), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="provider_listing_refused_with_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "status__in",
                                ["applied", "review", "listed", "suspended", "rejected", "delisted", "expired"],
                            )
                        ),
                        name="provider_listing_status_known",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEEP, UNKEEP),
        never_deleted("vouchers_providerlisting"),
    ]
