"""Keep redemptions what they are, and fold their captures and refunds into them."""

from django.db import migrations

from core.triggers import append_only, never_deleted

FIX = """
CREATE TRIGGER redemption_identity BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (
    (OLD.id, OLD.created_at, OLD.grant_id, OLD.hold_id, OLD.reference, OLD.year, OLD.eligible_fen, OLD.amount_fen,
     OLD.explanation, OLD.held_at)
    IS DISTINCT FROM
    (NEW.id, NEW.created_at, NEW.grant_id, NEW.hold_id, NEW.reference, NEW.year, NEW.eligible_fen, NEW.amount_fen,
     NEW.explanation, NEW.held_at)
)
EXECUTE FUNCTION voucher_refuse('a redemption stays what it was');

CREATE TRIGGER redemption_closed_once BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (
    OLD.status <> 'held'
    AND (OLD.status, OLD.captured_fen, OLD.closed_at) IS DISTINCT FROM (NEW.status, NEW.captured_fen, NEW.closed_at)
)
EXECUTE FUNCTION voucher_refuse('the redemption is closed');

CREATE TRIGGER redemption_captured_within_hold BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (NEW.captured_fen < 0 OR NEW.captured_fen > NEW.amount_fen)
EXECUTE FUNCTION voucher_refuse('no more is captured than was held');

CREATE TRIGGER redemption_refunded_within_captured BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (NEW.refunded_fen < 0 OR NEW.refunded_fen > NEW.captured_fen)
EXECUTE FUNCTION voucher_refuse('no more comes back than was captured');

CREATE TRIGGER redemption_closed_as_it_was_used BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (NOT CASE NEW.status
    WHEN 'held' THEN NEW.closed_at IS NULL
    WHEN 'released' THEN NEW.closed_at IS NOT NULL AND NEW.captured_fen = 0
    WHEN 'captured' THEN NEW.closed_at IS NOT NULL AND NEW.captured_fen > 0
    ELSE false END)
EXECUTE FUNCTION voucher_refuse('a redemption is released unused, or captured');

CREATE TRIGGER redemption_folded_by_facts BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (
    (OLD.captured_fen, OLD.refunded_fen) IS DISTINCT FROM (NEW.captured_fen, NEW.refunded_fen)
    AND pg_trigger_depth() = 0
)
EXECUTE FUNCTION voucher_refuse('only captures and refunds count');
"""

UNFIX = """
DROP TRIGGER redemption_closed_as_it_was_used ON vouchers_redemption;
DROP TRIGGER redemption_refunded_within_captured ON vouchers_redemption;
DROP TRIGGER redemption_captured_within_hold ON vouchers_redemption;
DROP TRIGGER redemption_folded_by_facts ON vouchers_redemption;
DROP TRIGGER redemption_closed_once ON vouchers_redemption;
DROP TRIGGER redemption_identity ON vouchers_redemption;
"""

# The planner settings keep the cached plans of triggers on index look-ups, whatever the size of the first batch was.
FOLD = """
CREATE FUNCTION voucher_capture_fold() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM captured
        JOIN vouchers_redemption redemption ON redemption.id = captured.redemption_id
        JOIN vouchers_grant ON vouchers_grant.id = redemption.grant_id
        WHERE captured.used_at >= vouchers_grant.expires_at
    ) THEN
        RAISE EXCEPTION 'nothing used after the expiry of a grant is paid by it'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'capture_used_before_expiry';
    END IF;
    PERFORM FROM vouchers_redemption WHERE id IN (SELECT redemption_id FROM captured) ORDER BY id FOR NO KEY UPDATE;
    UPDATE vouchers_redemption SET captured_fen = captured_fen + part.fen
    FROM (SELECT redemption_id, sum(amount_fen) AS fen FROM captured GROUP BY redemption_id) part
    WHERE vouchers_redemption.id = part.redemption_id;
    RETURN NULL;
END $$;

CREATE TRIGGER capture_fold AFTER INSERT ON vouchers_capture REFERENCING NEW TABLE AS captured
FOR EACH STATEMENT EXECUTE FUNCTION voucher_capture_fold();

CREATE FUNCTION voucher_refund_fold() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE vouchers_redemption SET refunded_fen = refunded_fen + NEW.amount_fen WHERE id = NEW.redemption_id;
    RETURN NULL;
END $$;

CREATE TRIGGER refund_fold AFTER INSERT ON vouchers_refund FOR EACH ROW EXECUTE FUNCTION voucher_refund_fold();
"""

UNFOLD = """
DROP TRIGGER refund_fold ON vouchers_refund;
DROP FUNCTION voucher_refund_fold();
DROP TRIGGER capture_fold ON vouchers_capture;
DROP FUNCTION voucher_capture_fold();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0004_keep_entity_years")]

    operations = [
        migrations.RunSQL(FIX, UNFIX),
        migrations.RunSQL(FOLD, UNFOLD),
        never_deleted("vouchers_redemption"),
        append_only("vouchers_capture"),
        append_only("vouchers_refund"),
    ]
