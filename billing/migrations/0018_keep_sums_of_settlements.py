"""Let a settlement be the sum of its invoices, a bill one of its parties, and undone denials at most what was denied."""

import django.db.models.deletion
from django.db import migrations, models

import core.fields
from core.triggers import append_only

# A month ends in Shanghai. What is on a bill is between its two parties, and of hours before its end.
BILLS = """
CREATE FUNCTION billing_lines_of_parties() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT invoice.id INTO wrong
    FROM added JOIN billing_invoice invoice ON invoice.id = added.invoice_id
    JOIN billing_charge charge ON charge.id = added.charge_id
    WHERE (charge.provider_id, charge.buyer_id) <> (invoice.issuer_id, invoice.buyer_id)
       OR charge.hour >= (invoice.month_on + interval '1 month') AT TIME ZONE 'Asia/Shanghai'
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'invoice % states a charge of others, or of a later month', wrong
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_is_of_its_parties';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER invoice_is_of_its_parties AFTER INSERT ON billing_invoiceline
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_lines_of_parties();
"""
UNBILLS = """
DROP TRIGGER invoice_is_of_its_parties ON billing_invoiceline;
DROP FUNCTION billing_lines_of_parties();
"""

# All invoices of a settlement come in one statement, and so does what authorities owe: nothing can be added later.
SETTLES = """
CREATE FUNCTION billing_invoices_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT settlement.id INTO wrong
    FROM billing_settlement settlement
    CROSS JOIN LATERAL (
        SELECT sum(charge.amount_fen) AS gross, sum(charge.commission_fen) AS commission, sum(charge.vat_fen) AS vat,
               bool_and(invoice.issuer_id = settlement.provider_id
                   AND invoice.month_on <= settlement.month_on) AS its_own
        FROM billing_settlementline line
        JOIN billing_invoice invoice ON invoice.id = line.invoice_id
        JOIN billing_invoiceline stated ON stated.invoice_id = invoice.id
        JOIN billing_charge charge ON charge.id = stated.charge_id
        WHERE line.settlement_id = settlement.id
    ) sums
    WHERE settlement.id IN (SELECT settlement_id FROM added)
      AND (sums.gross, sums.commission, sums.vat, sums.its_own)
          IS DISTINCT FROM (settlement.gross_fen, settlement.commission_fen, settlement.vat_fen, true);
    IF FOUND THEN
        RAISE EXCEPTION 'settlement % is not the sum of invoices of its provider', wrong
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'settlement_is_sum_of_invoices';
    END IF;
    RETURN NULL;
END $$;
CREATE FUNCTION billing_check_payables(wanted uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT settlement.id INTO wrong FROM billing_settlement settlement
    WHERE settlement.id = ANY (wanted) AND (
        SELECT coalesce(sum(amount_fen), 0) FROM billing_authoritypayable owed WHERE owed.settlement_id = settlement.id
    ) <> (
        SELECT coalesce(sum(invoice.voucher_fen), 0) FROM billing_settlementline line
        JOIN billing_invoice invoice ON invoice.id = line.invoice_id WHERE line.settlement_id = settlement.id
    );
    IF FOUND THEN
        RAISE EXCEPTION 'authorities owe something else of settlement % than vouchers paid', wrong
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'authority_payables_add_up';
    END IF;
END $$;
CREATE FUNCTION billing_payables_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_check_payables((SELECT array_agg(DISTINCT settlement_id) FROM added));
    RETURN NULL;
END $$;
CREATE FUNCTION billing_settlement_is_whole() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM billing_settlementline WHERE settlement_id = NEW.id) THEN
        RAISE EXCEPTION 'settlement % has no invoice', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'settlement_is_sum_of_invoices';
    END IF;
    IF NEW.gross_fen <> (
        SELECT coalesce(sum(amount_fen), 0) FROM billing_commissionbasis WHERE settlement_id = NEW.id
    ) THEN
        RAISE EXCEPTION 'the bases of the commission of settlement % are not its gross amount', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'commission_bases_add_up';
    END IF;
    PERFORM billing_check_payables(ARRAY[NEW.id]);
    RETURN NULL;
END $$;
CREATE TRIGGER settlement_is_sum_of_invoices AFTER INSERT ON billing_settlementline
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_invoices_add_up();
CREATE TRIGGER authority_payables_add_up AFTER INSERT ON billing_authoritypayable
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_payables_add_up();
CREATE CONSTRAINT TRIGGER settlement_is_whole AFTER INSERT ON billing_settlement
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_settlement_is_whole();
"""
UNSETTLES = """
DROP TRIGGER settlement_is_whole ON billing_settlement;
DROP TRIGGER authority_payables_add_up ON billing_authoritypayable;
DROP TRIGGER settlement_is_sum_of_invoices ON billing_settlementline;
DROP FUNCTION billing_settlement_is_whole();
DROP FUNCTION billing_payables_add_up();
DROP FUNCTION billing_check_payables(uuid[]);
DROP FUNCTION billing_invoices_add_up();
"""

# Whoever denies holds the grant as well, so each sees what the other has done.
UNDOES = """
CREATE FUNCTION billing_undo_within_denied() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM vouchers_grant WHERE id = (SELECT grant_id FROM vouchers_redemption WHERE id = NEW.redemption_id)
    FOR NO KEY UPDATE;
    IF NOT EXISTS (
        SELECT FROM billing_charge charge
        LEFT JOIN billing_supplement added ON added.id = charge.supplement_id
        JOIN market_reservation reservation ON reservation.id = charge.reservation_id
        JOIN billing_funding funding ON funding.order_id = reservation.order_id
        WHERE charge.id = NEW.charge_id AND charge.voucher_fen < 0 AND charge.provider_id = NEW.provider_id
          AND NEW.redemption_id = CASE WHEN added.id IS NULL THEN funding.redemption_id ELSE added.redemption_id END
    ) THEN
        RAISE EXCEPTION 'charge % takes nothing off what this voucher paid this provider', NEW.charge_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'undone_denial_is_of_its_charge';
    END IF;
    IF (
        SELECT sum(amount_fen) FROM billing_undonedenial
        WHERE redemption_id = NEW.redemption_id AND provider_id = NEW.provider_id
    ) > (
        SELECT coalesce(sum(refund.amount_fen), 0) FROM vouchers_claimline line
        JOIN vouchers_claim claim ON claim.id = line.claim_id AND claim.claimant_kind = 'provider'
        JOIN vouchers_refund refund ON refund.reference = 'claim-line/' || line.id || '/reversed'
        WHERE line.redemption_id = NEW.redemption_id AND line.provider_id = NEW.provider_id
          AND line.status = 'reversed'
    ) THEN
        RAISE EXCEPTION 'more is undone of redemption % than was denied', NEW.redemption_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'undone_denial_within_denied';
    END IF;
    RETURN NULL;
END $$;
"""
UNDO = "DROP FUNCTION billing_undo_within_denied();"
KEEP_EARLIER = """
INSERT INTO billing_undonedenial (charge_id, redemption_id, provider_id, amount_fen)
SELECT charge.id, CASE WHEN added.id IS NULL THEN funding.redemption_id ELSE added.redemption_id END,
       charge.provider_id, transfer.amount_fen
FROM ledger_transfer transfer
JOIN billing_charge charge ON transfer.key = 'charge/' || charge.id || '/denial-undone'
LEFT JOIN billing_supplement added ON added.id = charge.supplement_id
JOIN market_reservation reservation ON reservation.id = charge.reservation_id
JOIN billing_funding funding ON funding.order_id = reservation.order_id
WHERE transfer.kind = 'claim-denial-undone';
"""
WATCH = """
CREATE TRIGGER undone_denial_within_denied AFTER INSERT ON billing_undonedenial
FOR EACH ROW EXECUTE FUNCTION billing_undo_within_denied();
"""
UNWATCH = "DROP TRIGGER undone_denial_within_denied ON billing_undonedenial;"


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0017_commission_on_vouchers"),
        ("vouchers", "0040_plan_what_is_owed"),
    ]

    operations = [
        migrations.CreateModel(
            name="UndoneDenial",
            fields=[
                (
                    "charge",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="undone_denial",
                        serialize=False,
                        to="billing.charge",
                    ),
                ),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "redemption",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vouchers.redemption"
                    ),
                ),
            ],
            options={
                "verbose_name": "undone denial",
                "verbose_name_plural": "undone denials",
                "constraints": [
                    models.CheckConstraint(condition=models.Q(("amount_fen__gt", 0)), name="undone_denial_of_something")
                ],
            },
        ),
        append_only("billing_undonedenial"),
        migrations.RunSQL(UNDOES, UNDO),
        migrations.RunSQL(WATCH, UNWATCH),
        migrations.RunSQL(BILLS, UNBILLS),
        migrations.RunSQL(SETTLES, UNSETTLES),
        migrations.RunSQL(KEEP_EARLIER, migrations.RunSQL.noop),
    ]
