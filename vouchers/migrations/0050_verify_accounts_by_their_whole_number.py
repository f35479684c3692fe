"""Verify an account by its whole number: whoever verifies it types it from the bank's letter and names the letter.

Accounts that were verified before keep what was asked then: nothing is put into their verifiers' mouths.
"""

from django.db import migrations, models

KEEP = """
CREATE FUNCTION voucher_account_confirmed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.confirmed_number <> NEW.number OR btrim(NEW.compared_with) = '' THEN
        RAISE EXCEPTION 'an account is verified by its whole number, from a paper that is named'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payout_account_number_confirmed';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER payout_account_added_confirmed BEFORE INSERT ON vouchers_payoutaccount
FOR EACH ROW WHEN (NEW.verified_at IS NOT NULL) EXECUTE FUNCTION voucher_account_confirmed();

CREATE TRIGGER payout_account_number_confirmed BEFORE UPDATE ON vouchers_payoutaccount
FOR EACH ROW WHEN (NEW.verified_at IS NOT NULL AND OLD.verified_at IS NULL)
EXECUTE FUNCTION voucher_account_confirmed();

CREATE TRIGGER payout_account_confirmation_kept BEFORE UPDATE ON vouchers_payoutaccount
FOR EACH ROW WHEN (
    OLD.verified_at IS NOT NULL
    AND (OLD.verified_at, OLD.confirmed_number, OLD.compared_with)
    IS DISTINCT FROM (NEW.verified_at, NEW.confirmed_number, NEW.compared_with)
)
EXECUTE FUNCTION voucher_refuse('how an account was verified stays as it was');
"""

LEAVE = """
DROP TRIGGER payout_account_confirmation_kept ON vouchers_payoutaccount;
DROP TRIGGER payout_account_number_confirmed ON vouchers_payoutaccount;
DROP TRIGGER payout_account_added_confirmed ON vouchers_payoutaccount;
DROP FUNCTION voucher_account_confirmed();
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0049_keep_the_partial_from_payment_batches")]

    operations = [
        migrations.AddField(
            model_name="payoutaccount",
            name="confirmed_number",
            field=models.CharField(
                db_default="", default="", max_length=40, verbose_name="number that its verifier typed"
            ),
        ),
        migrations.AddField(
            model_name="payoutaccount",
            name="compared_with",
            field=models.CharField(db_default="", default="", max_length=200, verbose_name="compared with"),
        ),
        migrations.AddConstraint(
            model_name="payoutaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("verified_at__isnull", False),
                    models.Q(("compared_with", ""), ("confirmed_number", "")),
                    _connector="OR",
                ),
                name="payout_account_confirmed_when_verified",
            ),
        ),
        migrations.RunSQL(KEEP, LEAVE),
    ]
