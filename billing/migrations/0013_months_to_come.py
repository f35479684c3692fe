"""Count the months to come of a block that is paid one by one among what its order may cost."""

import importlib

from django.db import migrations, models

import core.fields

BEFORE = importlib.import_module("billing.migrations.0009_lines_beside_the_card_hour")
KEPT_BEFORE = importlib.import_module("billing.migrations.0011_blocks_paid_by_the_month").KEEP
IDENTITY = "CREATE TRIGGER instalment_plan_identity"
# A plan of before is told here what its hours to come cost, rounded up once; its next step says it month by month.
FILL = """
DROP TRIGGER instalment_plan_identity ON billing_instalmentplan;
UPDATE billing_instalmentplan plan SET to_come_fen = coalesce((
    SELECT ceil(sum(
        coalesce((
            SELECT price_micro FROM market_agreedprice agreed
            WHERE agreed.reservation_id = reservation.id AND agreed.starts_at <= hours.hour
            ORDER BY agreed.starts_at DESC, agreed.version DESC LIMIT 1
        ), reservation.price_micro) * (reservation.count - coalesce((
            SELECT sum(cards) FROM market_returnedcards gone
            WHERE gone.reservation_id = reservation.id AND gone.hour <= hours.hour
        ), 0))
    ) / 10000.0)
    FROM market_reservation reservation, generate_series(
        plan.next_at, reservation.ends_at - interval '1 hour', interval '1 hour'
    ) AS hours (hour)
    WHERE reservation.id = plan.reservation_id
), 0) WHERE plan.status = 'active';
CREATE TRIGGER instalment_plan_identity BEFORE UPDATE ON billing_instalmentplan
FOR EACH ROW WHEN (
    to_jsonb(OLD) - '{status,periods,next_at,to_come_fen,problem,problem_detail,problem_at,ended_at}'::text[]
    IS DISTINCT FROM
    to_jsonb(NEW) - '{status,periods,next_at,to_come_fen,problem,problem_detail,problem_at,ended_at}'::text[]
    OR OLD.status <> 'active'
    OR NEW.to_come_fen > OLD.to_come_fen
    OR NEW.periods NOT BETWEEN OLD.periods AND OLD.periods + 1
    OR (NEW.periods = OLD.periods) <> (NEW.next_at = OLD.next_at)
)
EXECUTE FUNCTION billing_refuse('a plan of instalments stays as it was agreed');
"""
UNFILL = (
    "DROP TRIGGER instalment_plan_identity ON billing_instalmentplan;\n" + IDENTITY + KEPT_BEFORE.split(IDENTITY)[1]
)
COUNT = """
CREATE OR REPLACE FUNCTION billing_committed(of_funding uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (funding.estimate_fen
        + coalesce((SELECT sum(estimate_fen) FROM billing_supplement WHERE funding_id = funding.id), 0)
        + coalesce((SELECT sum(estimate_fen) FROM billing_takenline WHERE funding_id = funding.id), 0)
        + coalesce((
            SELECT sum(plan.to_come_fen) FROM billing_instalmentplan plan
            JOIN market_reservation reservation ON reservation.id = plan.reservation_id
            WHERE reservation.order_id = funding.order_id AND plan.status = 'active'
        ), 0))::bigint
    FROM billing_funding funding WHERE funding.id = of_funding
$$;
CREATE FUNCTION billing_plan_is_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_refuse_unapproved(funding.order_id, billing_committed(funding.id))
    FROM billing_funding funding JOIN market_reservation reservation ON reservation.order_id = funding.order_id
    WHERE reservation.id = NEW.reservation_id;
    RETURN NULL;
END $$;
CREATE TRIGGER instalment_plan_approved_above_limit AFTER INSERT ON billing_instalmentplan
FOR EACH ROW EXECUTE FUNCTION billing_plan_is_approved();
"""
COUNTED = BEFORE.APPROVED.split("CREATE OR REPLACE FUNCTION")[0].replace(
    "CREATE FUNCTION", "CREATE OR REPLACE FUNCTION"
)
UNCOUNT = (
    """
DROP TRIGGER instalment_plan_approved_above_limit ON billing_instalmentplan;
DROP FUNCTION billing_plan_is_approved();
"""
    + COUNTED
)


class Migration(migrations.Migration):
    dependencies = [("billing", "0012_approvals_of_extensions"), ("market", "0023_split_orders_in_auctions")]

    operations = [
        migrations.AddField(
            model_name="instalmentplan",
            name="to_come_fen",
            field=core.fields.FenField(default=0, verbose_name="still to be set aside"),
        ),
        migrations.RunSQL(FILL, UNFILL),
        migrations.AddConstraint(
            model_name="instalmentplan",
            constraint=models.CheckConstraint(
                condition=models.Q(("to_come_fen__gte", 0)), name="instalment_plan_to_come_not_negative"
            ),
        ),
        migrations.RunSQL(COUNT, UNCOUNT),
    ]
