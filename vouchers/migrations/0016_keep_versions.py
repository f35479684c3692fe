"""Change a published programme by versions only, pin grants to theirs, and judge redemptions by it.

Funders' shares and ceilings over public support are checked where they are kept: in the explanation of a redemption.
"""

from importlib import import_module

from django.db import migrations

from core.triggers import never_deleted

FIX = """
DROP TRIGGER programme_rules_fixed ON vouchers_programme;

CREATE FUNCTION voucher_programme_rules_fixed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(OLD) - 'status' IS NOT DISTINCT FROM to_jsonb(NEW) - 'status' OR (
        NEW.version = OLD.version + 1
        AND (OLD.id, OLD.created_at, OLD.authority_id, OLD.code, OLD.mode, OLD.status, OLD.drafted_by_id,
             OLD.published_by_id, OLD.published_at)
        IS NOT DISTINCT FROM (NEW.id, NEW.created_at, NEW.authority_id, NEW.code, NEW.mode, NEW.status,
             NEW.drafted_by_id, NEW.published_by_id, NEW.published_at)
        AND EXISTS (
            SELECT FROM vouchers_programmeversion version
            WHERE version.programme_id = NEW.id AND version.number = NEW.version AND version.status = 'published'
            AND version.parameters = NEW.parameters
        )
    ) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'a published programme changes by a published version only'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'programme_rules_fixed',
              TABLE = 'vouchers_programme';
END $$;

CREATE TRIGGER programme_rules_fixed BEFORE UPDATE ON vouchers_programme
FOR EACH ROW WHEN (OLD.status <> 'draft') EXECUTE FUNCTION voucher_programme_rules_fixed();

CREATE TRIGGER version_fixed BEFORE UPDATE ON vouchers_programmeversion
FOR EACH ROW WHEN (
    OLD.status <> 'draft'
    OR to_jsonb(OLD) - '{status,published_by_id,published_at}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,published_by_id,published_at}'::text[]
)
EXECUTE FUNCTION voucher_refuse('a version stays what it is');

CREATE TRIGGER version_decider_may BEFORE UPDATE ON vouchers_programmeversion
FOR EACH ROW WHEN (NEW.published_by_id IS DISTINCT FROM OLD.published_by_id)
EXECUTE FUNCTION voucher_decider_may('published_by_id');
"""

UNFIX = """
DROP TRIGGER version_decider_may ON vouchers_programmeversion;
DROP TRIGGER version_fixed ON vouchers_programmeversion;
DROP TRIGGER programme_rules_fixed ON vouchers_programme;
DROP FUNCTION voucher_programme_rules_fixed();

CREATE TRIGGER programme_rules_fixed BEFORE UPDATE ON vouchers_programme
FOR EACH ROW WHEN (OLD.status <> 'draft' AND to_jsonb(OLD) - 'status' IS DISTINCT FROM to_jsonb(NEW) - 'status')
EXECUTE FUNCTION voucher_refuse('the rules of a published programme are fixed');
"""

# The counters of the year move before the log hears of a new version, so that what was held before comes before it there.
FOLLOW = """
CREATE FUNCTION voucher_programme_amended() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vouchers_entityyear SET cap_fen = greatest(NEW.entity_year_cap_fen, used_fen)
    WHERE programme_id = NEW.id AND NEW.entity_year_cap_fen IS NOT NULL;
    UPDATE vouchers_entityyear SET cap_fen = NULL WHERE programme_id = NEW.id AND NEW.entity_year_cap_fen IS NULL;
    INSERT INTO vouchers_movement (kind, source_id, amount_fen)
    SELECT 'version', id, 0 FROM vouchers_programmeversion WHERE programme_id = NEW.id AND number = NEW.version
        AND status = 'published';
    RETURN NULL;
END $$;

CREATE TRIGGER programme_amended AFTER UPDATE ON vouchers_programme
FOR EACH ROW WHEN (NEW.version <> OLD.version) EXECUTE FUNCTION voucher_programme_amended();
"""

UNFOLLOW = """
DROP TRIGGER programme_amended ON vouchers_programme;
DROP FUNCTION voucher_programme_amended();
"""

PIN = """
CREATE FUNCTION voucher_grant_pin() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.version := (SELECT version FROM vouchers_programme WHERE id = NEW.programme_id);
    RETURN NEW;
END $$;

CREATE TRIGGER grant_begins_with_a_version BEFORE INSERT ON vouchers_grant
FOR EACH ROW EXECUTE FUNCTION voucher_grant_pin();

CREATE TRIGGER grant_pins_its_version BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (OLD.status = 'proposed' AND NEW.status = 'active') EXECUTE FUNCTION voucher_grant_pin();

CREATE TRIGGER grant_keeps_its_version BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (OLD.version <> NEW.version AND NOT (OLD.status = 'proposed' AND NEW.status = 'active'))
EXECUTE FUNCTION voucher_refuse('a grant keeps the version of its programme');
"""

UNPIN = """
DROP TRIGGER grant_keeps_its_version ON vouchers_grant;
DROP TRIGGER grant_pins_its_version ON vouchers_grant;
DROP TRIGGER grant_begins_with_a_version ON vouchers_grant;
DROP FUNCTION voucher_grant_pin();
"""

BEFORE = import_module("vouchers.migrations.0004_keep_entity_years").ADMIT.partition("CREATE TRIGGER")[0]
BEFORE = BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
# As before, but by the version that the grant was given under; its funders must be told what they bear.
ADMIT = (
    BEFORE.replace("programme.ratio_bp", "version.ratio_bp")
    .replace("programme.order_cap_fen", "version.order_cap_fen")
    .replace(
        "    LEFT JOIN vouchers_entityyear counter",
        "    JOIN vouchers_programmeversion version ON version.programme_id = vouchers_grant.programme_id\n"
        "        AND version.number = vouchers_grant.version AND version.status = 'published'\n"
        "    LEFT JOIN vouchers_entityyear counter",
    )
    .replace(
        "        WHEN NEW.status <> 'held' OR",
        "        WHEN version.funders > 0 AND NOT NEW.explanation ? 'shares' THEN 'redemption_shares_add_up'\n"
        "        WHEN NEW.status <> 'held' OR",
    )
)

SHARE = """
CREATE FUNCTION voucher_shares_fen(shares jsonb) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT sum(value::bigint)::bigint FROM jsonb_each_text(shares));

ALTER TABLE vouchers_redemption ADD CONSTRAINT redemption_shares_add_up CHECK (
    NOT explanation ? 'shares' OR voucher_shares_fen(explanation->'shares') = amount_fen
);

ALTER TABLE vouchers_redemption ADD CONSTRAINT redemption_within_public_support CHECK (
    NOT explanation ? 'ceiling_fen'
    OR amount_fen + (explanation->>'other_support_fen')::bigint <= (explanation->>'ceiling_fen')::bigint
);
"""

UNSHARE = """
ALTER TABLE vouchers_redemption DROP CONSTRAINT redemption_within_public_support;
ALTER TABLE vouchers_redemption DROP CONSTRAINT redemption_shares_add_up;
DROP FUNCTION voucher_shares_fen(jsonb);
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0015_versions")]

    operations = [
        migrations.RunSQL(FIX, UNFIX),
        migrations.RunSQL(FOLLOW, UNFOLLOW),
        migrations.RunSQL(PIN, UNPIN),
        migrations.RunSQL(ADMIT, BEFORE),
        migrations.RunSQL(SHARE, UNSHARE),
        never_deleted("vouchers_programmeversion"),
    ]
