"""Let a grant end later where its version allows it: one person proposes, another approves, the log hears of it."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.fields
from core.triggers import never_deleted

# An extension is of a grant that lives and still ends when it says, within what the grant's own version allows.
KEEP = """
CREATE FUNCTION voucher_extension_keep() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    broken text;
BEGIN
    SELECT CASE
        WHEN granted.status NOT IN ('active', 'frozen') OR granted.expires_at <> NEW.was_at THEN 'extension_of_a_living_grant'
        WHEN (version.parameters #>> '{validity,extension_allowed}')::boolean IS NOT TRUE THEN 'extension_allowed_by_version'
        WHEN NEW.until_at > ((version.parameters #>> '{validity,fixed_last_on}')::date + 1)::timestamp
            AT TIME ZONE 'Asia/Shanghai' THEN 'extension_within_fixed_day'
        WHEN EXISTS (
            SELECT FROM accounts_membership WHERE user_id = NEW.decided_by_id AND (
                role = 'auditor'
                OR organization_id = programme.authority_id AND role IN ('finance', 'district', 'expert', 'viewer')
            )
        ) THEN 'voucher_decider_has_the_duty'
        WHEN EXISTS (
            SELECT FROM accounts_membership WHERE user_id = NEW.decided_by_id AND organization_id = granted.owner_id
        ) OR EXISTS (
            SELECT FROM accounts_interest WHERE user_id = NEW.decided_by_id AND organization_id = granted.owner_id
        ) THEN 'voucher_decider_is_impartial'
        END INTO broken
    FROM vouchers_grant granted
    JOIN vouchers_programme programme ON programme.id = granted.programme_id
    LEFT JOIN vouchers_programmeversion version ON version.programme_id = granted.programme_id
        AND version.number = granted.version AND version.status = 'published'
    WHERE granted.id = NEW.grant_id;
    IF broken IS NOT NULL THEN
        RAISE EXCEPTION 'an extension breaks %', broken
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = broken, TABLE = 'vouchers_extension';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER extension_keep BEFORE INSERT OR UPDATE ON vouchers_extension
FOR EACH ROW WHEN (NEW.status <> 'rejected') EXECUTE FUNCTION voucher_extension_keep();

CREATE TRIGGER extension_starts_proposed BEFORE INSERT ON vouchers_extension
FOR EACH ROW WHEN (NEW.status <> 'proposed') EXECUTE FUNCTION voucher_refuse('an extension is proposed first');

CREATE TRIGGER extension_decided_once BEFORE UPDATE ON vouchers_extension
FOR EACH ROW WHEN (
    OLD.status <> 'proposed'
    OR to_jsonb(OLD) - '{status,decided_by_id,decided_at}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,decided_by_id,decided_at}'::text[]
)
EXECUTE FUNCTION voucher_refuse('an extension stays what was proposed, and is decided once');

-- The grant's row is locked by the update, so that whoever ends the grant meanwhile is seen here, or sees its new end.
CREATE FUNCTION voucher_extension_act() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vouchers_grant SET expires_at = NEW.until_at
    WHERE id = NEW.grant_id AND status IN ('active', 'frozen') AND expires_at = NEW.was_at;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'a grant that is over stays over'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'extension_of_a_living_grant',
                TABLE = 'vouchers_extension';
    END IF;
    INSERT INTO vouchers_movement (kind, source_id, amount_fen) VALUES ('extend', NEW.id, 0);
    RETURN NULL;
END $$;

CREATE TRIGGER extension_act AFTER UPDATE ON vouchers_extension
FOR EACH ROW WHEN (OLD.status = 'proposed' AND NEW.status = 'approved') EXECUTE FUNCTION voucher_extension_act();
"""

UNKEEP = """
DROP TRIGGER extension_act ON vouchers_extension;
DROP FUNCTION voucher_extension_act();
DROP TRIGGER extension_decided_once ON vouchers_extension;
DROP TRIGGER extension_starts_proposed ON vouchers_extension;
DROP TRIGGER extension_keep ON vouchers_extension;
DROP FUNCTION voucher_extension_keep();
"""

# As before, but that an approved extension, and nothing else, moves the end of a grant that lives.
FIX = """
CREATE FUNCTION voucher_grant_approved_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.approved_by_id, OLD.approved_at, OLD.account_id, OLD.status)
        IS NOT DISTINCT FROM (NEW.approved_by_id, NEW.approved_at, NEW.account_id, NEW.status)
        AND NEW.status IN ('active', 'frozen') AND EXISTS (
            SELECT FROM vouchers_extension extension
            WHERE extension.grant_id = NEW.id AND extension.status = 'approved'
                AND extension.was_at = OLD.expires_at AND extension.until_at = NEW.expires_at
        )
    THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'an approved grant keeps its approval, and its expiry but for an approved extension'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'grant_approved_once', TABLE = 'vouchers_grant';
END $$;

CREATE OR REPLACE TRIGGER grant_approved_once BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    OLD.status <> 'proposed'
    AND (OLD.approved_by_id, OLD.approved_at, OLD.expires_at, OLD.account_id)
    IS DISTINCT FROM (NEW.approved_by_id, NEW.approved_at, NEW.expires_at, NEW.account_id)
)
EXECUTE FUNCTION voucher_grant_approved_once();
"""

UNFIX = """
CREATE OR REPLACE TRIGGER grant_approved_once BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    OLD.status <> 'proposed'
    AND (OLD.approved_by_id, OLD.approved_at, OLD.expires_at, OLD.account_id)
    IS DISTINCT FROM (NEW.approved_by_id, NEW.approved_at, NEW.expires_at, NEW.account_id)
)
EXECUTE FUNCTION voucher_refuse('an approved grant keeps its approval and its expiry');
DROP FUNCTION voucher_grant_approved_once();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0032_show_debtors_the_files"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Extension",
            fields=[
                ("status", core.fields.StatusField(max_length=16)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("was_at", models.DateTimeField(verbose_name="ended at")),
                ("until_at", models.DateTimeField(verbose_name="ends at")),
                ("reason", models.CharField(max_length=500, verbose_name="reason")),
                ("proposed_at", models.DateTimeField(verbose_name="proposed at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "grant",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="extensions", to="vouchers.grant"
                    ),
                ),
                (
                    "proposed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="proposed by",
                    ),
                ),
            ],
            options={
                "verbose_name": "extension of a grant",
                "verbose_name_plural": "extensions of grants",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "proposed")), fields=("grant",), name="extension_once_at_a_time"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("reason", ""), _negated=True), name="extension_has_a_reason"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("until_at__gt", models.F("was_at"))), name="extension_ends_later"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            models.Q(("decided_by", models.F("proposed_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="extension_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("decided_by", None), ("status", "proposed")),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_at__lt", models.F("was_at")),
                                ("decided_by__isnull", False),
                                ("status", "approved"),
                            ),
                            models.Q(
                                ("decided_at__isnull", False), ("decided_by__isnull", False), ("status", "rejected")
                            ),
                            _connector="OR",
                        ),
                        name="extension_decided_in_time",
                    ),
                ],
            },
        ),
        migrations.RunSQL(KEEP, UNKEEP),
        migrations.RunSQL(FIX, UNFIX),
        never_deleted("vouchers_extension"),
    ]
