"""Let quotes and awards above a buyer's limit wait for approval, within their own time."""

import django.db.models.deletion
from django.db import migrations, models

# As before, and an award of several bids is approved once for all its orders.
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
    ) THEN
        RAISE EXCEPTION 'order % costs more than one person may order', placed
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'funding_approved_above_limit';
    END IF;
END $$;
"""
APPROVED_BEFORE = """
CREATE OR REPLACE FUNCTION billing_refuse_unapproved(placed uuid, total bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM billing_spendinglimit allowed
        JOIN market_order ordered ON ordered.buyer_id = allowed.organization_id
        WHERE ordered.id = placed AND allowed.limit_fen < total
    ) AND NOT EXISTS (
        SELECT FROM billing_approvalrequest
        WHERE order_id = placed AND status = 'approved' AND estimate_fen >= total
    ) THEN
        RAISE EXCEPTION 'order % costs more than one person may order', placed
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'funding_approved_above_limit';
    END IF;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0009_lines_beside_the_card_hour"),
        ("market", "0021_notice_of_reservations"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="approvalrequest", name="approval_approved_has_order"),
        migrations.AddField(
            model_name="approvalrequest",
            name="choice",
            field=models.JSONField(default=dict, verbose_name="what was chosen"),
        ),
        migrations.AddField(
            model_name="approvalrequest",
            name="kind",
            field=models.CharField(
                choices=[("order", "Order"), ("quote", "Quote"), ("award", "Award")],
                db_default="order",
                default="order",
                max_length=8,
                verbose_name="kind",
            ),
        ),
        migrations.AddField(
            model_name="approvalrequest",
            name="quote",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="approvals", to="market.quote"
            ),
        ),
        migrations.AddField(
            model_name="approvalrequest",
            name="rfq",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.PROTECT, related_name="approvals", to="market.rfq"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("order__isnull", False), ("status", "approved")),
                    models.Q(("kind", "award"), ("status", "approved")),
                    models.Q(models.Q(("status", "approved"), _negated=True), ("order", None)),
                    _connector="OR",
                ),
                name="approval_approved_has_order",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "order"), ("quote", None), ("rfq", None)),
                    models.Q(("kind", "quote"), ("quote__isnull", False), ("rfq", None)),
                    models.Q(("kind", "award"), ("quote", None), ("rfq__isnull", False)),
                    _connector="OR",
                ),
                name="approval_names_what_it_is_for",
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "awaiting_approval")), fields=("quote",), name="approval_once_per_quote"
            ),
        ),
        migrations.AddConstraint(
            model_name="approvalrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "awaiting_approval")), fields=("rfq",), name="approval_once_per_rfq"
            ),
        ),
        migrations.RunSQL(APPROVED, APPROVED_BEFORE),
    ]
