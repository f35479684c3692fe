"""Let orders above a limit wait for a second person, and reservations be extended within a budget."""

import core.fields
import core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.triggers import append_only, never_deleted

MOVES = """
CREATE TRIGGER billing_approvalrequest_moves BEFORE UPDATE OF status ON billing_approvalrequest FOR EACH ROW
WHEN (OLD.status <> NEW.status AND OLD.status <> 'awaiting_approval') EXECUTE FUNCTION refuse_move();

CREATE TRIGGER billing_autoextension_moves BEFORE UPDATE OF status ON billing_autoextension FOR EACH ROW
WHEN (OLD.status <> NEW.status AND OLD.status <> 'active') EXECUTE FUNCTION refuse_move();
"""
NO_MOVES = """
DROP TRIGGER billing_autoextension_moves ON billing_autoextension;
DROP TRIGGER billing_approvalrequest_moves ON billing_approvalrequest;
"""
FIX = """
CREATE TRIGGER approval_request_identity BEFORE UPDATE ON billing_approvalrequest
FOR EACH ROW WHEN (
    to_jsonb(OLD) - '{status,decided_by_id,decided_at,reason,order_id}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,decided_by_id,decided_at,reason,order_id}'::text[]
    OR OLD.status <> 'awaiting_approval'
)
EXECUTE FUNCTION billing_refuse('what is asked for stays as it was asked');

CREATE TRIGGER auto_extension_identity BEFORE UPDATE ON billing_autoextension
FOR EACH ROW WHEN (
    to_jsonb(OLD) - '{status,spent_fen,problem,problem_detail,problem_at,ended_at,end_code}'::text[]
    IS DISTINCT FROM to_jsonb(NEW) - '{status,spent_fen,problem,problem_detail,problem_at,ended_at,end_code}'::text[]
)
EXECUTE FUNCTION billing_refuse('an instruction stays as it was given');
"""
UNFIX = """
DROP TRIGGER auto_extension_identity ON billing_autoextension;
DROP TRIGGER approval_request_identity ON billing_approvalrequest;
"""
SPEND = """
CREATE FUNCTION billing_spend_budget() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE billing_autoextension SET spent_fen = spent_fen + NEW.estimate_fen WHERE id = NEW.instruction_id;
    RETURN NULL;
END $$;
CREATE TRIGGER auto_extension_step_spends AFTER INSERT ON billing_autoextensionstep
FOR EACH ROW EXECUTE FUNCTION billing_spend_budget();
"""
UNSPEND = """
DROP TRIGGER auto_extension_step_spends ON billing_autoextensionstep;
DROP FUNCTION billing_spend_budget();
"""
# Whoever writes what an order may cost needs the second person, whatever service it came through.
APPROVED = """
CREATE FUNCTION billing_refuse_unapproved(placed uuid, total bigint) RETURNS void LANGUAGE plpgsql AS $$
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
CREATE FUNCTION billing_funding_is_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_refuse_unapproved(NEW.order_id, NEW.estimate_fen);
    RETURN NULL;
END $$;
CREATE FUNCTION billing_supplement_is_approved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM billing_refuse_unapproved(funding.order_id, funding.estimate_fen + coalesce(
        (SELECT sum(estimate_fen) FROM billing_supplement WHERE funding_id = funding.id), 0)::bigint)
    FROM billing_funding funding WHERE funding.id = NEW.funding_id;
    RETURN NULL;
END $$;
CREATE TRIGGER funding_approved_above_limit AFTER INSERT ON billing_funding
FOR EACH ROW EXECUTE FUNCTION billing_funding_is_approved();
CREATE TRIGGER supplement_approved_above_limit AFTER INSERT ON billing_supplement
FOR EACH ROW EXECUTE FUNCTION billing_supplement_is_approved();
"""
UNAPPROVED = """
DROP TRIGGER supplement_approved_above_limit ON billing_supplement;
DROP TRIGGER funding_approved_above_limit ON billing_funding;
DROP FUNCTION billing_supplement_is_approved();
DROP FUNCTION billing_funding_is_approved();
DROP FUNCTION billing_refuse_unapproved(uuid, bigint);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0007_keep_ties"),
        ("billing", "0007_supplements_and_fees"),
        ("market", "0021_notice_of_reservations"),
        ("vouchers", "0011_keep_applications"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="AutoExtension",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("budget_fen", core.fields.FenField(verbose_name="budget (fen)")),
                ("spent_fen", core.fields.FenField(default=0, editable=False, verbose_name="set aside (fen)")),
                ("limit_micro", core.fields.MicroField(verbose_name="limit per card-hour (micro-yuan)")),
                ("until", models.DateTimeField(verbose_name="at most until")),
                ("step_hours", models.PositiveIntegerField(verbose_name="hours of a step")),
                ("lead_hours", models.PositiveIntegerField(verbose_name="hours before the end")),
                ("started_at", models.DateTimeField(verbose_name="from")),
                ("problem", models.CharField(blank=True, max_length=40, verbose_name="problem")),
                (
                    "problem_detail",
                    models.CharField(blank=True, max_length=500, verbose_name="what kept it from extending"),
                ),
                ("problem_at", models.DateTimeField(null=True, verbose_name="tried at")),
                ("ended_at", models.DateTimeField(null=True, verbose_name="ended at")),
                (
                    "end_code",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("until", "The time until which it extends has been reached"),
                            ("budget", "The next step would exceed the budget"),
                            ("over", "The reservation is over"),
                            ("revoked", "The buyer ended it"),
                        ],
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "grant",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vouchers.grant"
                    ),
                ),
                (
                    "reservation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="auto_extensions",
                        to="market.reservation",
                    ),
                ),
            ],
            options={
                "verbose_name": "automatic extension",
                "verbose_name_plural": "automatic extensions",
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("status", "active")),
                        fields=("reservation",),
                        name="auto_extension_one_at_a_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("spent_fen__gte", 0), ("spent_fen__lte", models.F("budget_fen"))),
                        name="auto_extension_within_budget",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("limit_micro__gt", 0)), name="auto_extension_limit_positive"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("step_hours__gte", 1),
                            ("step_hours__lte", 744),
                            ("lead_hours__gte", 1),
                            ("lead_hours__lte", 336),
                        ),
                        name="auto_extension_hours_in_range",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["active", "ended", "cancelled"])),
                        name="auto_extension_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("end_code", ""), ("ended_at", None), ("status", "active")),
                            models.Q(
                                models.Q(("status", "active"), _negated=True),
                                ("end_code__in", ["until", "budget", "over", "revoked"]),
                                ("ended_at__isnull", False),
                            ),
                            _connector="OR",
                        ),
                        name="auto_extension_ended_has_reason",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="AutoExtensionStep",
            fields=[
                (
                    "supplement",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="auto_extension_step",
                        serialize=False,
                        to="billing.supplement",
                    ),
                ),
                ("number", models.PositiveIntegerField(verbose_name="number")),
                ("estimate_fen", core.fields.FenField(verbose_name="set aside (fen)")),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "instruction",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="steps", to="billing.autoextension"
                    ),
                ),
            ],
            options={
                "verbose_name": "step of an automatic extension",
                "verbose_name_plural": "steps of automatic extensions",
                "constraints": [
                    models.UniqueConstraint(fields=("instruction", "number"), name="auto_extension_step_in_turn"),
                    models.CheckConstraint(
                        condition=models.Q(("estimate_fen__gte", 0)), name="auto_extension_step_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="SpendingLimit",
            fields=[
                (
                    "organization",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="spending_limit",
                        serialize=False,
                        to="accounts.organization",
                    ),
                ),
                ("limit_fen", core.fields.FenField(null=True, verbose_name="limit (fen)")),
                ("set_at", models.DateTimeField(verbose_name="set at")),
                (
                    "set_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name": "spending limit",
                "verbose_name_plural": "spending limits",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("limit_fen__gte", 0)), name="spending_limit_not_negative"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ApprovalRequest",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "status",
                    models.CharField(
                        choices=[
                            ("awaiting_approval", "Awaiting approval"),
                            ("approved", "Approved"),
                            ("rejected", "Rejected"),
                            ("withdrawn", "Withdrawn"),
                            ("expired", "Expired"),
                        ],
                        max_length=20,
                        verbose_name="status",
                    ),
                ),
                ("name", models.CharField(blank=True, max_length=120, verbose_name="name")),
                ("demand", models.JSONField(verbose_name="what is wanted")),
                ("estimate_fen", core.fields.FenField(verbose_name="at most (fen)")),
                ("limit_fen", core.fields.FenField(verbose_name="limit (fen)")),
                ("requested_at", models.DateTimeField(verbose_name="requested at")),
                ("expires_at", models.DateTimeField(verbose_name="expires at")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("reason", models.CharField(blank=True, max_length=500, verbose_name="reason")),
                (
                    "buyer",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approval_requests",
                        to="accounts.organization",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "grant",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vouchers.grant"
                    ),
                ),
                (
                    "order",
                    models.OneToOneField(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="approval",
                        to="market.order",
                    ),
                ),
                (
                    "requested_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to=settings.AUTH_USER_MODEL
                    ),
                ),
                (
                    "requested_key",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.apikey"
                    ),
                ),
            ],
            options={
                "verbose_name": "request for approval",
                "verbose_name_plural": "requests for approval",
                "indexes": [
                    models.Index(fields=["buyer", "-requested_at"], name="approval_by_buyer"),
                    models.Index(
                        condition=models.Q(("status", "awaiting_approval")),
                        fields=["expires_at"],
                        name="approval_to_expire",
                    ),
                ],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("status__in", ["awaiting_approval", "approved", "rejected", "withdrawn", "expired"])
                        ),
                        name="approval_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("estimate_fen__gt", models.F("limit_fen"))), name="approval_above_a_limit"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("expires_at__gt", models.F("requested_at"))),
                        name="approval_waits_for_a_while",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("decided_by", None),
                            models.Q(("decided_by", models.F("requested_by")), _negated=True),
                            _connector="OR",
                        ),
                        name="approval_maker_is_not_checker",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("order__isnull", False), ("status", "approved")),
                            models.Q(models.Q(("status", "approved"), _negated=True), ("order", None)),
                            _connector="OR",
                        ),
                        name="approval_approved_has_order",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(
                                ("decided_at__isnull", False),
                                ("decided_by__isnull", False),
                                ("status__in", ["approved", "rejected"]),
                            ),
                            models.Q(
                                models.Q(("status__in", ["approved", "rejected"]), _negated=True), ("decided_by", None)
                            ),
                            _connector="OR",
                        ),
                        name="approval_decided_by_somebody",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "rejected"), _negated=True),
                            models.Q(("reason", ""), _negated=True),
                            _connector="OR",
                        ),
                        name="approval_rejected_has_reason",
                    ),
                ],
            },
        ),
        migrations.RunSQL(MOVES, NO_MOVES),
        migrations.RunSQL(FIX, UNFIX),
        migrations.RunSQL(SPEND, UNSPEND),
        migrations.RunSQL(APPROVED, UNAPPROVED),
        append_only("billing_autoextensionstep"),
        *[never_deleted(table) for table in ["billing_approvalrequest", "billing_autoextension"]],
    ]
