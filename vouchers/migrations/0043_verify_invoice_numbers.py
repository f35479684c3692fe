"""Take no invoice into a claim whose number can be none, where the programme verifies numbers.

What is in claims already stays, and proves its lines again where they are handed in again.
"""

from django.db import migrations

KEEP = """
CREATE FUNCTION voucher_invoice_verified() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.number_key !~ '^([0-9]{18}|[0-9]{20})$' AND EXISTS (
        SELECT FROM vouchers_claim claim JOIN vouchers_programme programme ON programme.id = claim.programme_id
        WHERE claim.id = NEW.claim_id
            AND (programme.parameters #>> '{evidence,verify_invoice_number}')::boolean IS NOT FALSE
    ) THEN
        RAISE EXCEPTION 'an invoice has the digits of one'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'claim_invoice_number_verified',
                TABLE = 'vouchers_claiminvoice';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER claim_invoice_number_verified BEFORE INSERT ON vouchers_claiminvoice
FOR EACH ROW EXECUTE FUNCTION voucher_invoice_verified();
"""

UNKEEP = """
DROP TRIGGER claim_invoice_number_verified ON vouchers_claiminvoice;
DROP FUNCTION voucher_invoice_verified();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0042_count_grants_without_what_came_back")]

    operations = [migrations.RunSQL(KEEP, UNKEEP)]
