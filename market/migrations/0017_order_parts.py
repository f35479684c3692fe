"""Let several matches serve an order that may be split, and never more of them than it wants."""

import django.db.models.deletion
from django.db import migrations, models


# Parts of one order wait for each other at its row; what they add up to is read by the statement after the lock.
PARTS = """
CREATE FUNCTION market_match_part_fits() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    placed record;
    before record;
BEGIN
    SELECT parts_max, count::bigint * hours AS card_hours INTO placed
    FROM market_order WHERE id = NEW.order_id FOR NO KEY UPDATE;
    SELECT count(*) AS parts, coalesce(sum(card_hours), 0) AS card_hours, coalesce(bool_or(card_hours IS NULL), false)
        AS whole INTO before
    FROM market_match WHERE order_id = NEW.order_id;
    IF before.whole OR before.parts + 1 > placed.parts_max
        OR before.card_hours + NEW.card_hours > placed.card_hours
    THEN
        RAISE EXCEPTION 'order % gets more parts than it wants', NEW.order_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'match_parts_within_order';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER match_parts_within_order BEFORE INSERT ON market_match
FOR EACH ROW WHEN (NEW.card_hours IS NOT NULL) EXECUTE FUNCTION market_match_part_fits();
"""
NO_PARTS = """
DROP TRIGGER match_parts_within_order ON market_match;
DROP FUNCTION market_match_part_fits();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_keep_ties"),
        ("market", "0016_ask_for_pue_green_power_and_reliability"),
    ]

    operations = [
        migrations.RemoveConstraint(
            model_name="order",
            name="order_unmatched_reason_known",
        ),
        migrations.AddField(
            model_name="match",
            name="card_hours",
            field=models.PositiveBigIntegerField(null=True, verbose_name="card-hours of the part"),
        ),
        migrations.AddField(
            model_name="match",
            name="part",
            field=models.PositiveSmallIntegerField(db_default=1, default=1, verbose_name="part"),
        ),
        migrations.AddField(
            model_name="order",
            name="all_or_none",
            field=models.BooleanField(db_default=False, default=False, verbose_name="all or none"),
        ),
        migrations.AddField(
            model_name="order",
            name="part_cards",
            field=models.PositiveIntegerField(null=True, verbose_name="cards of a part, at least"),
        ),
        migrations.AddField(
            model_name="order",
            name="part_hours",
            field=models.PositiveIntegerField(null=True, verbose_name="hours of a part, at least"),
        ),
        migrations.AddField(
            model_name="order",
            name="parts_max",
            field=models.PositiveSmallIntegerField(db_default=1, default=1, verbose_name="parts, at most"),
        ),
        migrations.AlterField(
            model_name="match",
            name="order",
            field=models.ForeignKey(
                db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="matches", to="market.order"
            ),
        ),
        migrations.AlterField(
            model_name="order",
            name="unmatched_reason",
            field=models.CharField(
                blank=True,
                choices=[
                    ("no-model", "No offering of an acceptable model"),
                    ("no-provider", "No offering of an accepted provider"),
                    ("no-category", "No offering for this kind of work"),
                    ("consent", "The terms of service of every offering wait for your consent"),
                    ("lot", "No offering sells this many cards or hours in one order"),
                    ("tflops", "No offering of a model with a figure at this precision"),
                    ("refused", "Only refused providers have what would fit"),
                    ("no-domestic", "Only cards that are not domestic would fit"),
                    ("memory", "No offering that would fit has so much memory per card"),
                    ("interconnect", "No offering that would fit has so much bandwidth between cards"),
                    ("pue", "No offering that would fit has a certified PUE as low"),
                    ("green", "No offering that would fit has a certified share of green power as large"),
                    ("reliability", "No offering that would fit is as reliable"),
                    ("ring", "No offering that would fit is so near"),
                    ("window", "No offering is open over the window"),
                    ("price-gap", "Every offering costs more than the limit"),
                    ("capacity", "Not enough cards are free in the window"),
                    ("outranked", "Other orders were worth more per card-hour"),
                    ("parts", "The parts that are free do not add up to the whole order"),
                    ("site", "Nothing that would fit stands at the site of your reservation"),
                ],
                max_length=16,
            ),
        ),
        migrations.AlterField(
            model_name="reservation",
            name="order",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="reservations", to="market.order"
            ),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.UniqueConstraint(fields=("order", "part"), name="match_once_per_part"),
        ),
        migrations.AddConstraint(
            model_name="match",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("card_hours", None), ("part", 1)),
                    models.Q(("card_hours__gt", 0), ("card_hours__isnull", False), ("part__gt", 0)),
                    _connector="OR",
                ),
                name="match_part_has_card_hours",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("all_or_none", False), ("part_cards", None), ("part_hours", None), ("parts_max", 1)),
                    models.Q(
                        ("part_cards__gt", 0),
                        ("part_hours__gt", 0),
                        ("parts_max__gt", 1),
                        ("parts_max__lte", 20),
                        ("tflops", None),
                        ("part_cards__isnull", False),
                        ("part_hours__isnull", False),
                        ("part_cards__lte", models.F("count")),
                        ("part_hours__lte", models.F("hours")),
                    ),
                    _connector="OR",
                ),
                name="order_parts_make_sense",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("all_or_none", False), ("part_cards", None), ("part_hours", None), ("parts_max", 1)),
                    ("kind", "instant"),
                    _connector="OR",
                ),
                name="order_parts_are_instant",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "unmatched_reason__in",
                        [
                            "",
                            "no-model",
                            "no-provider",
                            "no-category",
                            "consent",
                            "lot",
                            "tflops",
                            "refused",
                            "no-domestic",
                            "memory",
                            "interconnect",
                            "pue",
                            "green",
                            "reliability",
                            "ring",
                            "window",
                            "price-gap",
                            "capacity",
                            "outranked",
                            "parts",
                            "site",
                        ],
                    )
                ),
                name="order_unmatched_reason_known",
            ),
        ),
        migrations.RunSQL(PARTS, NO_PARTS),
    ]
