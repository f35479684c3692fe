"""Let reservations be handed over, interrupted and failed with reasons, with downtimes, reviews and reputations."""

import core.fields
import core.ids
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

from core.triggers import append_only, never_deleted

BACKFILL = """
UPDATE market_reservation SET access_at = starts_at WHERE status IN ('active', 'ended');
UPDATE market_reservation SET stopped_at = ends_at, stop_code = 'completed' WHERE status = 'ended';
UPDATE market_reservation AS reservation
SET stopped_at = least(placed.cancelled_at, reservation.ends_at), stop_code = 'cancelled'
FROM market_order AS placed WHERE placed.id = reservation.order_id AND reservation.status = 'released';
"""
MOVES = {
    "market_reservation": "held provisioning, held active, held failed, held released, provisioning active, "
    "provisioning failed, provisioning released, active ended, active interrupted, active failed",
    "market_order": "open matched, open cancelled, open expired, matched completed, matched cancelled, matched failed",
    "market_downtime": "claimed accepted, claimed contested, contested accepted, contested dismissed",
}
EARLIER_MOVES = {
    "market_reservation": "held active, held released, active ended",
    "market_order": "open matched, open cancelled, open expired, matched completed, matched cancelled",
}


def trigger(table, moves):
    allowed = ", ".join(f"'{move.strip()}'" for move in moves.split(","))
    return (
        f"CREATE TRIGGER {table}_moves BEFORE UPDATE OF status ON {table} FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN ({allowed})) "
        "EXECUTE FUNCTION refuse_move();"
    )


def only_moves(table, moves):
    """Return the operation that refuses any other change of a table's status from now on."""
    drop = f"DROP TRIGGER IF EXISTS {table}_moves ON {table};"
    back = trigger(table, EARLIER_MOVES[table]) if table in EARLIER_MOVES else ""
    return migrations.RunSQL(drop + trigger(table, moves), drop + back)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0002_keep_audit_entries_as_written"),
        ("market", "0010_hold_call_auctions"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Downtime",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("status", core.fields.StatusField(max_length=16)),
                ("starts_at", models.DateTimeField(verbose_name="from")),
                ("ends_at", models.DateTimeField(verbose_name="until")),
                (
                    "code",
                    models.CharField(
                        choices=[
                            ("hardware", "Hardware"),
                            ("network", "Network"),
                            ("power", "Power or cooling"),
                            ("storage", "Storage"),
                            ("maintenance", "Maintenance"),
                            ("software", "Driver or software of the provider"),
                            ("not-usable", "Never usable"),
                            ("cut-short", "Ended early without a reason"),
                            ("other", "Other"),
                        ],
                        max_length=16,
                        verbose_name="reason",
                    ),
                ),
                ("detail", models.CharField(blank=True, max_length=500, verbose_name="detail")),
                ("reported_at", models.DateTimeField(verbose_name="reported at")),
                ("answer", models.CharField(blank=True, max_length=500, verbose_name="the provider's answer")),
                ("answered_at", models.DateTimeField(null=True, verbose_name="answered at")),
                ("decision", models.CharField(blank=True, max_length=500, verbose_name="the operator's decision")),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
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
                    "reported_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "reservation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="downtimes", to="market.reservation"
                    ),
                ),
            ],
            options={
                "verbose_name": "downtime",
                "verbose_name_plural": "downtimes",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("ends_at__gt", models.F("starts_at"))), name="downtime_not_empty"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("status__in", ["claimed", "accepted", "contested", "dismissed"])),
                        name="downtime_status_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            (
                                "code__in",
                                [
                                    "hardware",
                                    "network",
                                    "power",
                                    "storage",
                                    "maintenance",
                                    "software",
                                    "not-usable",
                                    "cut-short",
                                    "other",
                                ],
                            )
                        ),
                        name="downtime_code_known",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "contested"), _negated=True),
                            models.Q(("answered_at__isnull", False), models.Q(("answer", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="downtime_contested_has_answer",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("status", "dismissed"), _negated=True),
                            models.Q(("decided_at__isnull", False), models.Q(("decision", ""), _negated=True)),
                            _connector="OR",
                        ),
                        name="downtime_dismissed_has_decision",
                    ),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("status", "claimed")), fields=["reported_at"], name="downtime_unanswered"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Reputation",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("as_of", models.DateField(verbose_name="as of")),
                ("observations", models.PositiveIntegerField(verbose_name="reservations")),
                ("promised_ms", models.PositiveBigIntegerField(verbose_name="promised (accelerator-milliseconds)")),
                ("delivered_ms", models.PositiveBigIntegerField(verbose_name="delivered (accelerator-milliseconds)")),
                ("starts", models.PositiveIntegerField(verbose_name="handovers measured")),
                ("start_delay_ms", models.PositiveBigIntegerField(verbose_name="total delay of the handovers (ms)")),
                ("interruptions", models.PositiveIntegerField(verbose_name="interruptions")),
                ("failures", models.PositiveIntegerField(verbose_name="failures")),
                ("disputes_upheld", models.PositiveIntegerField(verbose_name="disputes upheld")),
                (
                    "offering",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reputations",
                        to="market.offering",
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="reputations",
                        to="accounts.organization",
                    ),
                ),
            ],
            options={
                "verbose_name": "reputation",
                "verbose_name_plural": "reputations",
                "constraints": [
                    models.UniqueConstraint(
                        fields=("provider", "offering", "as_of"), name="reputation_once_a_day", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(("delivered_ms__lte", models.F("promised_ms"))),
                        name="reputation_delivers_what_was_promised",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ReservationAccess",
            fields=[
                (
                    "reservation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT,
                        primary_key=True,
                        related_name="access",
                        serialize=False,
                        to="market.reservation",
                    ),
                ),
                ("sealed", models.BinaryField()),
                ("reported_at", models.DateTimeField(verbose_name="reported at")),
            ],
            options={
                "verbose_name": "access details",
                "verbose_name_plural": "access details",
            },
        ),
        migrations.CreateModel(
            name="ReservationEvent",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("at", models.DateTimeField(verbose_name="at")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("claimed", "Preparation began"),
                            ("access", "Access was reported"),
                            ("started", "Use began"),
                            ("confirmed", "The buyer confirmed access"),
                            ("extended", "Extended"),
                            ("stopped", "Over"),
                        ],
                        max_length=16,
                        verbose_name="step",
                    ),
                ),
                (
                    "old_status",
                    models.CharField(
                        choices=[
                            ("held", "Held"),
                            ("provisioning", "Being prepared"),
                            ("active", "Active"),
                            ("ended", "Ended"),
                            ("interrupted", "Interrupted"),
                            ("failed", "Failed"),
                            ("released", "Released"),
                        ],
                        max_length=16,
                        verbose_name="from",
                    ),
                ),
                (
                    "new_status",
                    models.CharField(
                        choices=[
                            ("held", "Held"),
                            ("provisioning", "Being prepared"),
                            ("active", "Active"),
                            ("ended", "Ended"),
                            ("interrupted", "Interrupted"),
                            ("failed", "Failed"),
                            ("released", "Released"),
                        ],
                        max_length=16,
                        verbose_name="to",
                    ),
                ),
                ("code", models.CharField(blank=True, max_length=24, verbose_name="reason")),
                ("detail", models.CharField(blank=True, max_length=500, verbose_name="detail")),
                (
                    "key",
                    models.ForeignKey(
                        null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.apikey"
                    ),
                ),
                (
                    "organization",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="accounts.organization",
                    ),
                ),
                (
                    "reservation",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="events", to="market.reservation"
                    ),
                ),
                (
                    "user",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "reservation event",
                "verbose_name_plural": "reservation events",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(
                            ("kind__in", ["claimed", "access", "started", "confirmed", "extended", "stopped"])
                        ),
                        name="reservation_event_kind_known",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Review",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("stars", models.PositiveSmallIntegerField(verbose_name="stars")),
                ("text", models.CharField(blank=True, max_length=2000, verbose_name="text")),
                ("written_at", models.DateTimeField(verbose_name="written at")),
                ("answer", models.CharField(blank=True, max_length=2000, verbose_name="the provider's answer")),
                ("answered_at", models.DateTimeField(null=True, verbose_name="answered at")),
                ("hidden_at", models.DateTimeField(null=True, verbose_name="hidden at")),
                ("hidden_reason", models.CharField(blank=True, max_length=300, verbose_name="hidden because")),
                (
                    "author",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "offering",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="reviews", to="market.offering"
                    ),
                ),
                (
                    "provider",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="+", to="accounts.organization"
                    ),
                ),
                (
                    "reservation",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="review", to="market.reservation"
                    ),
                ),
            ],
            options={
                "verbose_name": "review",
                "verbose_name_plural": "reviews",
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("stars__gte", 1), ("stars__lte", 5)), name="review_stars_in_range"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("answer", ""), ("answered_at", None)),
                            models.Q(models.Q(("answer", ""), _negated=True), ("answered_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="review_answer_has_time",
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            models.Q(("hidden_at", None), ("hidden_reason", "")),
                            models.Q(models.Q(("hidden_reason", ""), _negated=True), ("hidden_at__isnull", False)),
                            _connector="OR",
                        ),
                        name="review_hidden_has_reason",
                    ),
                ],
                "indexes": [
                    models.Index(fields=["offering", "-written_at"], name="review_by_offering"),
                ],
            },
        ),
        migrations.RemoveConstraint(
            model_name="order",
            name="order_status_known",
        ),
        migrations.RemoveConstraint(
            model_name="reservation",
            name="reservation_status_known",
        ),
        migrations.AddField(
            model_name="offering",
            name="handover",
            field=models.CharField(
                choices=[
                    ("clock", "Usable from the start without a report"),
                    ("reported", "The provider reports access in time, or has failed"),
                ],
                db_default="clock",
                default="clock",
                max_length=16,
                verbose_name="handover",
            ),
        ),
        migrations.AddField(
            model_name="offering",
            name="reliability_bp",
            field=models.PositiveIntegerField(editable=False, null=True, verbose_name="reliability (basis points)"),
        ),
        migrations.AddField(
            model_name="reservation",
            name="access_at",
            field=models.DateTimeField(null=True, verbose_name="usable from"),
        ),
        migrations.AddField(
            model_name="reservation",
            name="confirmed_at",
            field=models.DateTimeField(null=True, verbose_name="access confirmed at"),
        ),
        migrations.AddField(
            model_name="reservation",
            name="handover",
            field=models.CharField(
                choices=[
                    ("clock", "Usable from the start without a report"),
                    ("reported", "The provider reports access in time, or has failed"),
                ],
                db_default="clock",
                default="clock",
                max_length=16,
                verbose_name="handover",
            ),
        ),
        migrations.AddField(
            model_name="reservation",
            name="stop_code",
            field=models.CharField(
                blank=True,
                choices=[
                    ("completed", "Its time was over"),
                    ("finished", "The work was done early"),
                    ("cancelled", "Cancelled before the start"),
                    ("gave-up", "The buyer stopped waiting"),
                    ("reclaimed", "Taken back as agreed"),
                    ("force-majeure", "Force majeure"),
                    ("not-provisioned", "Not handed over in time"),
                    ("no-capacity", "The cards are not there"),
                    ("hardware-fault", "Hardware fault"),
                    ("network-fault", "Network fault"),
                    ("site-fault", "Power or cooling of the site"),
                    ("not-usable", "Handed over but not usable"),
                    ("buyer-breach", "The buyer broke the terms"),
                    ("buyer-no-credentials", "The buyer gave no key or data"),
                ],
                db_default="",
                default="",
                max_length=24,
                verbose_name="reason",
            ),
        ),
        migrations.AddField(
            model_name="reservation",
            name="stopped_at",
            field=models.DateTimeField(null=True, verbose_name="over at"),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(
                condition=models.Q(("status", "provisioning")), fields=["starts_at"], name="reservation_to_hand_over"
            ),
        ),
        migrations.AddIndex(
            model_name="reservation",
            index=models.Index(
                condition=models.Q(("stopped_at__isnull", False)), fields=["stopped_at"], name="reservation_stopped"
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(("handover__in", ["clock", "reported"])), name="offering_handover_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="offering",
            constraint=models.CheckConstraint(
                condition=models.Q(("reliability_bp", None), ("reliability_bp__lte", 10000), _connector="OR"),
                name="offering_reliability_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="order",
            constraint=models.CheckConstraint(
                condition=models.Q(("status__in", ["open", "matched", "completed", "cancelled", "expired", "failed"])),
                name="order_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("status__in", ["held", "provisioning", "active", "ended", "interrupted", "failed", "released"])
                ),
                name="reservation_status_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("handover__in", ["clock", "reported"])), name="reservation_handover_known"
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(
                        ("status__in", ("ended", "interrupted", "failed", "released")),
                        (
                            "stop_code__in",
                            [
                                "completed",
                                "finished",
                                "cancelled",
                                "gave-up",
                                "reclaimed",
                                "force-majeure",
                                "not-provisioned",
                                "no-capacity",
                                "hardware-fault",
                                "network-fault",
                                "site-fault",
                                "not-usable",
                                "buyer-breach",
                                "buyer-no-credentials",
                            ],
                        ),
                        ("stopped_at__isnull", False),
                    ),
                    models.Q(
                        models.Q(("status__in", ("ended", "interrupted", "failed", "released")), _negated=True),
                        ("stop_code", ""),
                        ("stopped_at", None),
                    ),
                    _connector="OR",
                ),
                name="reservation_over_has_reason",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status__in", ["active", "ended", "interrupted"]), _negated=True),
                    ("access_at__isnull", False),
                    _connector="OR",
                ),
                name="reservation_used_has_access",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("access_at", None), ("access_at__gte", models.F("starts_at")), _connector="OR"),
                name="reservation_access_after_start",
            ),
        ),
        migrations.AddConstraint(
            model_name="reservation",
            constraint=models.CheckConstraint(
                condition=models.Q(("stopped_at", None), ("stopped_at__lte", models.F("ends_at")), _connector="OR"),
                name="reservation_stops_by_its_end",
            ),
        ),
        append_only("market_reservationevent"),
        *(never_deleted(table) for table in ["market_downtime", "market_review", "market_reputation"]),
        *(only_moves(table, moves) for table, moves in MOVES.items()),
    ]
