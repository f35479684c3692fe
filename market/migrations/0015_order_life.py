"""Let orders stand for one clearing or until a time of their own, and quotes hold cards until they expire."""

import core.fields
import core.ids
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from core.triggers import never_deleted

MOVES = """
CREATE TRIGGER market_quote_moves BEFORE UPDATE OF status ON market_quote FOR EACH ROW
WHEN (OLD.status <> NEW.status
    AND OLD.status || ' ' || NEW.status NOT IN ('open accepted', 'open withdrawn', 'open expired'))
EXECUTE FUNCTION refuse_move();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_onboarding"),
        ("market", "0014_order_conditions"),
    ]

    operations = [
        migrations.CreateModel(
            name="Quote",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("name", models.CharField(blank=True, max_length=120, verbose_name="name")),
                ("count", models.PositiveIntegerField(verbose_name="cards")),
                ("starts_at", models.DateTimeField(verbose_name="starts at")),
                ("ends_at", models.DateTimeField(verbose_name="ends at")),
                (
                    "hourly_micro",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), size=None, verbose_name="price in each hour (micro-yuan)"
                    ),
                ),
                ("price_micro", core.fields.MicroField(verbose_name="price per card-hour (micro-yuan)")),
                ("input_sha256", models.CharField(max_length=64, verbose_name="input digest")),
                ("quoted_at", models.DateTimeField(verbose_name="quoted at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="quotes", to="accounts.organization"
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="quotes", to="market.offering"
                    ),
                ),
            ],
            options={
                "verbose_name": "quote",
                "verbose_name_plural": "quotes",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("count__gt", 0)), name="quote_count_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="quote_not_empty"
                    ),
                    models.CheckConstraint(condition=models.Q(("price_micro__gt", 0)), name="quote_price_positive"),
                    models.CheckConstraint(
                        condition=models.Q(("hourly_micro__len__gt", 0)), name="quote_has_hourly_prices"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("expires_at__gt", models.F("quoted_at")), ("expires_at__lte", models.F("starts_at"))
                        ),
                        name="quote_expires_before_its_start",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["open", "accepted", "withdrawn", "expired"])),
                        name="quote_status_known",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["buyer", "-quoted_at"], name="quote_by_buyer"),
                    models.Index(condition=models.Q(("status", "open")), fields=["expires_at"], name="quote_to_expire"),
                ],
            },
        ),
        migrations.AddField(
            model_name="order",
            name="good_till",
            field=models.DateTimeField(blank=True, null=True, verbose_name="good till"),
        ),
        migrations.AddField(
            model_name="order",
            name="time_in_force",
            field=models.CharField(
                choices=[
                    ("window", "When it can no longer start"),
                    ("immediate-or-cancel", "At the first clearing that does not match it"),
                    ("good-till-time", "At a time of your own"),
                ],
                db_default="window",
                default="window",
                max_length=20,
                verbose_name="time in force",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("time_in_force__in", ["window", "immediate-or-cancel", "good-till-time"])),
                name="order_time_in_force_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("time_in_force", "good-till-time"), ("good_till__isnull", False)),
                    models.Q(models.Q(("time_in_force", "good-till-time"), _negated=True), ("good_till", None)),
                    _connector="OR",
                ),
                name="order_good_till_has_time",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("good_till", None),
                    models.Q(("good_till__gt", models.F("placed_at")), ("good_till__lte", models.F("start_max"))),
                    _connector="OR",
                ),
                name="order_good_till_within_its_life",
            ),
        ),
        migrations.AddField(
            model_name="match",
            name="quote",
            field=models.OneToOneField(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="match", to="market.quote"
            ),
        ),
        migrations.RunSQL(MOVES, "DROP TRIGGER market_quote_moves ON market_quote;"),
        never_deleted("market_quote"),
    ]
