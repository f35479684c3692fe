"""Keep how much and how often one entity is supported: caps over all years, under one controller, over programmes.

No counter of their own is needed: the yearly counters say what was used, and whoever moves one of them under such a cap
adds them up behind a lock that all movers of the same cap share. Locks come in the order of their numbers, after the
counter's own and before the ledger's.
"""

from importlib import import_module

from django.db import migrations, models

import core.fields

# What a version repeats of its parameters is what they say. A group's cap is the yearly cap, counted together.
REPEAT = """
ALTER TABLE vouchers_programmeversion DISABLE TRIGGER USER;
UPDATE vouchers_programmeversion SET
    lifetime_cap_fen = (parameters #>> '{caps,entity_lifetime_cap_fen}')::bigint,
    group_cap_fen = CASE WHEN (parameters #>> '{caps,group_counts_together}')::boolean
        THEN (parameters #>> '{caps,entity_annual_cap_fen}')::bigint END,
    combined_group = coalesce(parameters #>> '{caps,combined,group}', ''),
    combined_cap_fen = (parameters #>> '{caps,combined,annual_cap_fen}')::bigint;
ALTER TABLE vouchers_programmeversion ENABLE TRIGGER USER;

ALTER TABLE vouchers_programmeversion ADD CONSTRAINT version_shared_caps_as_written CHECK (
    (lifetime_cap_fen, group_cap_fen, combined_group, combined_cap_fen) IS NOT DISTINCT FROM (
        (parameters #>> '{caps,entity_lifetime_cap_fen}')::bigint,
        CASE WHEN (parameters #>> '{caps,group_counts_together}')::boolean
            THEN (parameters #>> '{caps,entity_annual_cap_fen}')::bigint END,
        coalesce(parameters #>> '{caps,combined,group}', ''),
        (parameters #>> '{caps,combined,annual_cap_fen}')::bigint
    )
);
"""

UNREPEAT = "ALTER TABLE vouchers_programmeversion DROP CONSTRAINT version_shared_caps_as_written;"

# One controller: the same one is on record, or one holds more than half of the other; in any number of steps.
SHARED = """
CREATE FUNCTION voucher_group_of(entity uuid, on_day date) RETURNS TABLE (member uuid) LANGUAGE sql STABLE AS $$
    WITH RECURSIVE members AS (
        SELECT entity AS id
        UNION
        SELECT CASE tie.first_id WHEN members.id THEN tie.second_id ELSE tie.first_id END
        FROM members JOIN accounts_tie tie ON members.id IN (tie.first_id, tie.second_id)
        WHERE (tie.ground = 'controller' OR tie.share_bp > 5000)
            AND coalesce(tie.valid_from, '-infinity') <= on_day AND coalesce(tie.valid_to, 'infinity') > on_day
    )
    SELECT id FROM members
$$;

CREATE FUNCTION voucher_shared_caps(of_grant uuid, in_year smallint, on_day date)
RETURNS TABLE (cap text, place text, cap_fen bigint, used_fen bigint) LANGUAGE sql STABLE AS $$
    WITH mine AS (
        SELECT granted.programme_id, granted.owner_id, version.lifetime_cap_fen, version.group_cap_fen,
            version.combined_group, version.combined_cap_fen
        FROM vouchers_grant granted JOIN vouchers_programmeversion version
            ON version.programme_id = granted.programme_id AND version.number = granted.version
            AND version.status = 'published'
        WHERE granted.id = of_grant
    )
    SELECT 'ENTITY_LIFETIME', 'lifetime/' || programme_id || '/' || owner_id, lifetime_cap_fen, (
        SELECT coalesce(sum(counter.used_fen), 0)::bigint FROM vouchers_entityyear counter
        WHERE counter.programme_id = mine.programme_id AND counter.entity_id = mine.owner_id
    ) FROM mine WHERE lifetime_cap_fen IS NOT NULL
    UNION ALL
    SELECT 'GROUP', 'group/' || programme_id || '/' || in_year, group_cap_fen, (
        SELECT coalesce(sum(counter.used_fen), 0)::bigint
        FROM vouchers_entityyear counter JOIN voucher_group_of(mine.owner_id, on_day) ON member = counter.entity_id
        WHERE counter.programme_id = mine.programme_id AND counter.year = in_year
    ) FROM mine WHERE group_cap_fen IS NOT NULL AND (SELECT count(*) FROM voucher_group_of(owner_id, on_day)) > 1
    UNION ALL
    SELECT 'COMBINED', 'combined/' || combined_group || '/' || owner_id || '/' || in_year, combined_cap_fen, (
        SELECT coalesce(sum(counter.used_fen), 0)::bigint FROM vouchers_entityyear counter
        WHERE counter.entity_id = mine.owner_id AND counter.year = in_year AND EXISTS (
            SELECT FROM vouchers_programmeversion version
            WHERE version.programme_id = counter.programme_id AND version.combined_group = mine.combined_group
                AND version.status = 'published'
        )
    ) FROM mine WHERE combined_cap_fen IS NOT NULL
$$;

CREATE FUNCTION voucher_lock_shared_caps(of_grant uuid, in_year smallint, on_day date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    number integer;
BEGIN
    FOR number IN
        SELECT hashtext(place) FROM voucher_shared_caps(of_grant, in_year, on_day) ORDER BY 1
    LOOP
        PERFORM pg_advisory_xact_lock(1101, number);
    END LOOP;
END $$;

CREATE FUNCTION voucher_keep_shared_caps(of_grant uuid, in_year smallint, on_day date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    passed text;
BEGIN
    PERFORM voucher_lock_shared_caps(of_grant, in_year, on_day);
    SELECT cap INTO passed FROM voucher_shared_caps(of_grant, in_year, on_day) WHERE used_fen > cap_fen LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'a redemption passes the cap %', passed
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'redemption_within_shared_caps',
                TABLE = 'vouchers_redemption';
    END IF;
END $$;
"""

UNSHARED = """
DROP FUNCTION voucher_keep_shared_caps(uuid, smallint, date);
DROP FUNCTION voucher_lock_shared_caps(uuid, smallint, date);
DROP FUNCTION voucher_shared_caps(uuid, smallint, date);
DROP FUNCTION voucher_group_of(uuid, date);
"""

BEFORE = import_module("vouchers.migrations.0016_keep_versions").ADMIT
# As before, but the caps that counters share are looked at once the counter has moved; most versions have none.
ADMIT = """
CREATE OR REPLACE FUNCTION voucher_redemption_admit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    counter_id bigint;
    broken text;
    shares_caps boolean;
BEGIN
    SELECT counter.id, num_nonnulls(version.lifetime_cap_fen, version.group_cap_fen, version.combined_cap_fen) > 0, BROKEN
    INTO counter_id, shares_caps, broken
    FROM vouchers_grant
    JOIN vouchers_programme programme ON programme.id = vouchers_grant.programme_id
    JOIN vouchers_programmeversion version ON version.programme_id = vouchers_grant.programme_id
        AND version.number = vouchers_grant.version AND version.status = 'published'
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
    ELSE
        INSERT INTO vouchers_entityyear AS counter (programme_id, entity_id, year, used_fen)
        SELECT programme_id, owner_id, NEW.year, NEW.amount_fen FROM vouchers_grant WHERE id = NEW.grant_id
        ON CONFLICT ON CONSTRAINT entity_year_once DO UPDATE SET used_fen = counter.used_fen + NEW.amount_fen;
    END IF;
    IF shares_caps THEN
        PERFORM voucher_keep_shared_caps(
            NEW.grant_id, NEW.year, (NEW.held_at AT TIME ZONE 'Asia/Shanghai')::date
        );
    END IF;
    RETURN NULL;
END $$;
""".replace("BROKEN", BEFORE[BEFORE.index("CASE") : BEFORE.index(" INTO counter_id")])

# How often, and for how many calendar years, one entity is supported; what was issued anew counts once.
SUPPORT = """
CREATE FUNCTION voucher_grant_within_support() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most_grants integer;
    most_years integer;
    granted integer;
    years integer;
BEGIN
    SELECT (parameters #>> '{caps,max_grants_per_entity}')::integer, (parameters #>> '{caps,max_support_years}')::integer
    INTO most_grants, most_years
    FROM vouchers_programmeversion
    WHERE programme_id = NEW.programme_id AND number = NEW.version AND status = 'published';
    IF num_nonnulls(most_grants, most_years) = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(1102, hashtext(NEW.programme_id::text || NEW.owner_id));
    SELECT count(*), 1 + max(year) - min(year) INTO granted, years
    FROM vouchers_grant, extract(year FROM approved_at AT TIME ZONE 'Asia/Shanghai') AS year
    WHERE programme_id = NEW.programme_id AND owner_id = NEW.owner_id AND approved_at IS NOT NULL
        AND status <> 'superseded';
    IF granted > most_grants OR years > most_years THEN
        RAISE EXCEPTION 'the entity has had its support'
            USING ERRCODE = 'integrity_constraint_violation', TABLE = 'vouchers_grant',
                CONSTRAINT = CASE WHEN granted > most_grants THEN 'grant_within_number' ELSE 'grant_within_years' END;
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER grant_within_support AFTER UPDATE ON vouchers_grant
FOR EACH ROW WHEN (OLD.status = 'proposed' AND NEW.status = 'active') EXECUTE FUNCTION voucher_grant_within_support();
"""

UNSUPPORT = """
DROP TRIGGER grant_within_support ON vouchers_grant;
DROP FUNCTION voucher_grant_within_support();
"""

TRY_BEFORE = import_module("vouchers.migrations.0006_hold_in_one_trip").TRY.replace("CREATE", "CREATE OR REPLACE", 1)
TRY = TRY_BEFORE.replace("'entity_year_within_cap',", "'entity_year_within_cap', 'redemption_within_shared_caps',")


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0023_set_off_what_is_owed"), ("accounts", "0007_keep_ties")]

    operations = [
        migrations.AddField(
            model_name="programmeversion",
            name="lifetime_cap_fen",
            field=core.fields.FenField(null=True, verbose_name="cap over all years (fen)"),
        ),
        migrations.AddField(
            model_name="programmeversion",
            name="group_cap_fen",
            field=core.fields.FenField(null=True, verbose_name="cap of firms of one controller (fen)"),
        ),
        migrations.AddField(
            model_name="programmeversion",
            name="combined_group",
            field=models.CharField(blank=True, default="", max_length=40, verbose_name="programmes that share a cap"),
        ),
        migrations.AddField(
            model_name="programmeversion",
            name="combined_cap_fen",
            field=core.fields.FenField(null=True, verbose_name="cap that programmes share (fen)"),
        ),
        migrations.RunSQL(REPEAT, UNREPEAT),
        migrations.RunSQL(SHARED, UNSHARED),
        migrations.RunSQL(ADMIT, BEFORE),
        migrations.RunSQL(TRY, TRY_BEFORE),
        migrations.RunSQL(SUPPORT, UNSUPPORT),
    ]
