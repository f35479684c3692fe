"""Take of a voucher's part what its programme's version says, for what is set aside from now on, and state it."""

import django.db.models.deletion
from django.db import migrations, models

import core.fields
from core.triggers import append_only

# What was set aside before keeps none: then the commission is the same on the whole price, as it was agreed.
KEEP = """
CREATE FUNCTION billing_takes_what_the_programme_says() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.voucher_commission_bp IS DISTINCT FROM (
        SELECT coalesce((version.parameters #>> '{settlement,platform_fee_on_voucher_bp}')::integer, 0)
        FROM vouchers_redemption redemption
        JOIN vouchers_grant granted ON granted.id = redemption.grant_id
        JOIN vouchers_programmeversion version ON version.programme_id = granted.programme_id
            AND version.number = granted.version AND version.status = 'published'
        WHERE redemption.id = NEW.redemption_id
    ) THEN
        RAISE EXCEPTION '% takes another commission on what its voucher pays than the programme says', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'voucher_commission_is_the_programmes',
                TABLE = TG_TABLE_NAME;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER funding_voucher_commission BEFORE INSERT ON billing_funding
FOR EACH ROW WHEN (NEW.redemption_id IS NOT NULL OR NEW.voucher_commission_bp IS NOT NULL)
EXECUTE FUNCTION billing_takes_what_the_programme_says();
CREATE TRIGGER supplement_voucher_commission BEFORE INSERT ON billing_supplement
FOR EACH ROW WHEN (NEW.redemption_id IS NOT NULL OR NEW.voucher_commission_bp IS NOT NULL)
EXECUTE FUNCTION billing_takes_what_the_programme_says();
"""
UNKEEP = """
DROP TRIGGER supplement_voucher_commission ON billing_supplement;
DROP TRIGGER funding_voucher_commission ON billing_funding;
DROP FUNCTION billing_takes_what_the_programme_says();
"""

# All bases of a settlement come in one statement, so that none can be added later.
ADDS_UP = """
CREATE FUNCTION billing_bases_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wrong uuid;
BEGIN
    SELECT settlement.id INTO wrong FROM billing_settlement settlement
    WHERE settlement.id IN (SELECT settlement_id FROM added) AND settlement.gross_fen <> (
        SELECT sum(amount_fen) FROM billing_commissionbasis basis WHERE basis.settlement_id = settlement.id);
    IF FOUND THEN
        RAISE EXCEPTION 'the bases of the commission of settlement % are not its gross amount', wrong
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'commission_bases_add_up';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER commission_bases_add_up AFTER INSERT ON billing_commissionbasis
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_bases_add_up();
"""
NEED_NOT_ADD_UP = """
DROP TRIGGER commission_bases_add_up ON billing_commissionbasis;
DROP FUNCTION billing_bases_add_up();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0016_close_requests_of_what_is_over"),
        ("vouchers", "0038_decide_within_days"),
    ]

    operations = [
        *(
            migrations.AddField(
                model_name=name,
                name="voucher_commission_bp",
                field=models.PositiveIntegerField(
                    editable=False, null=True, verbose_name="commission on the voucher's part (basis points)"
                ),
            )
            for name in ("funding", "supplement")
        ),
        migrations.CreateModel(
            name="CommissionBasis",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("rate_bp", models.PositiveIntegerField(verbose_name="commission (basis points)")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                (
                    "programme",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="vouchers.programme",
                    ),
                ),
                (
                    "settlement",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="commission_bases",
                        to="billing.settlement",
                    ),
                ),
            ],
            options={
                "verbose_name": "basis of a commission",
                "verbose_name_plural": "bases of commissions",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("settlement", "programme", "rate_bp"),
                        name="commission_basis_once",
                        nulls_distinct=False,
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("rate_bp__lte", 10000)), name="commission_basis_rate_in_range"
                    ),
                ],
            },
        ),
        append_only("billing_commissionbasis"),
        migrations.RunSQL(KEEP, UNKEEP),
        migrations.RunSQL(ADDS_UP, NEED_NOT_ADD_UP),
    ]
