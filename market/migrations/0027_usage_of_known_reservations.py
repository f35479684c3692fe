"""Refuse usage of a reservation that its provider does not have: once a statement, not once a row.

A foreign key would lock the reservation for every event; reservations are never deleted, so that a look is enough.
"""

from django.db import migrations

KEEP = """
CREATE FUNCTION market_usage_of_reservations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT reservation_id, provider_id FROM added) named
        WHERE NOT EXISTS (
            SELECT FROM market_reservation reservation
            WHERE reservation.id = named.reservation_id AND reservation.provider_id = named.provider_id
        )
    ) THEN
        RAISE EXCEPTION 'usage is of a reservation of its provider'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'usage_of_a_reservation',
                TABLE = 'market_usage';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER usage_of_a_reservation AFTER INSERT ON market_usage
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION market_usage_of_reservations();

CREATE FUNCTION market_hours_of_reservations() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM (SELECT DISTINCT reservation_id FROM added) named
        WHERE NOT EXISTS (SELECT FROM market_reservation WHERE id = named.reservation_id)
    ) THEN
        RAISE EXCEPTION 'hours are metered of a reservation'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'metered_hour_of_a_reservation',
                TABLE = 'market_meteredhour';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER metered_hour_of_a_reservation AFTER INSERT ON market_meteredhour
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION market_hours_of_reservations();
"""
UNKEEP = """
DROP TRIGGER metered_hour_of_a_reservation ON market_meteredhour;
DROP FUNCTION market_hours_of_reservations();
DROP TRIGGER usage_of_a_reservation ON market_usage;
DROP FUNCTION market_usage_of_reservations();
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0026_set_unreadable_bids_aside")]

    operations = [migrations.RunSQL(KEEP, UNKEEP)]
