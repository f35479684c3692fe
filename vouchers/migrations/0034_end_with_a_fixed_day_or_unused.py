"""End no grant after the fixed last day of its version, and let those end that lie idle where their version says so."""

from importlib import import_module

from django.db import migrations, models

# Behind the trigger that pins the version: names decide. What a claim is granted after use is used up at once, whatever the
# day; what is issued anew ends when the old grant would have.
KEEP = """
CREATE FUNCTION voucher_grant_within_fixed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM vouchers_programmeversion version
        JOIN vouchers_programme programme ON programme.id = version.programme_id AND programme.mode <> 'REIMBURSE'
        WHERE version.programme_id = NEW.programme_id AND version.number = NEW.version AND version.status = 'published'
            AND NEW.expires_at > ((version.parameters #>> '{validity,fixed_last_on}')::date + 1)::timestamp
                AT TIME ZONE 'Asia/Shanghai'
    ) AND NOT EXISTS (
        SELECT FROM vouchers_grant earlier
        WHERE earlier.programme_id = NEW.programme_id AND earlier.status = 'superseded'
            AND earlier.expires_at = NEW.expires_at
    ) THEN
        RAISE EXCEPTION 'a grant ends with the fixed last day of its programme'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'grant_within_fixed_day',
                TABLE = 'vouchers_grant';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER grant_within_fixed_day BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (OLD.status = 'proposed' AND NEW.status = 'active') EXECUTE FUNCTION voucher_grant_within_fixed_day();
"""

UNKEEP = """
DROP TRIGGER grant_within_fixed_day ON vouchers_grant;
DROP FUNCTION voucher_grant_within_fixed_day();
"""

# Nothing is held of what is taken back, and its version says that it is.
TAKE_BACK = """
CREATE FUNCTION voucher_grant_idle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM vouchers_programmeversion version
        WHERE version.programme_id = NEW.programme_id AND version.number = NEW.version AND version.status = 'published'
            AND (version.parameters #>> '{validity,inactivity_expunge_days}') IS NOT NULL
    ) OR OLD.status <> 'active' OR EXISTS (
        SELECT FROM vouchers_redemption redemption WHERE redemption.grant_id = NEW.id AND redemption.status = 'held'
    ) THEN
        RAISE EXCEPTION 'a grant is taken back where its version says so, while nothing of it is held'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'grant_idle_by_version',
                TABLE = 'vouchers_grant';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER grant_idle_by_version BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (OLD.status <> 'unused' AND NEW.status = 'unused') EXECUTE FUNCTION voucher_grant_idle();

CREATE OR REPLACE TRIGGER grant_moves_forward BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    OLD.status IN ('expired', 'revoked', 'rejected', 'surrendered', 'superseded', 'unused') AND NEW.status <> OLD.status
    OR OLD.status <> 'proposed' AND NEW.status IN ('proposed', 'rejected')
)
EXECUTE FUNCTION voucher_refuse('a grant that is over stays over');
"""

UNTAKE_BACK = (
    import_module("vouchers.migrations.0021_issue_in_bulk_and_anew").KEEP.partition("CREATE TRIGGER")[0]
    + """
DROP TRIGGER grant_idle_by_version ON vouchers_grant;
DROP FUNCTION voucher_grant_idle();
"""
)

# What was taken back counts with what it had paid, whoever took it back.
SUPPORT_BEFORE = import_module("vouchers.migrations.0028_keep_yearly_grants").SUPPORT
SUPPORT = SUPPORT_BEFORE.replace("IN ('revoked', 'surrendered')", "IN ('revoked', 'surrendered', 'unused')")
STATUSES = ["proposed", "active", "frozen", "expired", "revoked", "rejected", "surrendered", "superseded", "unused"]


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0033_extend_grants")]

    operations = [
        migrations.RunSQL(KEEP, UNKEEP),
        migrations.RemoveConstraint(model_name="grant", name="grant_status_known"),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(condition=models.Q(("status__in", STATUSES)), name="grant_status_known"),
        ),
        migrations.RunSQL(TAKE_BACK, UNTAKE_BACK),
        migrations.RunSQL(SUPPORT, SUPPORT_BEFORE),
    ]
