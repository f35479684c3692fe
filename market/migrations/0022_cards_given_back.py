"""Let buyers give cards back while the others go on."""

import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only

COUNT = """
CREATE FUNCTION market_count_returned_cards() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE market_reservation
    SET given_back = (SELECT sum(cards) FROM market_returnedcards WHERE reservation_id = NEW.reservation_id)
    WHERE id = NEW.reservation_id AND NEW.hour >= starts_at AND NEW.hour < ends_at;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'no cards of reservation % are held from % on', NEW.reservation_id, NEW.hour
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'returned_cards_within_reservation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER returned_cards_count AFTER INSERT ON market_returnedcards
FOR EACH ROW EXECUTE FUNCTION market_count_returned_cards();
"""
COUNT_NOT = """
DROP TRIGGER returned_cards_count ON market_returnedcards;
DROP FUNCTION market_count_returned_cards();
"""
KINDS = [
    ("claimed", "Preparation began"),
    ("access", "Access was reported"),
    ("started", "Use began"),
    ("confirmed", "The buyer confirmed access"),
    ("extended", "Extended"),
    ("shortened", "Shortened"),
    ("returned", "Cards given back"),
    ("reclaimed", "Reclaim announced"),
    ("stopped", "Over"),
]


class Migration(migrations.Migration):
    dependencies = [("market", "0021_notice_of_reservations")]

    operations = [
        migrations.AddField(
            model_name="reservation",
            name="given_back",
            field=models.PositiveIntegerField(db_default=0, default=0, editable=False, verbose_name="cards given back"),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("given_back__gte", 0), ("given_back__lt", models.F("count"))),
                name="reservation_keeps_a_card",
            ),
        ),
        migrations.CreateModel(
            name="ReturnedCards",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("hour", models.DateTimeField(verbose_name="from")),
                ("cards", models.PositiveIntegerField(verbose_name="cards given back")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "reservation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="returned", to="market.reservation"
                    ),
                ),
            ],
            options={
                "verbose_name": "cards given back",
                "verbose_name_plural": "cards given back",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("cards__gt", 0)), name="returned_cards_positive")
                ],
            },
        ),
        migrations.RemoveConstraint(model_name="reservationevent", name="reservation_event_kind_known"),
        migrations.AlterField(
            model_name="reservationevent",
            name="kind",
            field=models.CharField(choices=KINDS, max_length=16, verbose_name="step"),
        ),
        migrations.AddConstraint(
            model_name="reservationevent",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", [kind for kind, _label in KINDS])), name="reservation_event_kind_known"
            ),
        ),
        migrations.RunSQL(COUNT, COUNT_NOT),
        append_only("market_returnedcards"),
    ]
