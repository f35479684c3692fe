"""Grant no more of a budget than its instalments have released.

Whoever adds to what is granted or proposed does so behind the balance of the budget, which is read here once more. An
application is judged when it reserves; its grant moves what was reserved. Days are Shanghai's, of the act itself.
"""

from django.db import migrations

KEEP = """
CREATE FUNCTION voucher_unreleased_fen(of_programme uuid, on_day date) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum((tranche ->> 'amount_fen')::bigint), 0)::bigint
    FROM vouchers_programme, jsonb_array_elements(coalesce(parameters #> '{money,tranches}', '[]')) AS tranche
    WHERE id = of_programme AND (tranche ->> 'released_on')::date > on_day
$$;

CREATE FUNCTION voucher_keep_released(of_programme uuid, acted_at timestamptz, more_fen bigint) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    unreleased CONSTANT bigint :=
        voucher_unreleased_fen(of_programme, (acted_at AT TIME ZONE 'Asia/Shanghai')::date);
    left_fen bigint;
BEGIN
    IF unreleased = 0 THEN
        RETURN;
    END IF;
    SELECT balance.posted_fen - balance.held_fen INTO left_fen
    FROM ledger_balance balance JOIN ledger_account account ON account.id = balance.account_id
    WHERE account.code = 'budget/' || of_programme FOR NO KEY UPDATE OF balance;
    IF coalesce(left_fen, 0) < unreleased + more_fen THEN
        RAISE EXCEPTION 'an award passes what has been released of its budget'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'award_within_released',
                TABLE = 'vouchers_grant';
    END IF;
END $$;

CREATE FUNCTION voucher_application_within_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM voucher_keep_released(NEW.programme_id, NEW.proposed_at, 0);
    RETURN NULL;
END $$;

CREATE TRIGGER application_within_released AFTER UPDATE OF reserved_fen ON vouchers_application
FOR EACH ROW WHEN (NEW.reserved_fen > OLD.reserved_fen) EXECUTE FUNCTION voucher_application_within_released();

CREATE FUNCTION voucher_grant_within_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM voucher_keep_released(NEW.programme_id, NEW.approved_at, NEW.face_fen);
    RETURN NULL;
END $$;

CREATE TRIGGER grant_within_released AFTER UPDATE ON vouchers_grant
FOR EACH ROW WHEN (OLD.status = 'proposed' AND NEW.status = 'active' AND NEW.pool IS NOT NULL)
EXECUTE FUNCTION voucher_grant_within_released();
"""

UNKEEP = """
DROP TRIGGER grant_within_released ON vouchers_grant;
DROP FUNCTION voucher_grant_within_released();
DROP TRIGGER application_within_released ON vouchers_application;
DROP FUNCTION voucher_application_within_released();
DROP FUNCTION voucher_keep_released(uuid, timestamptz, bigint);
DROP FUNCTION voucher_unreleased_fen(uuid, date);
"""


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0036_cut_captures_where_they_count")]

    operations = [migrations.RunSQL(KEEP, UNKEEP)]
