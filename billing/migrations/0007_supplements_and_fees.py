"""Let charges be fees for hours given back, and let what an extension sets aside pay for its hours."""

import core.fields
import core.ids
import django.db.models.deletion
import django.db.models.expressions
from django.db import migrations, models

from core.triggers import append_only

OPEN = """
CREATE FUNCTION billing_supplement_of_open_funding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM billing_funding funding
        JOIN market_reservation reservation ON reservation.order_id = funding.order_id
        WHERE funding.id = NEW.funding_id AND reservation.id = NEW.reservation_id AND funding.status = 'open'
    ) THEN
        RAISE EXCEPTION 'supplement % belongs to no open funding of its reservation', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'supplement_of_open_funding';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER supplement_of_open_funding BEFORE INSERT ON billing_supplement
FOR EACH ROW EXECUTE FUNCTION billing_supplement_of_open_funding();
"""
ANY = """
DROP TRIGGER supplement_of_open_funding ON billing_supplement;
DROP FUNCTION billing_supplement_of_open_funding();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0004_onboarding"),
        ("billing", "0006_say_which_orders_a_voucher_pays"),
        ("ledger", "0006_reserve_row_by_row"),
        ("market", "0021_notice_of_reservations"),
        ("vouchers", "0007_transparency_log"),
    ]

    operations = [
        migrations.CreateModel(
            name="NoticeFee",
            fields=[
                (
                    "charge",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="fee",
                        serialize=False,
                        to="billing.charge",
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="given back from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("value_fen", core.fields.FenField(verbose_name="value of the hours (fen)")),
                ("policy", models.CharField(max_length=16, verbose_name="version of the table")),
                ("notice_hours", models.PositiveIntegerField(verbose_name="notice of the listing (hours)")),
                ("fee_fen", core.fields.FenField(verbose_name="fee (fen)")),
            ],
            options={
                "verbose_name": "fee for hours given back",
                "verbose_name_plural": "fees for hours given back",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="notice_fee_for_some_hours"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("fee_fen__gt", 0), ("fee_fen__lte", models.F("value_fen"))),
                        name="notice_fee_within_the_value",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Supplement",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("estimate_fen", core.fields.FenField(verbose_name="estimate (fen)")),
                ("voucher_fen", core.fields.FenField(verbose_name="voucher (fen)")),
                ("wallet_fen", core.fields.FenField(verbose_name="wallet (fen)")),
                (
                    "funding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="supplements", to="billing.funding"
                    ),
                ),
                (
                    "redemption",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="supplement",
                        to="vouchers.redemption",
                    ),
                ),
                (
                    "reservation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="supplements", to="market.reservation"
                    ),
                ),
                (
                    "wallet_hold",
                    models.OneToOneField(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="ledger.hold"
                    ),
                ),
            ],
            options={
                "verbose_name": "supplement",
                "verbose_name_plural": "supplements",
                "constraints": [
                    models.UniqueConstraint(fields=("reservation", "number"), name="supplement_in_turn"),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="supplement_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "estimate_fen",
                                django.db.models.expressions.CombinedExpression(
                                    models.F("voucher_fen"), "+", models.F("wallet_fen")
                                ),
                            )
                        ),
                        name="supplement_adds_up",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("voucher_fen__gte", 0), ("wallet_fen__gte", 0)),
                        name="supplement_not_negative",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("redemption", None), ("voucher_fen", 0)),
                            models.Q(("redemption__isnull", False), ("voucher_fen__gt", 0)),
                            _connector="OR",
                        ),
                        name="supplement_voucher_has_redemption",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("wallet_fen", 0), ("wallet_hold", None)),
                            models.Q(("wallet_fen__gt", 0), ("wallet_hold__isnull", False)),
                            _connector="OR",
                        ),
                        name="supplement_wallet_has_hold",
                    ),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="charge",
            name="charge_usage_has_an_hour",
        ),
        migrations.AlterField(
            model_name="charge",
            name="kind",
            field=models.CharField(
                choices=[("usage", "Usage"), ("credit", "Service credit"), ("fee", "Fee for hours given back")],
                db_default="usage",
                default="usage",
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AddField(
            model_name="charge",
            name="supplement",
            field=models.ForeignKey(
                db_index=False,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="charges",
                to="billing.supplement",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "fee")), fields=("reservation", "version"), name="charge_fee_in_turn"
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "usage"), ("metered_hour__isnull", False)),
                    models.Q(
                        ("accelerator_ms", 0),
                        ("kind__in", ("credit", "fee")),
                        ("metered_hour", None),
                        ("price_micro", 0),
                    ),
                    _connector="OR",
                ),
                name="charge_usage_has_an_hour",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "fee"), _negated=True),
                    models.Q(("amount_fen__gt", 0), ("voucher_fen", 0)),
                    _connector="OR",
                ),
                name="charge_fee_is_cash",
            ),
        ),
        migrations.RunSQL(OPEN, ANY),
        append_only("billing_supplement"),
        append_only("billing_noticefee"),
    ]
