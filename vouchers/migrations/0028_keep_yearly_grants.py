"""Keep what a firm is granted in a year within its cap, where the programme's cap counts grants."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("vouchers.migrations.0024_keep_shared_caps").SUPPORT.partition("CREATE TRIGGER")[0]
BEFORE = BEFORE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")

# What was taken back counts with what it had paid.
SUPPORT = """
CREATE OR REPLACE FUNCTION voucher_grant_within_support() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    most_grants integer;
    most_years integer;
    most_fen bigint;
    granted integer;
    years integer;
    year_fen bigint;
    broken text;
BEGIN
    SELECT (parameters #>> '{caps,max_grants_per_entity}')::integer, (parameters #>> '{caps,max_support_years}')::integer,
        CASE WHEN parameters #> '{caps,cap_basis}' ? 'GRANT' THEN (parameters #>> '{caps,entity_annual_cap_fen}')::bigint END
    INTO most_grants, most_years, most_fen
    FROM vouchers_programmeversion
    WHERE programme_id = NEW.programme_id AND number = NEW.version AND status = 'published';
    IF num_nonnulls(most_grants, most_years, most_fen) = 0 THEN
        RETURN NULL;
    END IF;
    PERFORM pg_advisory_xact_lock(1102, hashtext(NEW.programme_id::text || NEW.owner_id));
    SELECT count(*), 1 + max(year) - min(year), sum(
        CASE WHEN year <> extract(year FROM NEW.approved_at AT TIME ZONE 'Asia/Shanghai') THEN 0
            WHEN status IN ('revoked', 'surrendered') THEN (
                SELECT coalesce(sum(voucher_used_fen(redemption)), 0)
                FROM vouchers_redemption redemption WHERE redemption.grant_id = vouchers_grant.id
            )
            ELSE face_fen END
    ) INTO granted, years, year_fen
    FROM vouchers_grant, extract(year FROM approved_at AT TIME ZONE 'Asia/Shanghai') AS year
    WHERE programme_id = NEW.programme_id AND owner_id = NEW.owner_id AND approved_at IS NOT NULL
        AND status <> 'superseded';
    broken := CASE
        WHEN granted > most_grants THEN 'grant_within_number'
        WHEN years > most_years THEN 'grant_within_years'
        WHEN year_fen > most_fen THEN 'grant_within_year_cap' END;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'the entity has had its support'
            USING ERRCODE = 'integrity_constraint_violation', TABLE = 'vouchers_grant', CONSTRAINT = broken;
    END IF;
    RETURN NULL;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0027_lay_findings_to_programmes")]

    operations = [migrations.RunSQL(SUPPORT, BEFORE)]
