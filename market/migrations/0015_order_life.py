"""Let orders stand for one clearing, or until a time of their own."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_keep_audit_entries_as_written"),
        ("market", "0014_order_conditions"),
    ]

    operations = [
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
    ]
