"""Let no order without cards keep a voucher's value for longer than the voucher's version lets it wait."""

from django.db import migrations

# An order that its first clearing gives up has no time of its own; one that got cards keeps what it needs to its end.
KEEP = """
CREATE FUNCTION billing_refuse_waiting(placed uuid) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM market_order ordered
        JOIN billing_funding funding ON funding.order_id = ordered.id
        JOIN vouchers_redemption redemption ON redemption.id = funding.redemption_id
        JOIN vouchers_grant granted ON granted.id = redemption.grant_id
        JOIN vouchers_programmeversion version ON version.programme_id = granted.programme_id
            AND version.number = granted.version AND version.status = 'published'
        WHERE ordered.id = placed AND ordered.status = 'open' AND ordered.time_in_force <> 'immediate-or-cancel'
            AND least(ordered.good_till, ordered.start_max) > redemption.held_at
                + make_interval(mins => (version.parameters #>> '{redemption,hold_ttl_minutes}')::integer)
    ) THEN
        RAISE EXCEPTION 'order % stands for longer than its voucher waits', placed
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'order_stands_while_voucher_waits',
                TABLE = 'market_order';
    END IF;
END $$;

CREATE FUNCTION billing_funding_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_refuse_waiting(NEW.order_id);
    RETURN NULL;
END $$;

CREATE FUNCTION billing_order_waits() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_refuse_waiting(NEW.id);
    RETURN NULL;
END $$;

CREATE TRIGGER funding_waits_no_longer AFTER INSERT ON billing_funding
FOR EACH ROW WHEN (NEW.redemption_id IS NOT NULL) EXECUTE FUNCTION billing_funding_waits();

CREATE TRIGGER order_waits_no_longer AFTER UPDATE OF time_in_force, good_till, start_max ON market_order
FOR EACH ROW WHEN (NEW.by_voucher) EXECUTE FUNCTION billing_order_waits();
"""

UNKEEP = """
DROP TRIGGER order_waits_no_longer ON market_order;
DROP TRIGGER funding_waits_no_longer ON billing_funding;
DROP FUNCTION billing_order_waits();
DROP FUNCTION billing_funding_waits();
DROP FUNCTION billing_refuse_waiting(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [("billing", "0014_who_instructed"), ("vouchers", "0037_keep_tranches")]

    operations = [migrations.RunSQL(KEEP, UNKEEP)]
