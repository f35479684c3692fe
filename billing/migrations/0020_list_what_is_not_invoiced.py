"""Keep a list of the charges that no invoice has, so that invoicing need not look at every charge every hour."""

import django.db.models.deletion
from django.db import migrations, models

LIST = """
CREATE FUNCTION billing_charge_waits_for_invoice() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO billing_uninvoicedcharge (charge_id, provider_id, buyer_id, hour)
    SELECT id, provider_id, buyer_id, hour FROM added;
    RETURN NULL;
END $$;
CREATE TRIGGER charge_waits_for_invoice AFTER INSERT ON billing_charge
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_charge_waits_for_invoice();

CREATE FUNCTION billing_charge_is_invoiced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM billing_uninvoicedcharge waiting USING added WHERE waiting.charge_id = added.charge_id;
    RETURN NULL;
END $$;
CREATE TRIGGER charge_is_invoiced AFTER INSERT ON billing_invoiceline
REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION billing_charge_is_invoiced();

CREATE FUNCTION billing_uninvoiced_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: charges and invoices tell what waits', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;
CREATE TRIGGER uninvoiced_charge_told_by_its_facts BEFORE INSERT OR DELETE ON billing_uninvoicedcharge
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION billing_uninvoiced_refuse();
CREATE TRIGGER uninvoiced_charge_kept BEFORE UPDATE OR TRUNCATE ON billing_uninvoicedcharge
FOR EACH STATEMENT EXECUTE FUNCTION billing_uninvoiced_refuse();

-- From here on no charge comes and no invoice, until this transaction ends.
LOCK TABLE billing_charge, billing_invoiceline IN SHARE ROW EXCLUSIVE MODE;
ALTER TABLE billing_uninvoicedcharge DISABLE TRIGGER uninvoiced_charge_told_by_its_facts;
INSERT INTO billing_uninvoicedcharge (charge_id, provider_id, buyer_id, hour)
SELECT id, provider_id, buyer_id, hour FROM billing_charge charge
WHERE NOT EXISTS (SELECT FROM billing_invoiceline WHERE charge_id = charge.id);
ALTER TABLE billing_uninvoicedcharge ENABLE TRIGGER uninvoiced_charge_told_by_its_facts;
"""
UNLIST = """
DROP TRIGGER charge_is_invoiced ON billing_invoiceline;
DROP FUNCTION billing_charge_is_invoiced();
DROP TRIGGER charge_waits_for_invoice ON billing_charge;
DROP FUNCTION billing_charge_waits_for_invoice();
DROP TRIGGER uninvoiced_charge_kept ON billing_uninvoicedcharge;
DROP TRIGGER uninvoiced_charge_told_by_its_facts ON billing_uninvoicedcharge;
DROP FUNCTION billing_uninvoiced_refuse();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0010_seal_second_factors"),
        ("billing", "0019_charges_of_their_reservations"),
    ]

    operations = [
        migrations.CreateModel(
            name="UninvoicedCharge",
            fields=[
                (
                    "charge",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="uninvoiced",
                        serialize=False,
                        to="billing.charge",
                    ),
                ),
                ("hour", models.DateTimeField(verbose_name="hour")),
                (
                    "buyer",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "charge without an invoice",
                "verbose_name_plural": "charges without an invoice",
                "indexes": [models.Index(fields=["provider", "buyer", "hour"], name="uninvoiced_by_parties")],
            },
        ),
        migrations.RunSQL(LIST, UNLIST),
    ]
