"""Refuse that a batch is made, released, answered for or reconciled by who has an interest in one of its payees."""

from django.db import migrations

KEEP = """
CREATE FUNCTION voucher_require_impartial_hand(person uuid, payees uuid[]) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM accounts_membership WHERE user_id = person AND organization_id = ANY(payees))
        OR EXISTS (SELECT FROM accounts_interest WHERE user_id = person AND organization_id = ANY(payees))
    THEN
        RAISE EXCEPTION 'this person has an interest in a payee'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_hand_is_impartial';
    END IF;
END $$;

CREATE FUNCTION voucher_payment_hand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM voucher_require_impartial_hand(
        (SELECT made_by_id FROM vouchers_paymentbatch WHERE id = NEW.batch_id), ARRAY[NEW.payee_id]);
    RETURN NEW;
END $$;

CREATE TRIGGER payment_hand BEFORE INSERT ON vouchers_payment
FOR EACH ROW EXECUTE FUNCTION voucher_payment_hand();

CREATE FUNCTION voucher_batch_hand() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM voucher_require_impartial_hand(
        (to_jsonb(NEW) ->> TG_ARGV[0])::uuid,
        ARRAY(SELECT payee_id FROM vouchers_payment WHERE batch_id = (to_jsonb(NEW) ->> TG_ARGV[1])::uuid));
    RETURN NEW;
END $$;

CREATE TRIGGER payment_batch_released_hand BEFORE UPDATE ON vouchers_paymentbatch
FOR EACH ROW WHEN (NEW.released_by_id IS DISTINCT FROM OLD.released_by_id)
EXECUTE FUNCTION voucher_batch_hand('released_by_id', 'id');

CREATE TRIGGER payment_batch_reconciled_hand BEFORE UPDATE ON vouchers_paymentbatch
FOR EACH ROW WHEN (NEW.reconciled_by_id IS DISTINCT FROM OLD.reconciled_by_id)
EXECUTE FUNCTION voucher_batch_hand('reconciled_by_id', 'id');

CREATE TRIGGER bank_result_hand BEFORE INSERT ON vouchers_bankresult
FOR EACH ROW EXECUTE FUNCTION voucher_batch_hand('imported_by_id', 'batch_id');
"""

LEAVE = """
DROP TRIGGER bank_result_hand ON vouchers_bankresult;
DROP TRIGGER payment_batch_reconciled_hand ON vouchers_paymentbatch;
DROP TRIGGER payment_batch_released_hand ON vouchers_paymentbatch;
DROP TRIGGER payment_hand ON vouchers_payment;
DROP FUNCTION voucher_batch_hand();
DROP FUNCTION voucher_payment_hand();
DROP FUNCTION voucher_require_impartial_hand(uuid, uuid[]);
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0048_turn_down_payout_accounts"), ("accounts", "0005_separate_duties")]

    operations = [migrations.RunSQL(KEEP, LEAVE)]
