"""Let no authority have more than five simulations waiting, however many of its people ask at the same moment."""

from django.db import migrations

LINE = """
CREATE FUNCTION voucher_simulation_in_line() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    of_authority uuid := (SELECT authority_id FROM vouchers_programme WHERE id = NEW.programme_id);
BEGIN
    PERFORM pg_advisory_xact_lock(1105, hashtext(of_authority::text));
    IF (
        SELECT count(*) FROM vouchers_simulation simulation
        JOIN vouchers_programme programme ON programme.id = simulation.programme_id
        WHERE programme.authority_id = of_authority AND simulation.status IN ('queued', 'running')
    ) >= 5 THEN
        RAISE EXCEPTION 'five simulations of the authority wait already'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'simulation_in_line',
                TABLE = 'vouchers_simulation';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER simulation_in_line BEFORE INSERT ON vouchers_simulation
FOR EACH ROW EXECUTE FUNCTION voucher_simulation_in_line();
"""

UNLINE = """
DROP TRIGGER simulation_in_line ON vouchers_simulation;
DROP FUNCTION voucher_simulation_in_line();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0030_keep_pools_and_provider_shares")]

    operations = [migrations.RunSQL(LINE, UNLINE)]
