"""Refuse decisions on public money by people whose role or interest forbids them, whoever writes them."""

from django.db import migrations

KEEP = """
CREATE FUNCTION voucher_decider_may() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    decider uuid := (to_jsonb(NEW) ->> TG_ARGV[0])::uuid;
    authority uuid := CASE TG_TABLE_NAME
        WHEN 'vouchers_programme' THEN (to_jsonb(NEW) ->> 'authority_id')::uuid
        ELSE (SELECT authority_id FROM vouchers_programme WHERE id = (to_jsonb(NEW) ->> 'programme_id')::uuid) END;
    owner uuid := (to_jsonb(NEW) ->> 'owner_id')::uuid;
BEGIN
    IF EXISTS (
        SELECT 1 FROM accounts_membership WHERE user_id = decider
        AND (role = 'auditor'
             OR organization_id = authority AND role IN ('finance', 'district', 'expert', 'viewer'))
    ) THEN
        RAISE EXCEPTION 'the role of this person does not decide on awards'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'voucher_decider_has_the_duty';
    END IF;
    IF owner IS NOT NULL AND (
        EXISTS (SELECT 1 FROM accounts_membership WHERE user_id = decider AND organization_id = owner)
        OR EXISTS (SELECT 1 FROM accounts_interest WHERE user_id = decider AND organization_id = owner)
    ) THEN
        RAISE EXCEPTION 'this person has an interest in the firm'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'voucher_decider_is_impartial';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER grant_decider_may BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (NEW.approved_by_id IS DISTINCT FROM OLD.approved_by_id)
EXECUTE FUNCTION voucher_decider_may('approved_by_id');

CREATE TRIGGER programme_decider_may BEFORE UPDATE ON vouchers_programme
FOR EACH ROW WHEN (NEW.published_by_id IS DISTINCT FROM OLD.published_by_id)
EXECUTE FUNCTION voucher_decider_may('published_by_id');
"""

LEAVE = """
DROP TRIGGER programme_decider_may ON vouchers_programme;
DROP TRIGGER grant_decider_may ON vouchers_grant;
DROP FUNCTION voucher_decider_may();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0007_transparency_log"), ("accounts", "0005_separate_duties")]

    operations = [migrations.RunSQL(KEEP, LEAVE)]
