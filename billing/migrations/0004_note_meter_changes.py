"""Note every metered hour that gets a new total, in the transaction of the meter, so that charging finds its work."""

from django.db import migrations

NOTE = """
CREATE FUNCTION billing_note_meter_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO billing_meterchange (reservation_id) VALUES (NEW.reservation_id);
    RETURN NULL;
END $$;

CREATE TRIGGER meter_change_noted AFTER UPDATE OF version ON market_meteredhour
FOR EACH ROW WHEN (OLD.version <> NEW.version) EXECUTE FUNCTION billing_note_meter_change();

CREATE TRIGGER meter_start_noted AFTER INSERT ON market_meteredhour
FOR EACH ROW WHEN (NEW.version > 0) EXECUTE FUNCTION billing_note_meter_change();

-- Rows live for seconds: the dead ones are cleared by number, not by share, before a sweep has to step over them.
ALTER TABLE billing_meterchange SET (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000);

INSERT INTO billing_meterchange (reservation_id)
SELECT DISTINCT metered.reservation_id FROM market_meteredhour metered
WHERE metered.version > 0 AND NOT EXISTS (
    SELECT FROM billing_charge WHERE metered_hour_id = metered.id AND version = metered.version
);
"""
UNNOTE = """
DROP TRIGGER meter_start_noted ON market_meteredhour;
DROP TRIGGER meter_change_noted ON market_meteredhour;
DROP FUNCTION billing_note_meter_change();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0003_keep_moves")]

    operations = [migrations.RunSQL(NOTE, UNNOTE)]
