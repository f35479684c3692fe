"""Keep the ties between organisations as their facts come and end: each new fact adds the chains that lead through it.

A chain has at most six holdings and never meets a company twice. Writers of facts wait for each other, so that two that
make one chain together never miss each other; whoever registers an organisation waits for them only.
"""

from django.db import migrations

from core.triggers import never_deleted

# Shares are multiplied exactly and rounded down once, at the end of a chain.
CHAINS = """
CREATE FUNCTION accounts_tie_through(edge uuid) RETURNS void LANGUAGE sql AS $$
    WITH RECURSIVE up AS (
        SELECT holder_code AS top, held_code AS bottom, share_bp::numeric AS product, ARRAY[id] AS facts,
            ARRAY[holder_code, held_code]::text[] AS met, valid_from, valid_to
        FROM accounts_shareholding WHERE id = edge
        UNION ALL
        SELECT above.holder_code, up.bottom, up.product * above.share_bp, above.id || up.facts,
            above.holder_code::text || up.met, greatest(up.valid_from, above.valid_from),
            least(up.valid_to, above.valid_to)
        FROM up JOIN accounts_shareholding above ON above.held_code = up.top
        WHERE cardinality(up.facts) < 6 AND above.holder_code <> ALL (up.met)
            AND up.product * above.share_bp >= 10000::numeric ^ cardinality(up.facts)
    ), down AS (
        SELECT * FROM up
        UNION ALL
        SELECT down.top, below.held_code, down.product * below.share_bp, down.facts || below.id,
            down.met || below.held_code::text, greatest(down.valid_from, below.valid_from),
            least(down.valid_to, below.valid_to)
        FROM down JOIN accounts_shareholding below ON below.holder_code = down.bottom
        WHERE cardinality(down.facts) < 6 AND below.held_code <> ALL (down.met)
            AND down.product * below.share_bp >= 10000::numeric ^ cardinality(down.facts)
    )
    INSERT INTO accounts_tie (first_id, second_id, ground, share_bp, downward, facts, valid_from, valid_to)
    SELECT least(holder.id, held.id), greatest(holder.id, held.id), 'shareholding',
        trunc(product / 10000::numeric ^ (cardinality(facts) - 1)), holder.id < held.id, facts, valid_from, valid_to
    FROM down
    JOIN accounts_organization holder ON holder.credit_code = down.top
    JOIN accounts_organization held ON held.credit_code = down.bottom
    WHERE valid_to IS NULL OR valid_from < valid_to
    ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION accounts_tie_by(trait uuid) RETURNS void LANGUAGE sql AS $$
    INSERT INTO accounts_tie (first_id, second_id, ground, facts, valid_from, valid_to)
    SELECT least(mine.organization_id, other.organization_id), greatest(mine.organization_id, other.organization_id),
        CASE WHEN mine.kind = other.kind THEN mine.kind ELSE 'person' END,
        ARRAY[least(mine.id, other.id), greatest(mine.id, other.id)],
        greatest(mine.valid_from, other.valid_from), least(mine.valid_to, other.valid_to)
    FROM accounts_trait mine
    JOIN accounts_trait other ON other.value = mine.value AND other.organization_id <> mine.organization_id
        AND (other.kind = mine.kind
             OR mine.kind IN ('representative', 'controller', 'manager')
             AND other.kind IN ('representative', 'controller', 'manager'))
    WHERE mine.id = trait AND NOT mine.shared AND NOT other.shared
        AND mine.valid_from < coalesce(other.valid_to, 'infinity')
        AND other.valid_from < coalesce(mine.valid_to, 'infinity')
    ON CONFLICT DO NOTHING
$$;

CREATE FUNCTION accounts_related(one uuid, other uuid, day date, least_bp integer) RETURNS boolean
LANGUAGE sql STABLE RETURN EXISTS (
    SELECT FROM accounts_tie
    WHERE first_id = least(one, other) AND second_id = greatest(one, other)
        AND (valid_from IS NULL OR valid_from <= day) AND (valid_to IS NULL OR valid_to > day)
    GROUP BY downward HAVING bool_or(share_bp IS NULL) OR sum(share_bp) >= least_bp
);
"""

UNCHAIN = """
DROP FUNCTION accounts_related(uuid, uuid, date, integer);
DROP FUNCTION accounts_tie_by(uuid);
DROP FUNCTION accounts_tie_through(uuid);
"""

KEEP = """
CREATE FUNCTION accounts_fact_ties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1130);
    IF TG_OP = 'UPDATE' THEN
        DELETE FROM accounts_tie WHERE facts @> ARRAY[NEW.id];
    END IF;
    IF TG_TABLE_NAME = 'accounts_trait' THEN
        PERFORM accounts_tie_by(NEW.id);
    ELSE
        PERFORM accounts_tie_through(NEW.id);
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER shareholding_ties AFTER INSERT OR UPDATE ON accounts_shareholding
FOR EACH ROW EXECUTE FUNCTION accounts_fact_ties();

CREATE TRIGGER trait_ties AFTER INSERT OR UPDATE ON accounts_trait
FOR EACH ROW EXECUTE FUNCTION accounts_fact_ties();

CREATE FUNCTION accounts_organization_ties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1130);
    PERFORM accounts_tie_through(id) FROM accounts_shareholding
    WHERE holder_code = NEW.credit_code OR held_code = NEW.credit_code;
    RETURN NULL;
END $$;

CREATE TRIGGER organization_ties AFTER INSERT ON accounts_organization
FOR EACH ROW EXECUTE FUNCTION accounts_organization_ties();

CREATE FUNCTION accounts_relation_ties() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO accounts_tie (first_id, second_id, ground, facts)
    VALUES (NEW.first_id, NEW.second_id, NEW.ground, ARRAY[NEW.id]);
    RETURN NULL;
END $$;

CREATE TRIGGER relation_ties AFTER INSERT ON accounts_relation
FOR EACH ROW EXECUTE FUNCTION accounts_relation_ties();

INSERT INTO accounts_tie (first_id, second_id, ground, facts)
SELECT first_id, second_id, ground, ARRAY[id] FROM accounts_relation;

CREATE INDEX tie_by_fact ON accounts_tie USING gin (facts);
"""

UNKEEP = """
DROP INDEX tie_by_fact;
DELETE FROM accounts_tie;
DROP TRIGGER relation_ties ON accounts_relation;
DROP FUNCTION accounts_relation_ties();
DROP TRIGGER organization_ties ON accounts_organization;
DROP FUNCTION accounts_organization_ties();
DROP TRIGGER trait_ties ON accounts_trait;
DROP TRIGGER shareholding_ties ON accounts_shareholding;
DROP FUNCTION accounts_fact_ties();
"""

GUARD = """
CREATE FUNCTION accounts_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0] USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME;
END $$;

CREATE TRIGGER tie_kept_by_facts BEFORE INSERT OR UPDATE OR DELETE OR TRUNCATE ON accounts_tie
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION accounts_refuse('ties follow from facts');

CREATE TRIGGER shareholding_only_ends BEFORE UPDATE ON accounts_shareholding
FOR EACH ROW WHEN (
    OLD.valid_to IS NOT NULL
    OR (OLD.id, OLD.created_at, OLD.holder_code, OLD.holder_name, OLD.held_code, OLD.held_name, OLD.share_bp,
        OLD.is_branch, OLD.valid_from, OLD.source, OLD.recorded_by_id, OLD.recorded_at)
    IS DISTINCT FROM
       (NEW.id, NEW.created_at, NEW.holder_code, NEW.holder_name, NEW.held_code, NEW.held_name, NEW.share_bp,
        NEW.is_branch, NEW.valid_from, NEW.source, NEW.recorded_by_id, NEW.recorded_at)
)
EXECUTE FUNCTION accounts_refuse('of a fact only its end is written, once');

CREATE TRIGGER trait_only_ends BEFORE UPDATE ON accounts_trait
FOR EACH ROW WHEN (
    OLD.valid_to IS NOT NULL OR OLD.shared
    OR (OLD.id, OLD.created_at, OLD.organization_id, OLD.kind, OLD.value, OLD.valid_from, OLD.source,
        OLD.recorded_by_id, OLD.recorded_at)
    IS DISTINCT FROM
       (NEW.id, NEW.created_at, NEW.organization_id, NEW.kind, NEW.value, NEW.valid_from, NEW.source,
        NEW.recorded_by_id, NEW.recorded_at)
)
EXECUTE FUNCTION accounts_refuse('of a fact only its end is written, once');
"""

UNGUARD = """
DROP TRIGGER trait_only_ends ON accounts_trait;
DROP TRIGGER shareholding_only_ends ON accounts_shareholding;
DROP TRIGGER tie_kept_by_facts ON accounts_tie;
DROP FUNCTION accounts_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [("accounts", "0006_keep_registers")]

    operations = [
        migrations.RunSQL(CHAINS, UNCHAIN),
        migrations.RunSQL(KEEP, UNKEEP),
        migrations.RunSQL(GUARD, UNGUARD),
        never_deleted("accounts_shareholding"),
        never_deleted("accounts_trait"),
    ]
