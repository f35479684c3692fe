"""Judge a redemption in one look before it is written, and touch only its counter while others wait.

A hold looked at its grant twice, in two triggers, and PostgreSQL read, planned and prepared three CHECKs anew in each. Now
the gate asks everything in one planned query and notes with the redemption what the last step needs: which counter counts
it, and whether caps that several counters share have to be kept. Locks are taken by expressions, which cost no query.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

# Every rule that a redemption may break, by name; a rule whose facts are missing is not broken, as in a CHECK.
BROKEN = """CASE
        WHEN NEW.amount_fen <= 0 OR NEW.amount_fen > NEW.eligible_fen THEN 'redemption_within_eligible_spending'
        WHEN NEW.explanation ? 'ceiling_fen' AND NEW.amount_fen + (NEW.explanation ->> 'other_support_fen')::bigint
            > (NEW.explanation ->> 'ceiling_fen')::bigint THEN 'redemption_within_public_support'
        WHEN CASE WHEN NEW.explanation ? 'shares'
            THEN voucher_shares_fen(NEW.explanation -> 'shares') <> NEW.amount_fen
            ELSE version.funders > 0 END THEN 'redemption_shares_add_up'
        WHEN granted.status <> 'active' OR granted.expires_at <= NEW.held_at OR EXISTS (
            SELECT FROM vouchers_blacklisting
            WHERE (organization_id = granted.owner_id OR NEW.explanation -> 'providers' ? organization_id::text)
                AND starts_at <= NEW.held_at AND ends_at > NEW.held_at AND lifted_at IS NULL
        ) OR EXISTS (
            SELECT FROM accounts_tie tie
            WHERE (tie.first_id = granted.owner_id AND NEW.explanation -> 'providers' ? tie.second_id::text
                   OR tie.second_id = granted.owner_id AND NEW.explanation -> 'providers' ? tie.first_id::text)
                AND voucher_denies(
                    granted.programme_id, tie.first_id, tie.second_id,
                    (NEW.held_at AT TIME ZONE 'Asia/Shanghai')::date
                )
        ) THEN 'redemption_grant_usable'
        WHEN programme.status NOT IN ('published', 'closed') THEN 'redemption_programme_open'
        WHEN NEW.amount_fen > NEW.eligible_fen * version.ratio_bp / 10000 THEN 'redemption_within_ratio'
        WHEN NEW.amount_fen > version.order_cap_fen THEN 'redemption_within_order_cap'
        WHEN NEW.status <> 'held' OR NEW.captured_fen <> 0 OR NEW.refunded_fen <> 0 OR NEW.closed_at IS NOT NULL
            THEN 'redemption_starts_held'
        WHEN NEW.year <> extract(year FROM NEW.held_at AT TIME ZONE 'Asia/Shanghai') THEN 'redemption_year_of_hold'
        ELSE '' END"""

# The gate is closed by whoever freezes a grant or bars a firm; the query sees what they decided, for it begins behind it.
GATE = """
CREATE OR REPLACE FUNCTION voucher_redemption_gate() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    behind_the_gate CONSTANT boolean := pg_advisory_xact_lock_shared(1125, uuid_hash(NEW.grant_id)) IS NOT NULL;
    broken text;
BEGIN
    SELECT counter.id, num_nonnulls(version.lifetime_cap_fen, version.group_cap_fen, version.combined_cap_fen) > 0, BROKEN
    INTO NEW.entity_year_id, NEW.shares_caps, broken
    FROM vouchers_grant granted
    JOIN vouchers_programme programme ON programme.id = granted.programme_id
    JOIN vouchers_programmeversion version ON version.programme_id = granted.programme_id
        AND version.number = granted.version AND version.status = 'published'
    LEFT JOIN vouchers_entityyear counter ON counter.programme_id = granted.programme_id
        AND counter.entity_id = granted.owner_id AND counter.year = NEW.year
    WHERE granted.id = NEW.grant_id;
    IF broken <> '' OR broken IS NULL THEN
        broken := coalesce(broken, 'redemption_grant_known');
        RAISE EXCEPTION 'a redemption breaks %', broken
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = broken, TABLE = 'vouchers_redemption';
    END IF;
    IF NEW.entity_year_id IS NULL THEN
        INSERT INTO vouchers_entityyear (programme_id, entity_id, year, used_fen)
        SELECT programme_id, owner_id, NEW.year, 0 FROM vouchers_grant WHERE id = NEW.grant_id
        ON CONFLICT ON CONSTRAINT entity_year_once DO NOTHING;
        SELECT counter.id INTO NEW.entity_year_id
        FROM vouchers_entityyear counter JOIN vouchers_grant granted
            ON granted.programme_id = counter.programme_id AND granted.owner_id = counter.entity_id
        WHERE granted.id = NEW.grant_id AND counter.year = NEW.year;
    END IF;
    RETURN NEW;
END $$;
""".replace("BROKEN", BROKEN)

# The queue: whoever waits for a row by updating it is woken, with everyone else, by each commit. An advisory lock wakes one.
ADMIT = """
CREATE OR REPLACE FUNCTION voucher_redemption_admit() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    queued CONSTANT boolean := pg_advisory_xact_lock(1100, (NEW.entity_year_id % 2147483647)::integer) IS NOT NULL;
BEGIN
    UPDATE vouchers_entityyear SET used_fen = used_fen + NEW.amount_fen WHERE id = NEW.entity_year_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a redemption counts in a year'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'redemption_counted',
                TABLE = 'vouchers_redemption';
    END IF;
    IF NEW.shares_caps THEN
        PERFORM voucher_keep_shared_caps(
            NEW.grant_id, NEW.year, (NEW.held_at AT TIME ZONE 'Asia/Shanghai')::date
        );
    END IF;
    RETURN NULL;
END $$;
"""

# What was held before is told its counter; from then on that stays as well.
FIX = """
UPDATE vouchers_redemption redemption SET entity_year_id = counter.id
FROM vouchers_grant granted JOIN vouchers_entityyear counter
    ON counter.programme_id = granted.programme_id AND counter.entity_id = granted.owner_id
WHERE granted.id = redemption.grant_id AND counter.year = redemption.year;

CREATE OR REPLACE TRIGGER redemption_identity BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (
    (OLD.id, OLD.created_at, OLD.grant_id, OLD.hold_id, OLD.reference, OLD.year, OLD.eligible_fen, OLD.amount_fen,
     OLD.explanation, OLD.held_at, OLD.entity_year_id, OLD.shares_caps)
    IS DISTINCT FROM
    (NEW.id, NEW.created_at, NEW.grant_id, NEW.hold_id, NEW.reference, NEW.year, NEW.eligible_fen, NEW.amount_fen,
     NEW.explanation, NEW.held_at, NEW.entity_year_id, NEW.shares_caps)
)
EXECUTE FUNCTION voucher_refuse('a redemption stays what it was');

ALTER TABLE vouchers_redemption DROP CONSTRAINT redemption_within_public_support;
ALTER TABLE vouchers_redemption DROP CONSTRAINT redemption_shares_add_up;
"""

IDENTITY_BEFORE = import_module("vouchers.migrations.0005_keep_redemptions").FIX
SHARE_BEFORE = import_module("vouchers.migrations.0016_keep_versions").SHARE
UNFIX = (
    IDENTITY_BEFORE.partition("CREATE TRIGGER redemption_closed_once")[0].replace("CREATE", "CREATE OR REPLACE", 1)
    + SHARE_BEFORE[SHARE_BEFORE.index("ALTER TABLE") :]
)

COUNT_BEFORE = import_module("vouchers.migrations.0004_keep_entity_years").COUNT
COUNT_BEFORE = COUNT_BEFORE[COUNT_BEFORE.index("CREATE FUNCTION voucher_redemption_count") :].partition(
    "CREATE TRIGGER"
)[0]
COUNT_BEFORE = COUNT_BEFORE.replace("CREATE", "CREATE OR REPLACE", 1)
COUNT = """
CREATE OR REPLACE FUNCTION voucher_redemption_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vouchers_entityyear SET used_fen = used_fen + voucher_used_fen(NEW) - voucher_used_fen(OLD)
    WHERE id = NEW.entity_year_id;
    RETURN NULL;
END $$;
"""

MOVE = """
CREATE OR REPLACE FUNCTION voucher_hold_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF starts_with(NEW.key, 'redemption/') THEN
        INSERT INTO vouchers_movement (kind, source_id, amount_fen) VALUES ('hold', NEW.id, NEW.amount_fen);
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE TRIGGER voucher_hold_moved AFTER INSERT ON ledger_hold
FOR EACH ROW EXECUTE FUNCTION voucher_hold_moved();
"""

UNMOVE = """
CREATE OR REPLACE TRIGGER voucher_hold_moved AFTER INSERT ON ledger_hold
FOR EACH ROW WHEN (starts_with(NEW.key, 'redemption/')) EXECUTE FUNCTION voucher_hold_moved();
"""

HOLD_BEFORE = import_module("vouchers.migrations.0006_hold_in_one_trip").HOLD
HOLD_BEFORE = HOLD_BEFORE.replace("CREATE", "CREATE OR REPLACE", 1)
HOLD = HOLD_BEFORE.replace("    PERFORM pg_advisory_xact_lock(hashtextextended(for_reference, 0));\n", "").replace(
    "DECLARE\n",
    "DECLARE\n    alone CONSTANT boolean := pg_advisory_xact_lock(hashtextextended(for_reference, 0)) IS NOT NULL;\n",
)


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0028_keep_yearly_grants"), ("ledger", "0007_judge_holds_where_they_reserve")]

    operations = [
        migrations.AddField(
            model_name="redemption",
            name="entity_year",
            field=models.ForeignKey(
                db_constraint=False,
                db_index=False,
                editable=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="vouchers.entityyear",
                verbose_name="entity year",
            ),
        ),
        migrations.AddField(
            model_name="redemption",
            name="shares_caps",
            field=models.BooleanField(db_default=False, editable=False, verbose_name="counts towards shared caps"),
        ),
        migrations.RemoveConstraint(model_name="redemption", name="redemption_within_eligible_spending"),
        migrations.RunSQL(FIX, UNFIX),
        migrations.RunSQL(GATE, import_module("vouchers.migrations.0022_pass_the_gate_quickly").GATE),
        migrations.RunSQL(ADMIT, import_module("vouchers.migrations.0024_keep_shared_caps").ADMIT),
        migrations.RunSQL(COUNT, COUNT_BEFORE),
        migrations.RunSQL(MOVE, UNMOVE),
        migrations.RunSQL(HOLD, HOLD_BEFORE),
    ]
