"""Let offerings have a floor for interruptible orders, and reservations give way to firm ones with notice."""

import core.fields
import datetime
import django.db.models.expressions
import django.db.models.lookups
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_keep_ties"),
        ("market", "0018_publish_auction_rules"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="order",
            name="order_kind_known",
        ),
        migrations.RemoveConstraint(
            model_name="reservationevent",
            name="reservation_event_kind_known",
        ),
        migrations.AddField(
            model_name="offering",
            name="floor_micro",
            field=core.fields.MicroField(
                editable=False, null=True, verbose_name="floor for interruptible orders (micro-yuan)"
            ),
        ),
        migrations.AddField(
            model_name="offering",
            name="reclaim_minutes",
            field=models.PositiveIntegerField(editable=False, null=True, verbose_name="notice of a reclaim (minutes)"),
        ),
        migrations.AddField(
            model_name="reservation",
            name="reclaim_minutes",
            field=models.PositiveIntegerField(null=True, verbose_name="notice of a reclaim (minutes)"),
        ),
        migrations.AddField(
            model_name="reservation",
            name="reclaimed_at",
            field=models.DateTimeField(null=True, verbose_name="reclaim announced at"),
        ),
        migrations.AlterField(
            model_name="order",
            name="kind",
            field=models.CharField(
                choices=[
                    ("instant", "At once, first come first served"),
                    ("auction", "In the next call auction"),
                    ("interruptible", "Interruptible, up to your bid"),
                ],
                default="instant",
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="reservationevent",
            name="kind",
            field=models.CharField(
                choices=[
                    ("claimed", "Preparation began"),
                    ("access", "Access was reported"),
                    ("started", "Use began"),
                    ("confirmed", "The buyer confirmed access"),
                    ("extended", "Extended"),
                    ("reclaimed", "Reclaim announced"),
                    ("stopped", "Over"),
                ],
                max_length=16,
                verbose_name="step",
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("floor_micro", None), ("reclaim_minutes", None)),
                    models.Q(
                        ("floor_micro__gt", 0),
                        ("floor_micro__isnull", False),
                        ("reclaim_minutes__isnull", False),
                        ("reclaim_minutes__lte", 1440),
                    ),
                    _connector="OR",
                ),
                name="offering_floor_has_notice",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["instant", "auction", "interruptible"])), name="order_kind_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("reclaimed_at", None),
                    models.Q(
                        django.db.models.lookups.GreaterThanOrEqual(
                            models.F("ends_at"),
                            models.ExpressionWrapper(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("reclaimed_at"),
                                    "+",
                                    models.ExpressionWrapper(
                                        django.db.models.expressions.CombinedExpression(
                                            models.F("reclaim_minutes"),
                                            "*",
                                            models.Value(datetime.timedelta(seconds=60)),
                                        ),
                                        output_field=models.DurationField(),
                                    ),
                                ),
                                models.DateTimeField(),
                            ),
                        ),
                        ("reclaim_minutes__isnull", False),
                    ),
                    _connector="OR",
                ),
                name="reservation_reclaimed_with_notice",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservationevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["claimed", "access", "started", "confirmed", "extended", "reclaimed", "stopped"])
                ),
                name="reservation_event_kind_known",
            ),
        ),
    ]
