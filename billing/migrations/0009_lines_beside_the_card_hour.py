"""Let buyers take lines beside the card-hour with reservations: set aside in cash, charged by the hours they are kept."""

import django.db.models.deletion
from django.db import migrations, models

import core.fields
import core.ids
from core.triggers import append_only, never_deleted

KEEP = """
CREATE TRIGGER billing_takenline_moves BEFORE UPDATE OF status ON billing_takenline FOR EACH ROW
WHEN (OLD.status <> NEW.status AND OLD.status <> 'running') EXECUTE FUNCTION refuse_move();
CREATE TRIGGER taken_line_identity BEFORE UPDATE ON billing_takenline
FOR EACH ROW WHEN (
    to_jsonb(OLD) - '{status,given_up_at,stopped_at,charged_until}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,given_up_at,stopped_at,charged_until}'::text[]
    OR OLD.status <> 'running'
    OR NEW.charged_until < OLD.charged_until
    OR coalesce(NEW.stopped_at, NEW.ends_at) > coalesce(OLD.stopped_at, OLD.ends_at)
)
EXECUTE FUNCTION billing_refuse('a line that was taken stays as it was taken');
"""
KEEP_NOTHING = """
DROP TRIGGER taken_line_identity ON billing_takenline;
DROP TRIGGER billing_takenline_moves ON billing_takenline;
"""
WITHIN = """
CREATE FUNCTION billing_taken_line_of_open_funding() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM billing_funding funding
        JOIN market_reservation reservation ON reservation.order_id = funding.order_id
        WHERE funding.id = NEW.funding_id AND reservation.id = NEW.reservation_id AND funding.status = 'open'
          AND NEW.ends_at <= reservation.ends_at
    ) THEN
        RAISE EXCEPTION 'line % belongs to no open funding and no hours of its reservation', NEW.id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'taken_line_of_open_funding';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER taken_line_of_open_funding BEFORE INSERT ON billing_takenline
FOR EACH ROW EXECUTE FUNCTION billing_taken_line_of_open_funding();

CREATE FUNCTION billing_line_within_estimate() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM billing_takenline line
        JOIN billing_charge mine ON mine.id = NEW.charge_id AND mine.reservation_id = line.reservation_id
        CROSS JOIN LATERAL (
            SELECT sum(charge.amount_fen) AS fen FROM billing_linecharge reason
            JOIN billing_charge charge ON charge.id = reason.charge_id WHERE reason.line_id = line.id
        ) charged
        WHERE line.id = NEW.line_id AND mine.kind = 'line' AND charged.fen BETWEEN 0 AND line.estimate_fen
    ) THEN
        RAISE EXCEPTION 'line % is charged more than was set aside for it', NEW.line_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'line_charged_within_its_estimate';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER line_charged_within_its_estimate AFTER INSERT ON billing_linecharge
FOR EACH ROW EXECUTE FUNCTION billing_line_within_estimate();
"""
WITHOUT = """
DROP TRIGGER line_charged_within_its_estimate ON billing_linecharge;
DROP FUNCTION billing_line_within_estimate();
DROP TRIGGER taken_line_of_open_funding ON billing_takenline;
DROP FUNCTION billing_taken_line_of_open_funding();
"""
# What an order may cost without a second person counts its lines too, whatever is added last.
APPROVED = """
CREATE FUNCTION billing_committed(of_funding uuid) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (funding.estimate_fen
        + coalesce((SELECT sum(estimate_fen) FROM billing_supplement WHERE funding_id = funding.id), 0)
        + coalesce((SELECT sum(estimate_fen) FROM billing_takenline WHERE funding_id = funding.id), 0))::bigint
    FROM billing_funding funding WHERE funding.id = of_funding
$$;
CREATE OR REPLACE FUNCTION billing_supplement_is_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_refuse_unapproved(funding.order_id, billing_committed(funding.id))
    FROM billing_funding funding WHERE funding.id = NEW.funding_id;
    RETURN NULL;
END $$;
CREATE TRIGGER taken_line_approved_above_limit AFTER INSERT ON billing_takenline
FOR EACH ROW EXECUTE FUNCTION billing_supplement_is_approved();
"""
UNAPPROVED = """
DROP TRIGGER taken_line_approved_above_limit ON billing_takenline;
CREATE OR REPLACE FUNCTION billing_supplement_is_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_refuse_unapproved(funding.order_id, funding.estimate_fen + coalesce(
        (SELECT sum(estimate_fen) FROM billing_supplement WHERE funding_id = funding.id), 0)::bigint)
    FROM billing_funding funding WHERE funding.id = NEW.funding_id;
    RETURN NULL;
END $$;
DROP FUNCTION billing_committed(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("billing", "0008_approvals_and_instructions"),
        ("ledger", "0006_reserve_row_by_row"),
        ("market", "0021_notice_of_reservations"),
    ]

    operations = [
        migrations.CreateModel(
            name="TakenLine",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                (
                    "kind",
                    models.CharField(
                        choices=[("storage", "Storage"), ("network", "Network"), ("support", "Support")],
                        max_length=16,
                        verbose_name="kind",
                    ),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                (
                    "unit",
                    models.CharField(
                        choices=[("gib-month", "GiB for a month"), ("month", "A month"), ("gb", "GB, in all")],
                        max_length=16,
                        verbose_name="unit",
                    ),
                ),
                ("quantity", models.PositiveIntegerField(verbose_name="quantity")),
                ("price_micro", core.fields.MicroField(verbose_name="price per unit (micro-yuan)")),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                ("estimate_fen", core.fields.FenField(verbose_name="set aside (fen)")),
                ("taken_at", models.DateTimeField(verbose_name="taken at")),
                ("given_up_at", models.DateTimeField(null=True, verbose_name="given up at")),
                ("stopped_at", models.DateTimeField(null=True, verbose_name="over at")),
                ("charged_until", models.DateTimeField(verbose_name="charged until")),
                (
                    "funding",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="lines", to="billing.funding"
                    ),
                ),
                (
                    "reservation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="taken_lines", to="market.reservation"
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
                "verbose_name": "line taken with a reservation",
                "verbose_name_plural": "lines taken with reservations",
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "running")), fields=["charged_until"], name="taken_line_running"
                    )
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["running", "settled"])), name="taken_line_status_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("kind__in", ["storage", "network", "support"])),
                        name="taken_line_kind_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("unit__in", ["gib-month", "month", "gb"])), name="taken_line_unit_known"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("price_micro__gte", 0), ("quantity__gte", 1), ("quantity__lte", 10000000)),
                        name="taken_line_of_some_quantity",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="taken_line_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("estimate_fen", 0), ("wallet_hold", None)),
                            models.Q(("estimate_fen__gt", 0), ("wallet_hold__isnull", False)),
                            _connector="OR",
                        ),
                        name="taken_line_is_set_aside",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("charged_until__gte", models.F("starts_at")), ("charged_until__lte", models.F("ends_at"))
                        ),
                        name="taken_line_charged_within_its_hours",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("given_up_at", None), ("stopped_at__isnull", False), _connector="OR"),
                        name="taken_line_given_up_is_over",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("stopped_at", None),
                            models.Q(
                                ("stopped_at__gte", models.F("starts_at")), ("stopped_at__lte", models.F("ends_at"))
                            ),
                            _connector="OR",
                        ),
                        name="taken_line_stops_within_its_hours",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LineCharge",
            fields=[
                (
                    "charge",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="line_charge",
                        serialize=False,
                        to="billing.charge",
                    ),
                ),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="charges", to="billing.takenline"
                    ),
                ),
            ],
            options={
                "verbose_name": "charge for a line",
                "verbose_name_plural": "charges for lines",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="line_charge_for_some_hours"
                    )
                ],
            },
        ),
        migrations.RemoveConstraint(model_name="charge", name="charge_usage_has_an_hour"),
        migrations.AlterField(
            model_name="charge",
            name="kind",
            field=models.CharField(
                choices=[
                    ("usage", "Usage"),
                    ("credit", "Service credit"),
                    ("fee", "Fee for hours given back"),
                    ("line", "Line beside the card-hour"),
                ],
                db_default="usage",
                default="usage",
                max_length=16,
                verbose_name="kind",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.UniqueConstraint(
                condition=models.Q(("kind", "line")), fields=("reservation", "version"), name="charge_line_in_turn"
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(models.Q(("kind", "line"), _negated=True), ("voucher_fen", 0), _connector="OR"),
                name="charge_line_is_cash",
            ),
        ),
        migrations.AddConstraint(
            model_name="charge",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("kind", "usage"), ("metered_hour__isnull", False)),
                    models.Q(
                        ("accelerator_ms", 0),
                        ("kind__in", ("credit", "fee", "line")),
                        ("metered_hour", None),
                        ("price_micro", 0),
                    ),
                    _connector="OR",
                ),
                name="charge_usage_has_an_hour",
            ),
        ),
        migrations.RunSQL(KEEP, KEEP_NOTHING),
        migrations.RunSQL(WITHIN, WITHOUT),
        migrations.RunSQL(APPROVED, UNAPPROVED),
        append_only("billing_linecharge"),
        never_deleted("billing_takenline"),
    ]
