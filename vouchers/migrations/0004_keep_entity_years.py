"""Keep what an entity has held and used in a year: the sum over its redemptions, written by triggers alone.

``pg_trigger_depth()`` is 0 for a statement that a client sent and above 0 for one that a trigger runs. The two triggers
on redemptions fire after their row is written, so that a hold takes the lock of the counter as late as it can.
"""

from django.db import migrations

GUARD = """
CREATE FUNCTION voucher_entity_year_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.cap_fen := (SELECT entity_year_cap_fen FROM vouchers_programme WHERE id = NEW.programme_id);
    RETURN NEW;
END $$;

CREATE TRIGGER entity_year_open BEFORE INSERT ON vouchers_entityyear
FOR EACH ROW EXECUTE FUNCTION voucher_entity_year_open();

CREATE TRIGGER entity_year_starts_unused BEFORE INSERT ON vouchers_entityyear
FOR EACH ROW WHEN (pg_trigger_depth() = 0 AND NEW.used_fen <> 0)
EXECUTE FUNCTION voucher_refuse('only redemptions count');

CREATE TRIGGER entity_year_kept_by_triggers BEFORE UPDATE OR DELETE OR TRUNCATE ON vouchers_entityyear
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION voucher_refuse('only redemptions count');
"""

UNGUARD = """
DROP TRIGGER entity_year_kept_by_triggers ON vouchers_entityyear;
DROP TRIGGER entity_year_starts_unused ON vouchers_entityyear;
DROP TRIGGER entity_year_open ON vouchers_entityyear;
DROP FUNCTION voucher_entity_year_open();
"""

COUNT = """
CREATE FUNCTION voucher_used_fen(redemption vouchers_redemption) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN CASE redemption.status WHEN 'held' THEN redemption.amount_fen ELSE redemption.captured_fen END
    - redemption.refunded_fen;

CREATE FUNCTION voucher_count_entity_year(redemption vouchers_redemption, fen bigint)
RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vouchers_entityyear counter SET used_fen = used_fen + fen
    FROM vouchers_grant
    WHERE vouchers_grant.id = redemption.grant_id AND counter.programme_id = vouchers_grant.programme_id
      AND counter.entity_id = vouchers_grant.owner_id AND counter.year = redemption.year;
    IF NOT FOUND THEN
        INSERT INTO vouchers_entityyear AS counter (programme_id, entity_id, year, used_fen)
        SELECT programme_id, owner_id, redemption.year, fen FROM vouchers_grant WHERE id = redemption.grant_id
        ON CONFLICT ON CONSTRAINT entity_year_once DO UPDATE SET used_fen = counter.used_fen + fen;
    END IF;
END $$;

CREATE FUNCTION voucher_redemption_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        PERFORM voucher_count_entity_year(NEW, NEW.amount_fen);
    ELSE
        PERFORM voucher_count_entity_year(NEW, voucher_used_fen(NEW) - voucher_used_fen(OLD));
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER redemption_count_new AFTER INSERT ON vouchers_redemption
FOR EACH ROW EXECUTE FUNCTION voucher_redemption_count();

CREATE TRIGGER redemption_count_changed AFTER UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (voucher_used_fen(NEW) <> voucher_used_fen(OLD))
EXECUTE FUNCTION voucher_redemption_count();
"""

UNCOUNT = """
DROP TRIGGER redemption_count_changed ON vouchers_redemption;
DROP TRIGGER redemption_count_new ON vouchers_redemption;
DROP FUNCTION voucher_redemption_count();
DROP FUNCTION voucher_count_entity_year(vouchers_redemption, bigint);
DROP FUNCTION voucher_used_fen(vouchers_redemption);
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0003_fix_grants")]

    operations = [migrations.RunSQL(GUARD, UNGUARD), migrations.RunSQL(COUNT, UNCOUNT)]
