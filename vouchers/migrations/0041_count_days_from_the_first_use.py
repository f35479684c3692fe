"""Let the days of a grant count from its first use: its first hold fixes the end, and the log hears of it.

Whoever holds first locks the grant's row behind the gate and before the counters, in the order of those who end a grant;
a hold that waited there meets a grant that was begun. Later holds lock no grant, as before.
"""

from importlib import import_module

import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only

# Behind the trigger that pins the version: names decide. What is issued anew has the days that the old grant still had.
TAKE = """
CREATE FUNCTION voucher_grant_takes_its_days() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    SELECT earlier.days_from_first_use INTO NEW.days_from_first_use
    FROM vouchers_reissue reissue JOIN vouchers_grant earlier ON earlier.id = reissue.grant_id
    WHERE reissue.successor_id = NEW.owner_id AND reissue.status = 'proposed' AND earlier.status = 'superseded'
        AND earlier.programme_id = NEW.programme_id AND earlier.expires_at = NEW.expires_at;
    IF NOT FOUND THEN
        NEW.days_from_first_use := (
            SELECT (version.parameters #>> '{validity,days}')::integer FROM vouchers_programmeversion version
            WHERE version.programme_id = NEW.programme_id AND version.number = NEW.version
                AND version.status = 'published' AND version.parameters #>> '{validity,valid_from}' = 'FIRST_USE'
        );
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER grant_takes_its_days BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (OLD.status = 'proposed' AND NEW.status = 'active') EXECUTE FUNCTION voucher_grant_takes_its_days();
"""

UNTAKE = """
DROP TRIGGER grant_takes_its_days ON vouchers_grant;
DROP FUNCTION voucher_grant_takes_its_days();
"""

# As before, but that the first use, and nothing else, fixes the end of a grant whose days have not begun.
EXTENSION_ALONE = import_module("vouchers.migrations.0033_extend_grants").FIX
FIX = """
CREATE OR REPLACE FUNCTION voucher_grant_approved_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.approved_by_id, OLD.approved_at, OLD.account_id, OLD.status)
        IS NOT DISTINCT FROM (NEW.approved_by_id, NEW.approved_at, NEW.account_id, NEW.status)
        AND NEW.status IN ('active', 'frozen') AND (
            OLD.days_from_first_use IS NOT DISTINCT FROM NEW.days_from_first_use AND EXISTS (
                SELECT FROM vouchers_extension extension
                WHERE extension.grant_id = NEW.id AND extension.status = 'approved'
                    AND extension.was_at = OLD.expires_at AND extension.until_at = NEW.expires_at
            ) OR NEW.days_from_first_use IS NULL AND EXISTS (
                SELECT FROM vouchers_firstuse used
                WHERE used.grant_id = NEW.id AND used.days = OLD.days_from_first_use
                    AND used.was_at = OLD.expires_at AND used.until_at = NEW.expires_at
            )
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an approved grant keeps its approval, and its expiry but for an approved extension or its first use'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'grant_approved_once', TABLE = 'vouchers_grant';
END $$;

CREATE OR REPLACE TRIGGER grant_approved_once BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    OLD.status <> 'proposed'
    AND (OLD.approved_by_id, OLD.approved_at, OLD.expires_at, OLD.account_id, OLD.days_from_first_use)
    IS DISTINCT FROM (NEW.approved_by_id, NEW.approved_at, NEW.expires_at, NEW.account_id, NEW.days_from_first_use)
)
EXECUTE FUNCTION voucher_grant_approved_once();
"""
UNFIX = EXTENSION_ALONE.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1)

BEGIN = """
CREATE TRIGGER first_use_by_a_hold BEFORE INSERT ON vouchers_firstuse
FOR EACH ROW WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION voucher_refuse('a grant is first used by a hold');

CREATE FUNCTION voucher_begin(of_grant uuid, at timestamptz) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
    granted vouchers_grant%ROWTYPE;
    ends timestamptz;
    begun bigint;
BEGIN
    SELECT * INTO granted FROM vouchers_grant WHERE id = of_grant FOR NO KEY UPDATE;
    IF granted.status <> 'active' OR granted.expires_at <= at THEN
        RETURN false;
    ELSIF granted.days_from_first_use IS NULL THEN
        RETURN true;
    END IF;
    ends := least(granted.expires_at, ((at AT TIME ZONE 'Asia/Shanghai')::date + granted.days_from_first_use)::timestamp
        AT TIME ZONE 'Asia/Shanghai');
    INSERT INTO vouchers_firstuse (grant_id, days, used_at, was_at, until_at)
    VALUES (of_grant, granted.days_from_first_use, at, granted.expires_at, ends) RETURNING id INTO begun;
    UPDATE vouchers_grant SET expires_at = ends, days_from_first_use = NULL WHERE id = of_grant;
    INSERT INTO vouchers_movement (kind, source_id, amount_fen) VALUES ('begin', begun, 0);
    RETURN true;
END $$;
"""

UNBEGIN = """
DROP FUNCTION voucher_begin(uuid, timestamptz);
DROP TRIGGER first_use_by_a_hold ON vouchers_firstuse;
"""

GATE_BEFORE = import_module("vouchers.migrations.0030_keep_pools_and_provider_shares").GATE
GATE = (
    GATE_BEFORE.replace("    broken text;\n", "    broken text;\n    awaited boolean;\n", 1)
    .replace(
        "    SELECT counter.id, num_nonnulls",
        "    SELECT granted.days_from_first_use IS NOT NULL, counter.id, num_nonnulls",
        1,
    )
    .replace("    INTO NEW.entity_year_id,", "    INTO awaited, NEW.entity_year_id,", 1)
    .replace(
        "    IF broken <> '' OR broken IS NULL THEN\n",
        "    IF broken = '' AND awaited AND NOT voucher_begin(NEW.grant_id, NEW.held_at) THEN\n"
        "        broken := 'redemption_grant_usable';\n"
        "    END IF;\n"
        "    IF broken <> '' OR broken IS NULL THEN\n",
        1,
    )
)


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0040_plan_what_is_owed")]

    operations = [
        migrations.CreateModel(
            name="FirstUse",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("days", models.PositiveIntegerField(verbose_name="days of validity")),
                ("used_at", models.DateTimeField(verbose_name="first used at")),
                ("was_at", models.DateTimeField(verbose_name="would have ended at")),
                ("until_at", models.DateTimeField(verbose_name="ends at")),
                (
                    "grant",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="first_uses",
                        to="vouchers.grant",
                    ),
                ),
            ],
            options={
                "verbose_name": "first use of a grant",
                "verbose_name_plural": "first uses of grants",
                "constraints": [
                    models.UniqueConstraint(fields=("grant",), name="first_use_once"),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("until_at__gt", models.F("used_at")), ("until_at__lte", models.F("was_at"))
                        ),
                        name="first_use_within_latest_end",
                    ),
                ],
            },
        ),
        migrations.AddField(
            model_name="grant",
            name="days_from_first_use",
            field=models.PositiveIntegerField(editable=False, null=True, verbose_name="days from its first use on"),
        ),
        migrations.AddConstraint(
            model_name="grant",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("days_from_first_use", None),
                    models.Q(("days_from_first_use__gt", 0), ("expires_at__isnull", False)),
                    _connector="OR",
                ),
                name="grant_days_before_first_use",
            ),
        ),
        migrations.RunSQL(TAKE, UNTAKE),
        migrations.RunSQL(FIX, UNFIX),
        migrations.RunSQL(BEGIN, UNBEGIN),
        migrations.RunSQL(GATE, GATE_BEFORE),
        append_only("vouchers_firstuse"),
    ]
