"""Admit only redemptions that the programme allows, and keep what an entity holds and uses in a year.

Redemptions have no foreign key to the grant: its check would lock a row that every hold of the grant shares. Instead one
statement looks the grant up, judges the redemption and counts it. It runs after the row is written, so that a hold takes
the lock of the counter as late as it can. ``pg_trigger_depth()`` is 0 for a statement that a client sent and above 0 for
one that a trigger runs.
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

# What a redemption may break, by the name of the rule; read beside the grant and the programme it belongs to.
BROKEN = """CASE
        WHEN vouchers_grant.status <> 'active' OR vouchers_grant.expires_at <= NEW.held_at THEN 'redemption_grant_usable'
        WHEN programme.status NOT IN ('published', 'closed') THEN 'redemption_programme_open'
        WHEN NEW.amount_fen > NEW.eligible_fen * programme.ratio_bp / 10000 THEN 'redemption_within_ratio'
        WHEN NEW.amount_fen > programme.order_cap_fen THEN 'redemption_within_order_cap'
        WHEN NEW.status <> 'held' OR NEW.captured_fen <> 0 OR NEW.refunded_fen <> 0 OR NEW.closed_at IS NOT NULL THEN 'redemption_starts_held'
        WHEN NEW.year <> extract(year FROM NEW.held_at AT TIME ZONE 'Asia/Shanghai') THEN 'redemption_year_of_hold'
        ELSE '' END"""

# The queue: whoever waits for a row by updating it is woken, with everyone else, by each commit. An advisory lock wakes one.
ADMIT = """
CREATE FUNCTION voucher_redemption_admit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    counter_id bigint;
    broken text;
BEGIN
    SELECT counter.id, BROKEN INTO counter_id, broken
    FROM vouchers_grant
    JOIN vouchers_programme programme ON programme.id = vouchers_grant.programme_id
    LEFT JOIN vouchers_entityyear counter ON counter.programme_id = vouchers_grant.programme_id
        AND counter.entity_id = vouchers_grant.owner_id AND counter.year = NEW.year
    WHERE vouchers_grant.id = NEW.grant_id;
    IF broken <> '' OR broken IS NULL THEN
        broken := coalesce(broken, 'redemption_grant_known');
        RAISE EXCEPTION 'a redemption breaks %', broken
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = broken, TABLE = 'vouchers_redemption';
    END IF;
    IF counter_id IS NOT NULL THEN
        PERFORM pg_advisory_xact_lock(1100, (counter_id % 2147483647)::integer);
        UPDATE vouchers_entityyear SET used_fen = used_fen + NEW.amount_fen WHERE id = counter_id;
        RETURN NULL;
    END IF;
    INSERT INTO vouchers_entityyear AS counter (programme_id, entity_id, year, used_fen)
    SELECT programme_id, owner_id, NEW.year, NEW.amount_fen FROM vouchers_grant WHERE id = NEW.grant_id
    ON CONFLICT ON CONSTRAINT entity_year_once DO UPDATE SET used_fen = counter.used_fen + NEW.amount_fen;
    RETURN NULL;
END $$;

CREATE TRIGGER redemption_admit AFTER INSERT ON vouchers_redemption
FOR EACH ROW EXECUTE FUNCTION voucher_redemption_admit();
""".replace("BROKEN", BROKEN)

UNADMIT = """
DROP TRIGGER redemption_admit ON vouchers_redemption;
DROP FUNCTION voucher_redemption_admit();
"""

COUNT = """
CREATE FUNCTION voucher_used_fen(redemption vouchers_redemption) RETURNS bigint LANGUAGE sql IMMUTABLE
RETURN CASE redemption.status WHEN 'held' THEN redemption.amount_fen ELSE redemption.captured_fen END
    - redemption.refunded_fen;

CREATE FUNCTION voucher_redemption_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vouchers_entityyear counter SET used_fen = used_fen + voucher_used_fen(NEW) - voucher_used_fen(OLD)
    FROM vouchers_grant
    WHERE vouchers_grant.id = NEW.grant_id AND counter.programme_id = vouchers_grant.programme_id
      AND counter.entity_id = vouchers_grant.owner_id AND counter.year = NEW.year;
    RETURN NULL;
END $$;

CREATE TRIGGER redemption_count AFTER UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (voucher_used_fen(NEW) <> voucher_used_fen(OLD))
EXECUTE FUNCTION voucher_redemption_count();
"""

UNCOUNT = """
DROP TRIGGER redemption_count ON vouchers_redemption;
DROP FUNCTION voucher_redemption_count();
DROP FUNCTION voucher_used_fen(vouchers_redemption);
"""

# Room on the page of a counter that many holds move: its versions stay there and no index hears of them.
ROOM = "ALTER TABLE vouchers_entityyear SET (fillfactor = 20);"


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0003_fix_grants")]

    operations = [
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(ADMIT, UNADMIT),
        migrations.RunSQL(COUNT, UNCOUNT),
        migrations.RunSQL(ROOM, "ALTER TABLE vouchers_entityyear RESET (fillfactor);"),
    ]
