"""Let PostgreSQL refuse value to whoever is frozen, barred or related, and keep findings and clawbacks what they are."""

from django.db import migrations

from core.triggers import append_only, never_deleted

# Whoever freezes a grant or bars a firm closes the gate of its grants first: a hold in flight is either done before, or
# looks after the gate is open again and sees what was decided. Holds do not wait for each other here.
GATE = """
-- Whether a programme denies two organisations because of what ties them on a day, by its own parameters.
CREATE FUNCTION voucher_denies(of_programme uuid, one uuid, other uuid, day date) RETURNS boolean
LANGUAGE sql STABLE RETURN EXISTS (
    SELECT FROM accounts_tie tie
    CROSS JOIN LATERAL (
        SELECT parameters #> '{integrity,related_party}' AS terms FROM vouchers_programme WHERE id = of_programme
    ) asked
    WHERE tie.first_id = least(one, other) AND tie.second_id = greatest(one, other)
        AND (tie.valid_from IS NULL OR tie.valid_from <= day) AND (tie.valid_to IS NULL OR tie.valid_to > day)
        AND coalesce(terms ->> 'rule', 'DENY') = 'DENY'
    GROUP BY tie.downward, terms
    HAVING sum(tie.share_bp) >= coalesce((terms ->> 'share_bp')::integer, 2500) OR bool_or(
        tie.share_bp IS NULL AND coalesce((terms ->> CASE tie.ground
            WHEN 'representative' THEN 'same_representative'
            WHEN 'controller' THEN 'same_controller'
            WHEN 'bank_account' THEN 'same_bank_account'
            WHEN 'phone' THEN 'same_contact'
            WHEN 'domain' THEN 'same_contact'
            WHEN 'address' THEN 'same_address'
            WHEN 'device' THEN 'same_device' END)::boolean, true)
    )
);

CREATE FUNCTION voucher_redemption_gate() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    named uuid[] := ARRAY(SELECT jsonb_array_elements_text(coalesce(NEW.explanation -> 'providers', '[]'))::uuid);
    barred text;
BEGIN
    PERFORM pg_advisory_xact_lock_shared(1125, uuid_hash(NEW.grant_id));
    SELECT CASE
        WHEN granted.status <> 'active' THEN 'the grant is not active'
        WHEN EXISTS (
            SELECT FROM vouchers_blacklisting
            WHERE (organization_id = granted.owner_id OR organization_id = ANY (named))
                AND starts_at <= NEW.held_at AND ends_at > NEW.held_at AND lifted_at IS NULL
        ) THEN 'a party is barred from vouchers'
        WHEN EXISTS (
            SELECT FROM unnest(named) AS provider
            WHERE voucher_denies(
                granted.programme_id, granted.owner_id, provider, (NEW.held_at AT TIME ZONE 'Asia/Shanghai')::date
            )
        ) THEN 'the parties are related'
        END INTO barred
    FROM vouchers_grant granted WHERE granted.id = NEW.grant_id;
    IF barred IS NOT NULL THEN
        RAISE EXCEPTION '%', barred
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'redemption_grant_usable',
                TABLE = 'vouchers_redemption';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER redemption_gate BEFORE INSERT ON vouchers_redemption
FOR EACH ROW EXECUTE FUNCTION voucher_redemption_gate();

CREATE FUNCTION voucher_capture_gate() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM captured
        JOIN vouchers_redemption redemption ON redemption.id = captured.redemption_id
        JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
        WHERE vouchers_grant.status = 'frozen'
    ) THEN
        RAISE EXCEPTION 'nothing is paid by a frozen grant'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'capture_grant_not_frozen';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER capture_grant_not_frozen AFTER INSERT ON vouchers_capture REFERENCING NEW TABLE AS captured
FOR EACH STATEMENT EXECUTE FUNCTION voucher_capture_gate();

DROP TRIGGER grant_moves_forward ON vouchers_grant;
CREATE TRIGGER grant_moves_forward BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    OLD.status IN ('expired', 'revoked', 'rejected') AND NEW.status <> OLD.status
    OR OLD.status IN ('active', 'frozen') AND NEW.status IN ('proposed', 'rejected')
)
EXECUTE FUNCTION voucher_refuse('a grant that is over stays over');
"""

UNGATE = """
DROP TRIGGER grant_moves_forward ON vouchers_grant;
CREATE TRIGGER grant_moves_forward BEFORE UPDATE ON vouchers_grant
FOR EACH ROW WHEN (
    OLD.status IN ('expired', 'revoked', 'rejected') AND NEW.status <> OLD.status
    OR OLD.status = 'active' AND NEW.status IN ('proposed', 'rejected')
)
EXECUTE FUNCTION voucher_refuse('a grant that is over stays over');
DROP TRIGGER capture_grant_not_frozen ON vouchers_capture;
DROP FUNCTION voucher_capture_gate();
DROP TRIGGER redemption_gate ON vouchers_redemption;
DROP FUNCTION voucher_redemption_gate();
DROP FUNCTION voucher_denies(uuid, uuid, uuid, date);
"""

FIX = """
CREATE TRIGGER freeze_lifted_once BEFORE UPDATE ON vouchers_freeze
FOR EACH ROW WHEN (
    OLD.lifted_at IS NOT NULL
    OR to_jsonb(OLD) - '{lifted_at,lifted_by_id,lift_reason}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{lifted_at,lifted_by_id,lift_reason}'::text[]
)
EXECUTE FUNCTION voucher_refuse('a freeze is lifted, once');

CREATE TRIGGER blacklisting_lifted_once BEFORE UPDATE ON vouchers_blacklisting
FOR EACH ROW WHEN (
    OLD.lifted_at IS NOT NULL
    OR to_jsonb(OLD) - '{lifted_at,lifted_by_id,lift_reason}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{lifted_at,lifted_by_id,lift_reason}'::text[]
)
EXECUTE FUNCTION voucher_refuse('a blacklisting is lifted, once');

CREATE TRIGGER finding_identity BEFORE UPDATE ON vouchers_finding
FOR EACH ROW WHEN (
    (OLD.id, OLD.created_at, OLD.rule, OLD.severity, OLD.dedupe_key, OLD.subject_id, OLD.counterparty_id, OLD.programme_id,
     OLD.grant_id, OLD.redemption_id, OLD.amount_fen, OLD.evidence, OLD.found_at, OLD.found_by_id)
    IS DISTINCT FROM
    (NEW.id, NEW.created_at, NEW.rule, NEW.severity, NEW.dedupe_key, NEW.subject_id, NEW.counterparty_id, NEW.programme_id,
     NEW.grant_id, NEW.redemption_id, NEW.amount_fen, NEW.evidence, NEW.found_at, NEW.found_by_id)
    OR OLD.status NOT IN ('open', 'assigned')
)
EXECUTE FUNCTION voucher_refuse('what was found stays as it was found');

CREATE TRIGGER clawback_identity BEFORE UPDATE ON vouchers_clawback
FOR EACH ROW WHEN (
    (OLD.id, OLD.created_at, OLD.grant_id, OLD.debtor_id, OLD.finding_id, OLD.reason, OLD.raised_by_id, OLD.raised_at)
    IS DISTINCT FROM
    (NEW.id, NEW.created_at, NEW.grant_id, NEW.debtor_id, NEW.finding_id, NEW.reason, NEW.raised_by_id, NEW.raised_at)
    OR OLD.notified_at IS NOT NULL AND (OLD.notice, OLD.notified_by_id, OLD.notified_at, OLD.response_due_at)
    IS DISTINCT FROM (NEW.notice, NEW.notified_by_id, NEW.notified_at, NEW.response_due_at)
    OR OLD.decided_at IS NOT NULL AND (OLD.decision, OLD.decided_by_id, OLD.decided_at, OLD.principal_fen, OLD.interest_fen)
    IS DISTINCT FROM (NEW.decision, NEW.decided_by_id, NEW.decided_at, NEW.principal_fen, NEW.interest_fen)
)
EXECUTE FUNCTION voucher_refuse('what was said and decided stays');

CREATE TRIGGER vouchers_clawback_moves BEFORE UPDATE OF status ON vouchers_clawback
FOR EACH ROW WHEN (
    OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN (
        'suspected hold_placed', 'suspected dismissed', 'hold_placed notice_sent', 'hold_placed dismissed',
        'notice_sent responded', 'notice_sent upheld', 'notice_sent dismissed', 'responded upheld', 'responded dismissed',
        'upheld demanded', 'demanded recovered', 'demanded referred', 'referred recovered'
    )
)
EXECUTE FUNCTION voucher_refuse('a clawback takes its course');

CREATE TRIGGER clawback_folded_by_facts BEFORE UPDATE ON vouchers_clawback
FOR EACH ROW WHEN (
    (OLD.recovered_fen, OLD.offset_fen) IS DISTINCT FROM (NEW.recovered_fen, NEW.offset_fen) AND pg_trigger_depth() = 0
)
EXECUTE FUNCTION voucher_refuse('only recoveries count');
"""

UNFIX = """
DROP TRIGGER clawback_folded_by_facts ON vouchers_clawback;
DROP TRIGGER vouchers_clawback_moves ON vouchers_clawback;
DROP TRIGGER clawback_identity ON vouchers_clawback;
DROP TRIGGER finding_identity ON vouchers_finding;
DROP TRIGGER blacklisting_lifted_once ON vouchers_blacklisting;
DROP TRIGGER freeze_lifted_once ON vouchers_freeze;
"""

# The redemption is locked, so that two cases that name the same capture see each other.
FOLD = """
CREATE FUNCTION voucher_clawback_item_judge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paid bigint;
    taken bigint;
    known text;
    fits boolean;
BEGIN
    SELECT redemption.captured_fen - redemption.refunded_fen INTO paid
    FROM vouchers_capture capture JOIN vouchers_redemption redemption ON redemption.id = capture.redemption_id
    WHERE capture.id = NEW.capture_id FOR NO KEY UPDATE OF redemption;
    SELECT coalesce(sum(item.amount_fen), 0) INTO taken
    FROM vouchers_clawbackitem item
    JOIN vouchers_clawback clawback ON clawback.id = item.clawback_id AND clawback.status <> 'dismissed'
    JOIN vouchers_capture capture ON capture.id = item.capture_id
    WHERE capture.redemption_id = (SELECT redemption_id FROM vouchers_capture WHERE id = NEW.capture_id);
    SELECT clawback.status, NEW.amount_fen + coalesce((
        SELECT sum(item.amount_fen) FROM vouchers_clawbackitem item JOIN vouchers_clawback other
            ON other.id = item.clawback_id AND other.status <> 'dismissed'
        WHERE item.capture_id = NEW.capture_id
    ), 0) <= capture.amount_fen AND redemption.grant_id = clawback.grant_id INTO known, fits
    FROM vouchers_clawback clawback, vouchers_capture capture
    JOIN vouchers_redemption redemption ON redemption.id = capture.redemption_id
    WHERE clawback.id = NEW.clawback_id AND capture.id = NEW.capture_id;
    IF NOT fits OR taken + NEW.amount_fen > paid OR known NOT IN ('suspected', 'hold_placed') THEN
        RAISE EXCEPTION 'no more is taken back than was paid, and nothing after the notice'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_item_within_what_was_paid';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER clawback_item_within_what_was_paid BEFORE INSERT ON vouchers_clawbackitem
FOR EACH ROW EXECUTE FUNCTION voucher_clawback_item_judge();

CREATE FUNCTION voucher_recovery_fold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vouchers_clawback SET
        recovered_fen = recovered_fen + CASE NEW.kind WHEN 'repayment' THEN NEW.amount_fen ELSE 0 END,
        offset_fen = offset_fen + CASE NEW.kind WHEN 'offset' THEN NEW.amount_fen ELSE 0 END
    WHERE id = NEW.clawback_id AND status IN ('demanded', 'referred');
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nothing is owed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_recovery_of_a_demand';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER recovery_fold AFTER INSERT ON vouchers_clawbackrecovery
FOR EACH ROW EXECUTE FUNCTION voucher_recovery_fold();
"""

UNFOLD = """
DROP TRIGGER recovery_fold ON vouchers_clawbackrecovery;
DROP FUNCTION voucher_recovery_fold();
DROP TRIGGER clawback_item_within_what_was_paid ON vouchers_clawbackitem;
DROP FUNCTION voucher_clawback_item_judge();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0017_integrity"), ("accounts", "0007_keep_ties")]

    operations = [
        migrations.RunSQL(GATE, UNGATE),
        migrations.RunSQL(FIX, UNFIX),
        migrations.RunSQL(FOLD, UNFOLD),
        *(
            never_deleted(f"vouchers_{name}")
            for name in ("freeze", "blacklisting", "finding", "clawback")
        ),
        *(
            append_only(f"vouchers_{name}")
            for name in (
                "clawbackitem", "clawbackanswer", "clawbackrecovery", "clawbackinstalment", "tip", "foreignclaim",
            )
        ),
    ]  # fmt: skip
