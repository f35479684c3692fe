"""Let PostgreSQL keep charges, invoices and settlements as written, and invoice numbers without gaps."""

from django.db import migrations

from core.triggers import append_only, never_deleted

GAPLESS = """
CREATE FUNCTION billing_invoice_is_next() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number <> 1 + coalesce(
        (SELECT max(number) FROM billing_invoice WHERE issuer_id = NEW.issuer_id AND year = NEW.year), 0)
    THEN
        RAISE EXCEPTION 'invoice % of year % leaves a gap', NEW.number, NEW.year
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_number_gapless';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER invoice_number_gapless BEFORE INSERT ON billing_invoice
FOR EACH ROW EXECUTE FUNCTION billing_invoice_is_next();
"""
GAPS_ALLOWED = """
DROP TRIGGER invoice_number_gapless ON billing_invoice;
DROP FUNCTION billing_invoice_is_next();
"""

# The invoice states its totals first and all its lines come in one statement, so that no line can be added later.
ADDS_UP = """
CREATE FUNCTION billing_check_sum(wanted uuid[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT invoice.id INTO wrong
    FROM billing_invoice invoice
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(charge.amount_fen), 0) AS amount, coalesce(sum(charge.voucher_fen), 0) AS voucher
        FROM billing_invoiceline line JOIN billing_charge charge ON charge.id = line.charge_id
        WHERE line.invoice_id = invoice.id
    ) lines
    WHERE invoice.id = ANY (wanted)
      AND (invoice.amount_fen, invoice.voucher_fen) IS DISTINCT FROM (lines.amount, lines.voucher);
    IF FOUND THEN
        RAISE EXCEPTION 'invoice % is not the sum of its lines', wrong
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'invoice_is_sum_of_lines';
    END IF;
END $$;
CREATE FUNCTION billing_lines_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_check_sum((SELECT array_agg(DISTINCT invoice_id) FROM added));
    RETURN NULL;
END $$;
CREATE FUNCTION billing_invoice_has_lines() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_check_sum(ARRAY[NEW.id]);
    RETURN NULL;
END $$;
CREATE TRIGGER invoice_is_sum_of_lines AFTER INSERT ON billing_invoiceline
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_lines_add_up();
CREATE CONSTRAINT TRIGGER invoice_has_lines AFTER INSERT ON billing_invoice
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION billing_invoice_has_lines();
"""
NEED_NOT_ADD_UP = """
DROP TRIGGER invoice_is_sum_of_lines ON billing_invoiceline;
DROP TRIGGER invoice_has_lines ON billing_invoice;
DROP FUNCTION billing_invoice_has_lines();
DROP FUNCTION billing_lines_add_up();
DROP FUNCTION billing_check_sum(uuid[]);
"""

APPEND_ONLY = [
    "billing_charge",
    "billing_invoice",
    "billing_invoiceline",
    "billing_settlement",
    "billing_settlementline",
    "billing_authoritypayable",
]


class Migration(migrations.Migration):
    dependencies = [("billing", "0001_schema")]

    operations = [
        *[append_only(table) for table in APPEND_ONLY],
        *[never_deleted(table) for table in ["billing_funding", "billing_topup", "billing_stripeevent"]],
        migrations.RunSQL(GAPLESS, GAPS_ALLOWED),
        migrations.RunSQL(ADDS_UP, NEED_NOT_ADD_UP),
    ]
