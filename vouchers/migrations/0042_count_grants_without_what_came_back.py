"""Count what a firm was granted in a year without what came back to the budget, from grants that go on as well."""

from importlib import import_module

from django.db import migrations

BEFORE = import_module("vouchers.migrations.0028_keep_yearly_grants").SUPPORT

# What came back is in the ledger: of grants that were revoked, given up, left unused or issued anew, of one whose last
# claim was paid, and of a reimbursement that a cap cut.
GRANTED = """
CREATE FUNCTION voucher_granted_fen(of_programme uuid, of_owner uuid, of_year integer) RETURNS bigint
LANGUAGE sql STABLE BEGIN ATOMIC
    SELECT coalesce(sum(granted.face_fen + coalesce(back.fen, 0)), 0)::bigint
    FROM vouchers_grant granted
    LEFT JOIN LATERAL (
        SELECT sum(posting.amount_fen) AS fen
        FROM ledger_posting posting JOIN ledger_transfer transfer ON transfer.id = posting.transfer_id
        WHERE posting.account_id = granted.account_id AND transfer.kind = 'voucher.revoke'
    ) back ON true
    WHERE granted.programme_id = of_programme AND granted.owner_id = of_owner AND granted.approved_at IS NOT NULL
        AND extract(year FROM granted.approved_at AT TIME ZONE 'Asia/Shanghai') = of_year;
END;
"""
GIVEN = "extract(year FROM NEW.approved_at AT TIME ZONE 'Asia/Shanghai')"
SUM = BEFORE[BEFORE.index(", sum(\n") : BEFORE.index(" INTO granted")]
AFTER = BEFORE.replace(SUM, f",\n        voucher_granted_fen(NEW.programme_id, NEW.owner_id, {GIVEN}::integer)\n   ")


class Migration(migrations.Migration):
    dependencies = [("vouchers", "0041_count_days_from_the_first_use")]

    operations = [
        migrations.RunSQL(GRANTED, "DROP FUNCTION voucher_granted_fen(uuid, uuid, integer)"),
        migrations.RunSQL(AFTER, BEFORE),
    ]
