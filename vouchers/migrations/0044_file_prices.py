"""Let providers file prices: who is listed has one where the programme asks for it, and no voucher pays above it."""

from importlib import import_module

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import core.fields
from core.triggers import never_deleted

# What the others of an item ask, by the price that each has in force last; the middle one, or the lower of two.
KEEP = """
CREATE TRIGGER price_filing_starts_proposed BEFORE INSERT ON vouchers_pricefiling
FOR EACH ROW WHEN (NEW.status <> 'proposed') EXECUTE FUNCTION voucher_refuse('a price is proposed first');

CREATE TRIGGER price_filing_decided_once BEFORE UPDATE ON vouchers_pricefiling
FOR EACH ROW WHEN (
    OLD.status <> 'proposed'
    OR to_jsonb(OLD) - '{status,decided_by_id,decided_at}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,decided_by_id,decided_at}'::text[]
)
EXECUTE FUNCTION voucher_refuse('a filed price stays what it was, and is decided once');

CREATE FUNCTION voucher_price_within_reference() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    above_bp bigint;
    median bigint;
BEGIN
    SELECT (programme.parameters #>> '{integrity,fixed_price_reference_bp}')::bigint, (
        SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY last.price_micro) FROM (
            SELECT DISTINCT ON (filing.listing_id) filing.price_micro
            FROM vouchers_pricefiling filing JOIN vouchers_providerlisting other ON other.id = filing.listing_id
            WHERE other.programme_id = listing.programme_id AND other.item = listing.item
                AND other.provider_id <> listing.provider_id AND other.status IN ('listed', 'suspended')
                AND filing.status = 'approved' AND filing.first_on <= NEW.first_on
            ORDER BY filing.listing_id, filing.first_on DESC, filing.id DESC
        ) last
    ) INTO above_bp, median
    FROM vouchers_providerlisting listing JOIN vouchers_programme programme ON programme.id = listing.programme_id
    WHERE listing.id = NEW.listing_id;
    IF NEW.price_micro::numeric * 10000 > median::numeric * (10000 + above_bp) THEN
        RAISE EXCEPTION 'a filed price is not far above those of others'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'price_filing_within_reference',
                TABLE = 'vouchers_pricefiling';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER price_filing_within_reference BEFORE UPDATE ON vouchers_pricefiling
FOR EACH ROW WHEN (OLD.status = 'proposed' AND NEW.status = 'approved')
EXECUTE FUNCTION voucher_price_within_reference();

CREATE FUNCTION voucher_listing_price_filed() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM vouchers_programme programme WHERE programme.id = NEW.programme_id
            AND programme.parameters #>> '{providers,price_filing_required}' = 'true'
    ) AND NOT EXISTS (
        SELECT FROM vouchers_pricefiling filing WHERE filing.listing_id = NEW.id AND filing.status = 'approved'
    ) THEN
        RAISE EXCEPTION 'who is listed has filed a price'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'provider_listing_price_filed',
                TABLE = 'vouchers_providerlisting';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER provider_listing_price_filed BEFORE UPDATE ON vouchers_providerlisting
FOR EACH ROW WHEN (OLD.status <> 'listed' AND NEW.status = 'listed') EXECUTE FUNCTION voucher_listing_price_filed();
"""

UNKEEP = """
DROP TRIGGER provider_listing_price_filed ON vouchers_providerlisting;
DROP FUNCTION voucher_listing_price_filed();
DROP TRIGGER price_filing_within_reference ON vouchers_pricefiling;
DROP FUNCTION voucher_price_within_reference();
DROP TRIGGER price_filing_decided_once ON vouchers_pricefiling;
DROP TRIGGER price_filing_starts_proposed ON vouchers_pricefiling;
"""

# Versions that said so on record say so from now on.
MARK = """
ALTER TABLE vouchers_programmeversion DISABLE TRIGGER version_fixed;
UPDATE vouchers_programmeversion SET price_filing = true
WHERE parameters #>> '{providers,price_filing_required}' = 'true'
    AND parameters #>> '{identity,mode}' = 'INSTANT_DEDUCT';
ALTER TABLE vouchers_programmeversion ENABLE TRIGGER version_fixed;
"""

# Of each provider the most that it filed for the category, as ``vouchers.filed_prices`` reads it.
FILED = """
CREATE FUNCTION voucher_price_filed(of_programme uuid, explanation jsonb, on_day date) RETURNS boolean
LANGUAGE sql STABLE AS $$
SELECT coalesce(bool_and((
    SELECT max(last.price_micro) FROM (
        SELECT DISTINCT ON (filing.listing_id) filing.price_micro
        FROM vouchers_pricefiling filing JOIN vouchers_providerlisting listing ON listing.id = filing.listing_id
        WHERE listing.programme_id = of_programme AND listing.provider_id = named.provider::uuid
            AND listing.status = 'listed' AND listing.valid_from <= on_day AND listing.valid_until > on_day
            AND (listing.item = '' OR listing.categories ? (explanation #>> '{spending,0,category}'))
            AND filing.status = 'approved' AND filing.first_on <= on_day
        ORDER BY filing.listing_id, filing.first_on DESC, filing.id DESC
    ) last
) >= coalesce((explanation #>> '{spending,0,price_micro}')::bigint, 0) IS TRUE), false)
FROM jsonb_array_elements_text(explanation -> 'providers') AS named (provider)
$$;
"""
UNFILED = "DROP FUNCTION voucher_price_filed(uuid, jsonb, date);"

GATE_BEFORE = import_module("vouchers.migrations.0041_count_days_from_the_first_use").GATE
GATE = GATE_BEFORE.replace(
    "        ELSE '' END\n    INTO awaited,",
    "        WHEN version.price_filing AND NOT voucher_price_filed(\n"
    "            granted.programme_id, NEW.explanation, (NEW.held_at AT TIME ZONE 'Asia/Shanghai')::date\n"
    "        ) THEN 'redemption_price_filed'\n"
    "        ELSE '' END\n    INTO awaited,",
    1,
)
TRY_BEFORE = import_module("vouchers.migrations.0030_keep_pools_and_provider_shares").TRY
TRY = TRY_BEFORE.replace(
    "'redemption_within_shared_caps',", "'redemption_within_shared_caps', 'redemption_price_filed',"
)


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0043_verify_invoice_numbers"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="programmeversion",
            name="price_filing",
            field=models.BooleanField(db_default=False, verbose_name="prices are filed"),
        ),
        migrations.CreateModel(
            name="PriceFiling",
            fields=[
                ("status", core.fields.StatusField(max_length=16)),
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("price_micro", models.PositiveBigIntegerField(verbose_name="price of a card-hour (micro-yuan)")),
                ("first_on", models.DateField(verbose_name="in force from")),
                ("filed_at", models.DateTimeField(verbose_name="entered at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                (
                    "filed_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="entered by",
                    ),
                ),
                (
                    "listing",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="filings",
                        to="vouchers.providerlisting",
                    ),
                ),
            ],
            options={
                "verbose_name": "filed price",
                "verbose_name_plural": "filed prices",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "proposed")),
                        fields=("listing",),
                        name="price_filing_once_at_a_time",
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("status", "approved")),
                        fields=("listing", "first_on"),
                        name="price_filing_once_a_day",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("price_micro__gt", 0)), name="price_filing_above_nothing"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            models.Q(("decided_by", models.F("filed_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="price_filing_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("decided_at", None), ("decided_by", None), ("status", "proposed")),
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("status__in", ["approved", "rejected"]),
                            ),
                            _connector="OR",
                        ),
                        name="price_filing_decided_by_someone",
                    ),
                ],
            },
        ),
        migrations.RunSQL(MARK, migrations.RunSQL.noop),
        migrations.RunSQL(KEEP, UNKEEP),
        migrations.RunSQL(FILED, UNFILED),
        migrations.RunSQL(GATE, GATE_BEFORE),
        migrations.RunSQL(TRY, TRY_BEFORE),
        never_deleted("vouchers_pricefiling"),
    ]
