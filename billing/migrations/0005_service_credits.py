"""Let charges give money back for time in which cards could not be used, and note when that is due."""

import core.fields
import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only

# Charging finds its work in MeterChange; a reservation that is over with something lost is work too.
NOTE = """
CREATE FUNCTION billing_note_downtime() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO billing_meterchange (reservation_id) VALUES (NEW.reservation_id);
    RETURN NULL;
END $$;
CREATE FUNCTION billing_note_stop() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.status <> 'ended' OR EXISTS (
        SELECT FROM market_downtime WHERE reservation_id = NEW.id AND status = 'accepted'
    ) THEN
        INSERT INTO billing_meterchange (reservation_id) VALUES (NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER downtime_noted AFTER INSERT ON market_downtime
FOR EACH ROW WHEN (NEW.status = 'accepted') EXECUTE FUNCTION billing_note_downtime();
CREATE TRIGGER downtime_acceptance_noted AFTER UPDATE OF status ON market_downtime
FOR EACH ROW WHEN (OLD.status <> NEW.status AND NEW.status = 'accepted') EXECUTE FUNCTION billing_note_downtime();
CREATE TRIGGER reservation_stop_noted AFTER UPDATE OF status ON market_reservation
FOR EACH ROW WHEN (OLD.status = 'active' AND NEW.status IN ('ended', 'interrupted', 'failed'))
EXECUTE FUNCTION billing_note_stop();
"""
UNNOTE = """
DROP TRIGGER reservation_stop_noted ON market_reservation;
DROP TRIGGER downtime_acceptance_noted ON market_downtime;
DROP TRIGGER downtime_noted ON market_downtime;
DROP FUNCTION billing_note_stop();
DROP FUNCTION billing_note_downtime();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_keep_audit_entries_as_written"),
        ("billing", "0004_note_meter_changes"),
        ("market", "0011_reservation_life"),
    ]

    operations = [
        migrations.CreateModel(
            name="ServiceCredit",
            fields=[
                (
                    "charge",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="credit",
                        serialize=False,
                        to="billing.charge",
                    ),
                ),
                ("availability_ppm", models.PositiveIntegerField(verbose_name="availability (parts per million)")),
                ("lost_ms", models.PositiveBigIntegerField(verbose_name="time lost (ms)")),
                ("policy", models.CharField(max_length=16, verbose_name="version of the table")),
                ("credit_bp", models.PositiveIntegerField(verbose_name="credit (basis points)")),
                ("charged_fen", core.fields.FenField(verbose_name="charged for usage (fen)")),
                ("total_fen", core.fields.FenField(verbose_name="credited in all (fen)")),
            ],
            options={
                "verbose_name": "service credit",
                "verbose_name_plural": "service credits",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("credit_bp__lte", 10000)), name="service_credit_at_most_all"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("total_fen__gte", 0), ("total_fen__lte", models.F("charged_fen"))),
                        name="service_credit_within_what_was_charged",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="charge",
            name="kind",
            field=models.CharField(
                choices=[("usage", "Usage"), ("credit", "Service credit")],
                db_default="usage",
                default="usage",
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AlterField(
            model_name="charge",
            name="metered_hour",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="charges", to="market.meteredhour"
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "credit")), fields=("reservation", "version"), name="charge_credit_in_turn"
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "usage"), ("metered_hour__isnull", False)),
                    models.Q(("accelerator_ms", 0), ("kind", "credit"), ("metered_hour", None), ("price_micro", 0)),
                    _connector="OR",
                ),
                name="charge_usage_has_an_hour",
            ),
        ),
        append_only("billing_servicecredit"),
        migrations.RunSQL(NOTE, UNNOTE),
    ]
