"""Let extensions above a buyer's limit wait for approval, until the reservation ends."""

import importlib

import django.db.models.deletion
from django.db import migrations, models
from django.db.models import Q

# As before, and an extension is approved with what the order costs by then.
BEFORE = importlib.import_module("billing.migrations.0010_approvals_of_quotes_and_awards").APPROVED
APPROVED = """
CREATE OR REPLACE FUNCTION billing_refuse_unapproved(placed uuid, total bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM billing_spendinglimit allowed
        JOIN market_order ordered ON ordered.buyer_id = allowed.organization_id
        WHERE ordered.id = placed AND allowed.limit_fen < total
    ) AND NOT EXISTS (
        SELECT FROM billing_approvalrequest
        WHERE order_id = placed AND status = 'approved' AND estimate_fen >= total
    ) AND NOT EXISTS (
        SELECT FROM market_award award JOIN market_bid bid ON bid.id = award.bid_id
        JOIN billing_approvalrequest request ON request.rfq_id = bid.rfq_id
        WHERE award.order_id = placed AND request.kind = 'award' AND request.status = 'approved'
          AND request.estimate_fen >= total AND request.choice -> 'bids' ? bid.id::text
    ) AND NOT EXISTS (
        SELECT FROM billing_approvalrequest request
        JOIN market_reservation reservation ON reservation.id = request.reservation_id
        WHERE reservation.order_id = placed AND request.status = 'approved' AND request.estimate_fen >= total
    ) THEN
        RAISE EXCEPTION 'order % costs more than one person may order', placed
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'funding_approved_above_limit';
    END IF;
END $$;
"""
KINDS = [("order", "Order"), ("quote", "Quote"), ("award", "Award"), ("extension", "Extension")]
HAS_ORDER = (
    Q(order__isnull=False, status="approved")
    | Q(kind__in=["award", "extension"], status="approved")
    | ~Q(status="approved") & Q(order=None)
)
NAMED = (
    Q(kind="order", quote=None, reservation=None, rfq=None)
    | Q(kind="quote", quote__isnull=False, reservation=None, rfq=None)
    | Q(kind="award", quote=None, reservation=None, rfq__isnull=False)
    | Q(kind="extension", quote=None, reservation__isnull=False, rfq=None)
)


class Migration(migrations.Migration):
    dependencies = [("billing", "0011_blocks_paid_by_the_month"), ("market", "0023_split_orders_in_auctions")]

    operations = [
        migrations.RemoveConstraint(model_name="approvalrequest", name="approval_approved_has_order"),
        migrations.RemoveConstraint(model_name="approvalrequest", name="approval_names_what_it_is_for"),
        migrations.AddField(
            model_name="approvalrequest",
            name="reservation",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="extension_approvals",
                to="market.reservation",
            ),
        ),
        migrations.AlterField(
            model_name="approvalrequest",
            name="kind",
            field=models.CharField(
                choices=KINDS, db_default="order", default="order", max_length=10, verbose_name="kind"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.CheckConstraint(condition=HAS_ORDER, name="approval_approved_has_order"),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.CheckConstraint(condition=NAMED, name="approval_names_what_it_is_for"),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.UniqueConstraint(
                condition=Q(status="awaiting_approval"), fields=("reservation",), name="approval_once_per_reservation"
            ),
        ),
        migrations.RunSQL(APPROVED, BEFORE),
    ]
