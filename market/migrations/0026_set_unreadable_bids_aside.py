"""Set bids aside that cannot be read when all are opened; such an envelope never becomes a bid."""

import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only

REASONS = [
    ("cipher", "Sealed with another key, or damaged"),
    ("commitment", "Not what its provider committed to"),
    ("terms", "What is inside makes no bid"),
]
# Either waits for the other: both take the request, as the opening does.
KEEP = """
CREATE FUNCTION market_read_or_set_aside() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM market_rfq request JOIN market_sealedbid envelope ON envelope.rfq_id = request.id
    WHERE envelope.id = NEW.envelope_id FOR NO KEY UPDATE OF request;
    IF EXISTS (SELECT FROM market_unreadablebid WHERE envelope_id = NEW.envelope_id AND TG_TABLE_NAME = 'market_bid')
        OR EXISTS (SELECT FROM market_bid WHERE envelope_id = NEW.envelope_id AND TG_TABLE_NAME <> 'market_bid')
    THEN
        RAISE EXCEPTION 'an envelope is a bid or unreadable, and stays so'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER bid_from_a_readable_envelope BEFORE INSERT ON market_bid
FOR EACH ROW EXECUTE FUNCTION market_read_or_set_aside();
CREATE TRIGGER unreadable_bid_is_no_bid BEFORE INSERT ON market_unreadablebid
FOR EACH ROW EXECUTE FUNCTION market_read_or_set_aside();
"""
UNKEEP = """
DROP TRIGGER bid_from_a_readable_envelope ON market_bid;
DROP TRIGGER unreadable_bid_is_no_bid ON market_unreadablebid;
DROP FUNCTION market_read_or_set_aside();
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0025_rules_of_the_auction_by_two")]

    operations = [
        migrations.CreateModel(
            name="UnreadableBid",
            fields=[
                (
                    "envelope",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="unreadable",
                        serialize=False,
                        to="market.sealedbid",
                        verbose_name="sealed bid",
                    ),
                ),
                ("why", models.CharField(choices=REASONS, max_length=16, verbose_name="reason")),
                ("found_at", models.DateTimeField(verbose_name="found at")),
            ],
            options={
                "verbose_name": "unreadable bid",
                "verbose_name_plural": "unreadable bids",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("why__in", [why for why, _label in REASONS])),
                        name="unreadable_bid_reason_known",
                    )
                ],
            },
        ),
        migrations.RunSQL(KEEP, UNKEEP),
        append_only("market_unreadablebid"),
    ]
