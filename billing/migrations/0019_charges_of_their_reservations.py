"""Let a charge be of its reservation's parties and hour, and none but usage come without its reason."""

from django.db import migrations

PARTIES = """
CREATE FUNCTION billing_charges_of_reservations() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong bigint;
BEGIN
    SELECT added.id INTO wrong
    FROM added
    JOIN market_reservation reservation ON reservation.id = added.reservation_id
    JOIN market_order placed ON placed.id = reservation.order_id
    LEFT JOIN market_meteredhour metered ON metered.id = added.metered_hour_id
    LEFT JOIN billing_supplement supplement ON supplement.id = added.supplement_id
    WHERE (added.provider_id, added.buyer_id) <> (reservation.provider_id, placed.buyer_id)
       OR (metered.reservation_id, metered.hour) <> (added.reservation_id, added.hour)
       OR added.version > metered.version
       OR supplement.reservation_id <> added.reservation_id
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'charge % names other parties, or another hour, than its reservation and its meter', wrong
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_is_of_its_reservation';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER charge_is_of_its_reservation AFTER INSERT ON billing_charge
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_charges_of_reservations();
"""
NO_PARTIES = """
DROP TRIGGER charge_is_of_its_reservation ON billing_charge;
DROP FUNCTION billing_charges_of_reservations();
"""

# The reason is written after its charge, in the same transaction.
REASONS = """
CREATE FUNCTION billing_charge_has_a_reason() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (CASE NEW.kind
        WHEN 'fee' THEN EXISTS (SELECT FROM billing_noticefee WHERE charge_id = NEW.id AND fee_fen = NEW.amount_fen)
        WHEN 'credit' THEN EXISTS (SELECT FROM billing_servicecredit WHERE charge_id = NEW.id)
        ELSE EXISTS (SELECT FROM billing_linecharge WHERE charge_id = NEW.id)
    END) THEN
        RAISE EXCEPTION 'charge % says not why', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'charge_says_why';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER charge_says_why AFTER INSERT ON billing_charge
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW WHEN (NEW.kind <> 'usage')
EXECUTE FUNCTION billing_charge_has_a_reason();
"""
NO_REASONS = """
DROP TRIGGER charge_says_why ON billing_charge;
DROP FUNCTION billing_charge_has_a_reason();
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0018_keep_sums_of_settlements")]

    operations = [migrations.RunSQL(PARTIES, NO_PARTIES), migrations.RunSQL(REASONS, NO_REASONS)]
