"""Make the temporary table of arriving usage in a function that runs as its owner.

The application's role may not make temporary tables: one that is called like a real table would come before it wherever
a trigger reads the name, and what hangs on one runs inside a trigger. So it may use this one, which is not its own.
"""

from django.db import migrations

OPEN = """
CREATE FUNCTION market_open_waiting_room() RETURNS void LANGUAGE plpgsql
SECURITY DEFINER SET search_path = pg_catalog, public, pg_temp AS $$
BEGIN
    IF to_regclass('pg_temp.usage_arriving') IS NULL THEN
        CREATE TEMPORARY TABLE usage_arriving ON COMMIT DELETE ROWS AS
        SELECT batch_id, provider_id, event_id, reservation_id, starts_at, ends_at, accelerators, accelerator_ms,
            body_sha256
        FROM public.market_usage WITH NO DATA;
        GRANT SELECT, INSERT ON pg_temp.usage_arriving TO PUBLIC;
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("market", "0023_split_orders_in_auctions")]

    operations = [migrations.RunSQL(OPEN, "DROP FUNCTION market_open_waiting_room();")]
