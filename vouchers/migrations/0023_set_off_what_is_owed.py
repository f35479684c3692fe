"""Set off against payments what payees owe, and refund nothing that was demanded back already."""

import core.fields
import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only

COLUMNS = """
ALTER TABLE vouchers_redemption ADD COLUMN clawed_back_fen bigint DEFAULT 0 NOT NULL;
ALTER TABLE vouchers_paymentbatch ADD COLUMN offset_fen bigint DEFAULT 0 NOT NULL;
ALTER TABLE vouchers_paymentbatch DROP CONSTRAINT payment_batch_not_empty, ADD CONSTRAINT payment_batch_not_empty CHECK (
    payments_count > 0 AND total_fen >= 0 AND offset_fen >= 0 AND NOT (total_fen = 0 AND offset_fen = 0)
);
ALTER TABLE vouchers_payment ADD COLUMN offset_fen bigint DEFAULT 0 NOT NULL;
ALTER TABLE vouchers_payment DROP CONSTRAINT payment_amount_positive, ADD CONSTRAINT payment_amount_positive CHECK (
    amount_fen >= 0 AND offset_fen >= 0 AND NOT (amount_fen = 0 AND offset_fen = 0)
);
ALTER TABLE vouchers_payment DROP CONSTRAINT payment_paid_with_serial, ADD CONSTRAINT payment_paid_with_serial CHECK (
    status <> 'paid' OR bank_serial <> '' OR amount_fen = 0
);
ALTER TABLE vouchers_clawbackrecovery ADD COLUMN payment_offset_id bigint UNIQUE
    REFERENCES vouchers_paymentoffset (id) DEFERRABLE INITIALLY DEFERRED;
"""

UNCOLUMNS = """
ALTER TABLE vouchers_clawbackrecovery DROP COLUMN payment_offset_id;
ALTER TABLE vouchers_payment DROP CONSTRAINT payment_paid_with_serial, ADD CONSTRAINT payment_paid_with_serial CHECK (
    status <> 'paid' OR bank_serial <> ''
);
ALTER TABLE vouchers_payment DROP CONSTRAINT payment_amount_positive, ADD CONSTRAINT payment_amount_positive
    CHECK (amount_fen > 0);
ALTER TABLE vouchers_payment DROP COLUMN offset_fen;
ALTER TABLE vouchers_paymentbatch DROP CONSTRAINT payment_batch_not_empty, ADD CONSTRAINT payment_batch_not_empty
    CHECK (payments_count > 0 AND total_fen > 0);
ALTER TABLE vouchers_paymentbatch DROP COLUMN offset_fen;
ALTER TABLE vouchers_redemption DROP COLUMN clawed_back_fen;
"""

STATE = [
    migrations.RemoveConstraint(model_name="payment", name="payment_amount_positive"),
    migrations.RemoveConstraint(model_name="payment", name="payment_paid_with_serial"),
    migrations.RemoveConstraint(model_name="paymentbatch", name="payment_batch_not_empty"),
    migrations.AddField(
        model_name="payment",
        name="offset_fen",
        field=core.fields.FenField(db_default=0, default=0, verbose_name="set off (fen)"),
    ),
    migrations.AddField(
        model_name="paymentbatch",
        name="offset_fen",
        field=core.fields.FenField(db_default=0, default=0, verbose_name="set off (fen)"),
    ),
    migrations.AddField(
        model_name="redemption",
        name="clawed_back_fen",
        field=core.fields.FenField(db_default=0, editable=False, verbose_name="demanded back (fen)"),
    ),
    migrations.AddField(
        model_name="clawbackrecovery",
        name="payment_offset",
        field=models.OneToOneField(
            editable=False,
            null=True,
            on_delete=django.db.models.deletion.PROTECT,
            related_name="recovery",
            to="vouchers.paymentoffset",
        ),
    ),
    migrations.AddConstraint(
        model_name="payment",
        constraint=models.CheckConstraint(
            condition=models.Q(
                ("amount_fen__gte", 0),
                ("offset_fen__gte", 0),
                models.Q(("amount_fen", 0), ("offset_fen", 0), _negated=True),
            ),
            name="payment_amount_positive",
        ),
    ),
    migrations.AddConstraint(
        model_name="payment",
        constraint=models.CheckConstraint(
            condition=models.Q(
                models.Q(("status", "paid"), _negated=True),
                models.Q(("bank_serial", ""), _negated=True),
                ("amount_fen", 0),
                _connector="OR",
            ),
            name="payment_paid_with_serial",
        ),
    ),
    migrations.AddConstraint(
        model_name="paymentbatch",
        constraint=models.CheckConstraint(
            condition=models.Q(
                ("offset_fen__gte", 0),
                ("payments_count__gt", 0),
                ("total_fen__gte", 0),
                models.Q(("offset_fen", 0), ("total_fen", 0), _negated=True),
            ),
            name="payment_batch_not_empty",
        ),
    ),
]

# A payment and what it sets off are together what was approved. The clawback is locked, so that two batches see each
# other, and a repayment sees both: no fen that is owed is taken twice.
OFFSETS = """
CREATE OR REPLACE FUNCTION voucher_payment_enter() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    batch record;
BEGIN
    SELECT * INTO batch FROM vouchers_paymentbatch WHERE id = NEW.batch_id;
    IF NOT EXISTS (
        SELECT FROM vouchers_claim claim JOIN vouchers_programme programme ON programme.id = claim.programme_id
        WHERE claim.id = NEW.claim_id AND claim.status = 'finance_review'
          AND claim.approved_fen = NEW.amount_fen + NEW.offset_fen
          AND claim.claimant_id = NEW.payee_id AND programme.authority_id = batch.authority_id
          AND batch.status = 'draft' AND NEW.status = 'waiting'
    ) THEN
        RAISE EXCEPTION 'a payment is what its claim was approved for'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_is_what_was_approved';
    END IF;
    IF voucher_has_checked(batch.made_by_id, NEW.claim_id) THEN
        RAISE EXCEPTION 'nobody pays what they have checked'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_maker_has_not_checked';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE TRIGGER payment_identity BEFORE UPDATE ON vouchers_payment
FOR EACH ROW WHEN (
    (OLD.id, OLD.batch_id, OLD.claim_id, OLD.reference, OLD.amount_fen, OLD.offset_fen, OLD.payee_id, OLD.holder, OLD.bank,
     OLD.account_number)
    IS DISTINCT FROM
    (NEW.id, NEW.batch_id, NEW.claim_id, NEW.reference, NEW.amount_fen, NEW.offset_fen, NEW.payee_id, NEW.holder, NEW.bank,
     NEW.account_number)
    OR OLD.status IN ('paid', 'failed', 'cancelled')
)
EXECUTE FUNCTION voucher_refuse('a payment stays what it was');

CREATE FUNCTION voucher_reserved_offsets(of_clawback uuid) RETURNS bigint LANGUAGE sql STABLE
RETURN (
    SELECT coalesce(sum(reserved.amount_fen), 0)::bigint FROM vouchers_paymentoffset reserved
    JOIN vouchers_payment payment ON payment.id = reserved.payment_id
    WHERE reserved.clawback_id = of_clawback AND payment.status IN ('waiting', 'sent')
);

CREATE FUNCTION voucher_offset_judge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owing record;
BEGIN
    SELECT * INTO owing FROM vouchers_clawback WHERE id = NEW.clawback_id FOR NO KEY UPDATE;
    IF owing.status NOT IN ('demanded', 'referred')
        OR owing.principal_fen + owing.interest_fen - owing.recovered_fen - owing.offset_fen
            < voucher_reserved_offsets(owing.id) + NEW.amount_fen
        OR NOT EXISTS (
            SELECT FROM vouchers_payment payment
            JOIN vouchers_paymentbatch batch ON batch.id = payment.batch_id
            JOIN vouchers_grant granted ON granted.id = owing.grant_id
            JOIN vouchers_programme programme ON programme.id = granted.programme_id
            WHERE payment.id = NEW.payment_id AND payment.status = 'waiting' AND payment.payee_id = owing.debtor_id
              AND programme.authority_id = batch.authority_id
        )
    THEN
        RAISE EXCEPTION 'no more is set off than the payee owes the authority'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_offset_within_what_is_owed';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER payment_offset_within_what_is_owed BEFORE INSERT ON vouchers_paymentoffset
FOR EACH ROW EXECUTE FUNCTION voucher_offset_judge();

-- What was set off counts with its payment, in the same transaction: nothing is withheld and then forgotten.
CREATE FUNCTION voucher_offsets_count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.offset_fen <> (
        SELECT coalesce(sum(recovery.amount_fen), 0) FROM vouchers_paymentoffset part
        JOIN vouchers_clawbackrecovery recovery ON recovery.payment_offset_id = part.id
        WHERE part.payment_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'what a payment sets off is less owed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_offset_counted';
    END IF;
    RETURN NULL;
END $$;

CREATE CONSTRAINT TRIGGER payment_offset_counted AFTER UPDATE ON vouchers_payment DEFERRABLE INITIALLY DEFERRED
FOR EACH ROW WHEN (NEW.status = 'paid') EXECUTE FUNCTION voucher_offsets_count();

CREATE FUNCTION voucher_recovery_judge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (NEW.kind = 'offset') <> (NEW.payment_offset_id IS NOT NULL) OR NEW.kind = 'offset' AND NOT EXISTS (
        SELECT FROM vouchers_paymentoffset part JOIN vouchers_payment payment ON payment.id = part.payment_id
        WHERE part.id = NEW.payment_offset_id AND part.clawback_id = NEW.clawback_id
          AND part.amount_fen = NEW.amount_fen AND payment.status = 'paid'
    ) THEN
        RAISE EXCEPTION 'an offset is what a payment has withheld'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_offset_was_withheld';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER clawback_offset_was_withheld BEFORE INSERT ON vouchers_clawbackrecovery
FOR EACH ROW EXECUTE FUNCTION voucher_recovery_judge();

CREATE OR REPLACE FUNCTION voucher_recovery_fold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owing record;
BEGIN
    UPDATE vouchers_clawback SET
        recovered_fen = recovered_fen + CASE NEW.kind WHEN 'repayment' THEN NEW.amount_fen ELSE 0 END,
        offset_fen = offset_fen + CASE NEW.kind WHEN 'offset' THEN NEW.amount_fen ELSE 0 END
    WHERE id = NEW.clawback_id AND status IN ('demanded', 'referred')
    RETURNING * INTO owing;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nothing is owed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_recovery_of_a_demand';
    END IF;
    IF voucher_reserved_offsets(owing.id)
        > greatest(owing.principal_fen + owing.interest_fen - owing.recovered_fen - owing.offset_fen, 0)
    THEN
        RAISE EXCEPTION 'a payment withholds this already'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_recovery_beside_offsets';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION voucher_batch_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.authority_id, OLD.number, OLD.made_by_id, OLD.payments_count, OLD.total_fen, OLD.offset_fen)
        IS DISTINCT FROM
        (NEW.id, NEW.authority_id, NEW.number, NEW.made_by_id, NEW.payments_count, NEW.total_fen, NEW.offset_fen)
        OR OLD.released_by_id IS NOT NULL
        AND (OLD.released_by_id, OLD.file_id) IS DISTINCT FROM (NEW.released_by_id, NEW.file_id)
    THEN
        RAISE EXCEPTION 'a batch stays what it was'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_batch_identity';
    END IF;
    IF OLD.released_by_id IS NOT NULL OR NEW.released_by_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF EXISTS (
        SELECT FROM vouchers_payment WHERE batch_id = NEW.id AND voucher_has_checked(NEW.released_by_id, claim_id)
    ) THEN
        RAISE EXCEPTION 'nobody pays what they have checked'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_releaser_has_not_checked';
    END IF;
    IF (NEW.payments_count, NEW.total_fen, NEW.offset_fen) IS DISTINCT FROM (
        SELECT ROW(count(*)::integer, sum(amount_fen)::bigint, sum(offset_fen)::bigint)
        FROM vouchers_payment WHERE batch_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'a batch is the sum of its payments'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_batch_is_sum_of_payments';
    END IF;
    IF EXISTS (
        SELECT FROM vouchers_payment payment WHERE batch_id = NEW.id AND offset_fen <> (
            SELECT coalesce(sum(amount_fen), 0) FROM vouchers_paymentoffset WHERE payment_id = payment.id
        )
    ) THEN
        RAISE EXCEPTION 'what a payment sets off has its reasons'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_offset_is_sum_of_parts';
    END IF;
    IF EXISTS (
        SELECT FROM vouchers_payment payment JOIN vouchers_claim claim ON claim.id = payment.claim_id
        JOIN vouchers_providerlisting listing ON listing.programme_id = claim.programme_id
            AND listing.provider_id = payment.payee_id AND listing.status = 'suspended'
        WHERE payment.batch_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'what is owed to a suspended provider is withheld'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_payee_not_suspended';
    END IF;
    IF voucher_accepted_beyond_captured((
        SELECT array_agg(DISTINCT line.redemption_id) FROM vouchers_payment payment
        JOIN vouchers_claimline line ON line.claim_id = payment.claim_id AND line.status = 'accepted'
        WHERE payment.batch_id = NEW.id
    )) IS NOT NULL THEN
        RAISE EXCEPTION 'something was taken back since it was approved'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_within_captured';
    END IF;
    RETURN NEW;
END $$;
"""

# The functions as they were, for the way back.
UNOFFSETS = """
CREATE OR REPLACE FUNCTION voucher_batch_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (OLD.id, OLD.authority_id, OLD.number, OLD.made_by_id, OLD.payments_count, OLD.total_fen)
        IS DISTINCT FROM (NEW.id, NEW.authority_id, NEW.number, NEW.made_by_id, NEW.payments_count, NEW.total_fen)
        OR OLD.released_by_id IS NOT NULL
        AND (OLD.released_by_id, OLD.file_id) IS DISTINCT FROM (NEW.released_by_id, NEW.file_id)
    THEN
        RAISE EXCEPTION 'a batch stays what it was'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_batch_identity';
    END IF;
    IF OLD.released_by_id IS NOT NULL OR NEW.released_by_id IS NULL THEN
        RETURN NEW;
    END IF;
    IF EXISTS (
        SELECT FROM vouchers_payment WHERE batch_id = NEW.id AND voucher_has_checked(NEW.released_by_id, claim_id)
    ) THEN
        RAISE EXCEPTION 'nobody pays what they have checked'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_releaser_has_not_checked';
    END IF;
    IF (NEW.payments_count, NEW.total_fen) IS DISTINCT FROM (
        SELECT ROW(count(*)::integer, sum(amount_fen)::bigint) FROM vouchers_payment WHERE batch_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'a batch is the sum of its payments'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_batch_is_sum_of_payments';
    END IF;
    IF voucher_accepted_beyond_captured((
        SELECT array_agg(DISTINCT line.redemption_id) FROM vouchers_payment payment
        JOIN vouchers_claimline line ON line.claim_id = payment.claim_id AND line.status = 'accepted'
        WHERE payment.batch_id = NEW.id
    )) IS NOT NULL THEN
        RAISE EXCEPTION 'something was taken back since it was approved'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_within_captured';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION voucher_recovery_fold() RETURNS trigger LANGUAGE plpgsql AS $$
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

DROP TRIGGER clawback_offset_was_withheld ON vouchers_clawbackrecovery;
DROP FUNCTION voucher_recovery_judge();
DROP TRIGGER payment_offset_counted ON vouchers_payment;
DROP FUNCTION voucher_offsets_count();
DROP TRIGGER payment_offset_within_what_is_owed ON vouchers_paymentoffset;
DROP FUNCTION voucher_offset_judge();
DROP FUNCTION voucher_reserved_offsets(uuid);

CREATE OR REPLACE TRIGGER payment_identity BEFORE UPDATE ON vouchers_payment
FOR EACH ROW WHEN (
    (OLD.id, OLD.batch_id, OLD.claim_id, OLD.reference, OLD.amount_fen, OLD.payee_id, OLD.holder, OLD.bank,
     OLD.account_number)
    IS DISTINCT FROM
    (NEW.id, NEW.batch_id, NEW.claim_id, NEW.reference, NEW.amount_fen, NEW.payee_id, NEW.holder, NEW.bank,
     NEW.account_number)
    OR OLD.status IN ('paid', 'failed', 'cancelled')
)
EXECUTE FUNCTION voucher_refuse('a payment stays what it was');

CREATE OR REPLACE FUNCTION voucher_payment_enter() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    batch record;
BEGIN
    SELECT * INTO batch FROM vouchers_paymentbatch WHERE id = NEW.batch_id;
    IF NOT EXISTS (
        SELECT FROM vouchers_claim claim JOIN vouchers_programme programme ON programme.id = claim.programme_id
        WHERE claim.id = NEW.claim_id AND claim.status = 'finance_review' AND claim.approved_fen = NEW.amount_fen
          AND claim.claimant_id = NEW.payee_id AND programme.authority_id = batch.authority_id
          AND batch.status = 'draft' AND NEW.status = 'waiting'
    ) THEN
        RAISE EXCEPTION 'a payment is what its claim was approved for'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_is_what_was_approved';
    END IF;
    IF voucher_has_checked(batch.made_by_id, NEW.claim_id) THEN
        RAISE EXCEPTION 'nobody pays what they have checked'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_maker_has_not_checked';
    END IF;
    RETURN NEW;
END $$;
"""

# What a clawback demands of each redemption is written beside what came back of it: together never more than was paid.
# Both change the same row, so that of a decision and a refund at the same moment the second sees the first.
REFUNDS = """
UPDATE vouchers_redemption redemption
SET clawed_back_fen = least(taken.fen, redemption.captured_fen - redemption.refunded_fen)
FROM (
    SELECT capture.redemption_id, sum(item.amount_fen) AS fen FROM vouchers_clawbackitem item
    JOIN vouchers_clawback clawback ON clawback.id = item.clawback_id
        AND clawback.status IN ('demanded', 'referred', 'recovered')
    JOIN vouchers_capture capture ON capture.id = item.capture_id GROUP BY capture.redemption_id
) taken
WHERE redemption.id = taken.redemption_id;

CREATE TRIGGER redemption_refunded_beside_clawback BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (NEW.clawed_back_fen < 0 OR NEW.refunded_fen + NEW.clawed_back_fen > NEW.captured_fen)
EXECUTE FUNCTION voucher_refuse('what was demanded back is not refunded');

CREATE OR REPLACE TRIGGER redemption_folded_by_facts BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (
    (OLD.captured_fen, OLD.refunded_fen, OLD.clawed_back_fen)
    IS DISTINCT FROM (NEW.captured_fen, NEW.refunded_fen, NEW.clawed_back_fen)
    AND pg_trigger_depth() = 0
)
EXECUTE FUNCTION voucher_refuse('only captures, refunds and demands count');

CREATE FUNCTION voucher_demand_fold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    folded bigint;
BEGIN
    WITH asked AS (
        SELECT capture.redemption_id AS id, sum(item.amount_fen) AS fen FROM vouchers_clawbackitem item
        JOIN vouchers_capture capture ON capture.id = item.capture_id
        WHERE item.clawback_id = NEW.id GROUP BY capture.redemption_id
    ), standing AS (
        SELECT redemption.id, least(asked.fen, redemption.captured_fen - redemption.refunded_fen
            - redemption.clawed_back_fen)::bigint AS fen
        FROM asked JOIN vouchers_redemption redemption USING (id) ORDER BY id FOR NO KEY UPDATE OF redemption
    ), taken AS (
        UPDATE vouchers_redemption redemption SET clawed_back_fen = redemption.clawed_back_fen + standing.fen
        FROM standing WHERE standing.id = redemption.id RETURNING standing.fen
    )
    SELECT coalesce(sum(fen), 0) INTO folded FROM taken;
    IF folded <> NEW.principal_fen THEN
        RAISE EXCEPTION 'a principal of % is demanded, % was paid', NEW.principal_fen, folded
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_demands_what_was_paid';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER clawback_demands_what_was_paid AFTER UPDATE OF status ON vouchers_clawback
FOR EACH ROW WHEN (OLD.status = 'upheld' AND NEW.status = 'demanded') EXECUTE FUNCTION voucher_demand_fold();
"""

UNREFUNDS = """
DROP TRIGGER clawback_demands_what_was_paid ON vouchers_clawback;
DROP FUNCTION voucher_demand_fold();
CREATE OR REPLACE TRIGGER redemption_folded_by_facts BEFORE UPDATE ON vouchers_redemption
FOR EACH ROW WHEN (
    (OLD.captured_fen, OLD.refunded_fen) IS DISTINCT FROM (NEW.captured_fen, NEW.refunded_fen)
    AND pg_trigger_depth() = 0
)
EXECUTE FUNCTION voucher_refuse('only captures and refunds count');
DROP TRIGGER redemption_refunded_beside_clawback ON vouchers_redemption;
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0022_pass_the_gate_quickly")]

    operations = [
        migrations.CreateModel(
            name="PaymentOffset",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                (
                    "payment",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offsets", to="vouchers.payment"
                    ),
                ),
                (
                    "clawback",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="offsets", to="vouchers.clawback"
                    ),
                ),
            ],
            options={
                "verbose_name": "offset",
                "verbose_name_plural": "offsets",
                "constraints": [
                    models.UniqueConstraint(fields=("payment", "clawback"), name="payment_offset_once"),
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="payment_offset_positive"),
                ],
            },
        ),
        migrations.RunSQL(COLUMNS, UNCOLUMNS, state_operations=STATE),
        migrations.RunSQL(OFFSETS, UNOFFSETS),
        migrations.RunSQL(REFUNDS, UNREFUNDS),
        append_only("vouchers_paymentoffset"),
    ]
