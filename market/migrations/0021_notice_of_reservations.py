"""Keep the notice of the listing with a reservation, and the prices of hours that were given back and taken again."""

from django.conf import settings
from django.db import migrations, models


NOTICE = """
CREATE FUNCTION market_reservation_notice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.notice_hours := (SELECT notice_hours FROM market_offering WHERE id = NEW.offering_id);
    RETURN NEW;
END $$;
CREATE TRIGGER reservation_notice_as_listed BEFORE INSERT ON market_reservation
FOR EACH ROW EXECUTE FUNCTION market_reservation_notice();
"""
NO_NOTICE = """
DROP TRIGGER reservation_notice_as_listed ON market_reservation;
DROP FUNCTION market_reservation_notice();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_onboarding"),
        ("market", "0020_blocks_and_neighbours"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="agreedprice",
            name="agreed_price_once_per_start",
        ),
        migrations.RemoveConstraint(
            model_name="reservationevent",
            name="reservation_event_kind_known",
        ),
        migrations.AddField(
            model_name="agreedprice",
            name="version",
            field=models.PositiveSmallIntegerField(db_default=0, default=0, verbose_name="version"),
        ),
        migrations.AddField(
            model_name="reservation",
            name="notice_hours",
            field=models.PositiveIntegerField(
                db_default=0, editable=False, verbose_name="notice of the listing (hours)"
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
                    ("shortened", "Shortened"),
                    ("reclaimed", "Reclaim announced"),
                    ("stopped", "Over"),
                ],
                max_length=16,
                verbose_name="step",
            ),
        ),
        migrations.AddConstraint(
            model_name="agreedprice",
            constraint=models.UniqueConstraint(
                fields=("reservation", "starts_at", "version"), name="agreed_price_once_per_start"
            ),
        ),
        migrations.AddConstraint(
            model_name="reservationevent",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "kind__in",
                        [
                            "claimed",
                            "access",
                            "started",
                            "confirmed",
                            "extended",
                            "shortened",
                            "reclaimed",
                            "stopped",
                        ],
                    )
                ),
                name="reservation_event_kind_known",
            ),
        ),
        migrations.RunSQL(NOTICE, NO_NOTICE),
    ]
