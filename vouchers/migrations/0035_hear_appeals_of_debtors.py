"""Hear appeals against decided clawbacks: nothing is enforced meanwhile, and what is remitted is given back."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models
from django.db.models import F, Q

import core.fields
import core.ids
from core.triggers import append_only, never_deleted

PROTECT = django.db.models.deletion.PROTECT
WITHOUT_REPAYMENTS = F("principal_fen") + F("interest_fen") - F("offset_fen") - F("remitted_fen") + F("restored_fen")
STATUSES = [
    "suspected", "hold_placed", "notice_sent", "responded", "upheld", "dismissed", "demanded", "recovered", "referred",
]  # fmt: skip

OWED_BEFORE = "owing.principal_fen + owing.interest_fen - owing.recovered_fen - owing.offset_fen"
OWED = OWED_BEFORE + " - owing.remitted_fen + owing.restored_fen"


def judging(*, owed: str, suspended: str, dropped: str) -> str:
    """Return what judges offsets, recoveries and what cases are about, by what counts as owed, suspended, dropped."""
    return f"""
CREATE OR REPLACE FUNCTION voucher_offset_judge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owing record;
BEGIN
    SELECT * INTO owing FROM vouchers_clawback WHERE id = NEW.clawback_id FOR NO KEY UPDATE;
    IF owing.status NOT IN ('demanded', 'referred') OR {suspended}
        OR {owed} < voucher_reserved_offsets(owing.id) + NEW.amount_fen
        OR NOT EXISTS (
            SELECT FROM vouchers_payment payment
            JOIN vouchers_paymentbatch batch ON batch.id = payment.batch_id
            JOIN vouchers_grant granted ON granted.id = owing.grant_id
            JOIN vouchers_programme programme ON programme.id = granted.programme_id
            WHERE payment.id = NEW.payment_id AND payment.status = 'waiting' AND payment.payee_id = owing.debtor_id
              AND programme.authority_id = batch.authority_id
        )
    THEN
        RAISE EXCEPTION 'no more is set off than the payee owes the authority'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_offset_within_what_is_owed';
    END IF;
    RETURN NEW;
END $$;

CREATE OR REPLACE FUNCTION voucher_recovery_fold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owing record;
BEGIN
    UPDATE vouchers_clawback SET
        recovered_fen = recovered_fen + CASE NEW.kind WHEN 'repayment' THEN NEW.amount_fen ELSE 0 END,
        offset_fen = offset_fen + CASE NEW.kind WHEN 'offset' THEN NEW.amount_fen ELSE 0 END
    WHERE id = NEW.clawback_id AND status IN ('demanded', 'referred')
    RETURNING * INTO owing;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'nothing is owed'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_recovery_of_a_demand';
    END IF;
    IF voucher_reserved_offsets(owing.id) > greatest({owed}, 0) THEN
        RAISE EXCEPTION 'a payment withholds this already'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_recovery_beside_offsets';
    END IF;
    RETURN NULL;
END $$;

CREATE OR REPLACE FUNCTION voucher_clawback_item_judge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    paid bigint;
    taken bigint;
    known text;
    fits boolean;
BEGIN
    SELECT redemption.captured_fen - redemption.refunded_fen INTO paid
    FROM vouchers_capture capture JOIN vouchers_redemption redemption ON redemption.id = capture.redemption_id
    WHERE capture.id = NEW.capture_id FOR NO KEY UPDATE OF redemption;
    SELECT coalesce(sum(item.amount_fen), 0) INTO taken
    FROM vouchers_clawbackitem item
    JOIN vouchers_clawback clawback ON clawback.id = item.clawback_id AND clawback.status NOT IN ({dropped})
    JOIN vouchers_capture capture ON capture.id = item.capture_id
    WHERE capture.redemption_id = (SELECT redemption_id FROM vouchers_capture WHERE id = NEW.capture_id);
    SELECT clawback.status, NEW.amount_fen + coalesce((
        SELECT sum(item.amount_fen) FROM vouchers_clawbackitem item JOIN vouchers_clawback other
            ON other.id = item.clawback_id AND other.status NOT IN ({dropped})
        WHERE item.capture_id = NEW.capture_id
    ), 0) <= capture.amount_fen AND redemption.grant_id = clawback.grant_id INTO known, fits
    FROM vouchers_clawback clawback, vouchers_capture capture
    JOIN vouchers_redemption redemption ON redemption.id = capture.redemption_id
    WHERE clawback.id = NEW.clawback_id AND capture.id = NEW.capture_id;
    IF NOT fits OR taken + NEW.amount_fen > paid OR known NOT IN ('suspected', 'hold_placed') THEN
        RAISE EXCEPTION 'no more is taken back than was paid, and nothing after the notice'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_item_within_what_was_paid';
    END IF;
    RETURN NEW;
END $$;
"""  # noqa: S608 - no input


def course(*, more_moves: str, more_facts: str) -> str:
    """Return the triggers that keep a clawback's course, with moves and facts beside those that there always were."""
    facts = [f"{row}.recovered_fen, {row}.offset_fen" + more_facts.format(row=row) for row in ("OLD", "NEW")]
    return f"""
CREATE OR REPLACE TRIGGER vouchers_clawback_moves BEFORE UPDATE OF status ON vouchers_clawback
FOR EACH ROW WHEN (
    OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN (
        'suspected hold_placed', 'suspected dismissed', 'hold_placed notice_sent', 'hold_placed dismissed',
        'notice_sent responded', 'notice_sent upheld', 'notice_sent dismissed', 'responded upheld', 'responded dismissed',
        'upheld demanded', 'demanded recovered', 'demanded referred', 'referred recovered'{more_moves}
    )
)
EXECUTE FUNCTION voucher_refuse('a clawback takes its course');

CREATE OR REPLACE TRIGGER clawback_folded_by_facts BEFORE UPDATE ON vouchers_clawback
FOR EACH ROW WHEN (({facts[0]}) IS DISTINCT FROM ({facts[1]}) AND pg_trigger_depth() = 0)
EXECUTE FUNCTION voucher_refuse('only recoveries and appeals count');
"""


MOVES = ", 'demanded quashed', 'referred quashed', 'recovered quashed'"
FACTS = ", {row}.remitted_fen, {row}.restored_fen, {row}.suspended_at"
JUDGE = (
    judging(owed=OWED, suspended="owing.suspended_at IS NOT NULL", dropped="'dismissed', 'quashed'")
    + course(more_moves=MOVES, more_facts=FACTS)
    + """
CREATE TRIGGER clawback_appeal_until_stays BEFORE UPDATE ON vouchers_clawback
FOR EACH ROW WHEN (OLD.appeal_until IS NOT NULL AND OLD.appeal_until IS DISTINCT FROM NEW.appeal_until)
EXECUTE FUNCTION voucher_refuse('the time to appeal stays');
"""
)
UNJUDGE = (
    "DROP TRIGGER clawback_appeal_until_stays ON vouchers_clawback;"
    + judging(owed=OWED_BEFORE, suspended="false", dropped="'dismissed'")
    + course(more_moves="", more_facts="")
)

# An appeal locks its case, so that a payment that would set off sees that it waits, and two people who decide see each other.
APPEALS = """
CREATE FUNCTION voucher_appeal_enter() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owing record;
    said record;
BEGIN
    SELECT * INTO owing FROM vouchers_clawback WHERE id = NEW.clawback_id FOR NO KEY UPDATE;
    SELECT * INTO said FROM vouchers_clawbackanswer WHERE id = NEW.statement_id;
    IF (owing.status IN ('demanded', 'referred', 'recovered') AND said.clawback_id = owing.id
        AND said.answered_at < owing.appeal_until AND NEW.outcome = '') IS NOT TRUE
    THEN
        RAISE EXCEPTION 'an appeal comes in time, against a decision'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_appeal_in_time';
    END IF;
    UPDATE vouchers_clawback SET suspended_at = said.answered_at WHERE id = owing.id;
    RETURN NEW;
END $$;

CREATE TRIGGER clawback_appeal_in_time BEFORE INSERT ON vouchers_clawbackappeal
FOR EACH ROW EXECUTE FUNCTION voucher_appeal_enter();

CREATE TRIGGER clawback_appeal_decided_once BEFORE UPDATE ON vouchers_clawbackappeal
FOR EACH ROW WHEN (
    OLD.decided_at IS NOT NULL
    OR (OLD.id, OLD.created_at, OLD.clawback_id, OLD.statement_id)
    IS DISTINCT FROM (NEW.id, NEW.created_at, NEW.clawback_id, NEW.statement_id)
)
EXECUTE FUNCTION voucher_refuse('an appeal is decided once');

CREATE FUNCTION voucher_remission_judge() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM vouchers_clawbackappeal appeal
        JOIN vouchers_clawbackitem item ON item.clawback_id = appeal.clawback_id
        JOIN vouchers_capture capture ON capture.id = item.capture_id
        WHERE appeal.id = NEW.appeal_id AND appeal.decided_at IS NULL AND capture.redemption_id = NEW.redemption_id
    ) THEN
        RAISE EXCEPTION 'an appeal remits what its case took back'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_remission_of_the_case';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER clawback_remission_of_the_case BEFORE INSERT ON vouchers_clawbackremission
FOR EACH ROW EXECUTE FUNCTION voucher_remission_judge();

CREATE FUNCTION voucher_appeal_fold() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    owing record;
    parts bigint;
    remitted bigint := NEW.remitted_principal_fen + NEW.remitted_interest_fen;
BEGIN
    SELECT * INTO owing FROM vouchers_clawback WHERE id = NEW.clawback_id FOR NO KEY UPDATE;
    IF NEW.decided_by_id IN (owing.raised_by_id, owing.notified_by_id, owing.decided_by_id) OR EXISTS (
        SELECT FROM vouchers_clawbackanswer WHERE id = NEW.statement_id AND answered_by_id = NEW.decided_by_id
    ) THEN
        RAISE EXCEPTION 'somebody else decides on an appeal'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_appeal_decided_by_another';
    END IF;
    IF remitted > 0 AND voucher_reserved_offsets(owing.id) > 0 THEN
        RAISE EXCEPTION 'a payment withholds what would be remitted'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_appeal_beside_offsets';
    END IF;
    SELECT coalesce(sum(amount_fen), 0) INTO parts FROM vouchers_clawbackremission WHERE appeal_id = NEW.id;
    IF parts <> NEW.remitted_principal_fen OR NEW.remitted_interest_fen > owing.interest_fen
        OR NEW.outcome = 'reduced' AND NEW.remitted_principal_fen >= owing.principal_fen
        OR NEW.outcome = 'quashed' AND remitted <> owing.principal_fen + owing.interest_fen
    THEN
        RAISE EXCEPTION 'an appeal remits its parts, and what it quashes wholly'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_appeal_is_sum_of_parts';
    END IF;
    WITH standing AS (
        SELECT redemption.id, part.amount_fen AS fen FROM vouchers_clawbackremission part
        JOIN vouchers_redemption redemption ON redemption.id = part.redemption_id
        WHERE part.appeal_id = NEW.id ORDER BY redemption.id FOR NO KEY UPDATE OF redemption
    )
    UPDATE vouchers_redemption redemption SET clawed_back_fen = redemption.clawed_back_fen - standing.fen
    FROM standing WHERE standing.id = redemption.id;
    UPDATE vouchers_clawback SET suspended_at = NULL, remitted_fen = remitted, restored_fen = greatest(
        recovered_fen + offset_fen + remitted - principal_fen - interest_fen, 0
    ) WHERE id = owing.id;
    RETURN NULL;
END $$;

CREATE TRIGGER clawback_appeal_is_sum_of_parts AFTER UPDATE ON vouchers_clawbackappeal
FOR EACH ROW WHEN (OLD.decided_at IS NULL AND NEW.decided_at IS NOT NULL) EXECUTE FUNCTION voucher_appeal_fold();

CREATE FUNCTION voucher_restitution_judge() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    restored bigint;
    given bigint;
BEGIN
    SELECT restored_fen INTO restored FROM vouchers_clawback WHERE id = NEW.clawback_id FOR NO KEY UPDATE;
    SELECT coalesce(sum(amount_fen), 0) INTO given FROM vouchers_clawbackrestitution WHERE clawback_id = NEW.clawback_id;
    IF given + NEW.amount_fen > restored THEN
        RAISE EXCEPTION 'no more is given back than an appeal says'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_restitution_within_what_is_owed';
    END IF;
    IF EXISTS (
        SELECT FROM vouchers_clawbackappeal WHERE clawback_id = NEW.clawback_id AND decided_by_id = NEW.recorded_by_id
    ) THEN
        RAISE EXCEPTION 'nobody pays what they have decided'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'clawback_restitution_by_another';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER clawback_restitution_within_what_is_owed BEFORE INSERT ON vouchers_clawbackrestitution
FOR EACH ROW EXECUTE FUNCTION voucher_restitution_judge();

CREATE FUNCTION voucher_batch_suspension() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM vouchers_payment payment JOIN vouchers_paymentoffset part ON part.payment_id = payment.id
        JOIN vouchers_clawback clawback ON clawback.id = part.clawback_id
        WHERE payment.batch_id = NEW.id AND clawback.suspended_at IS NOT NULL
    ) THEN
        RAISE EXCEPTION 'nothing is set off while an appeal waits'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'payment_offset_not_suspended';
    END IF;
    RETURN NEW;
END $$;

CREATE TRIGGER payment_offset_not_suspended BEFORE UPDATE ON vouchers_paymentbatch
FOR EACH ROW WHEN (OLD.released_by_id IS NULL AND NEW.released_by_id IS NOT NULL)
EXECUTE FUNCTION voucher_batch_suspension();
"""

UNAPPEALS = """
DROP TRIGGER payment_offset_not_suspended ON vouchers_paymentbatch;
DROP FUNCTION voucher_batch_suspension();
DROP TRIGGER clawback_restitution_within_what_is_owed ON vouchers_clawbackrestitution;
DROP FUNCTION voucher_restitution_judge();
DROP TRIGGER clawback_appeal_is_sum_of_parts ON vouchers_clawbackappeal;
DROP FUNCTION voucher_appeal_fold();
DROP TRIGGER clawback_remission_of_the_case ON vouchers_clawbackremission;
DROP FUNCTION voucher_remission_judge();
DROP TRIGGER clawback_appeal_decided_once ON vouchers_clawbackappeal;
DROP TRIGGER clawback_appeal_in_time ON vouchers_clawbackappeal;
DROP FUNCTION voucher_appeal_enter();
"""

# Who was decided on before anybody could appeal has the same time: ten working days are at most fifteen days of Shanghai.
TIME = """
UPDATE vouchers_clawback SET appeal_until =
    ((demanded_at AT TIME ZONE 'Asia/Shanghai')::date + 15)::timestamp AT TIME ZONE 'Asia/Shanghai'
WHERE status IN ('demanded', 'referred', 'recovered');
"""


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0009_saved_views"),
        ("ledger", "0007_judge_holds_where_they_reserve"),
        ("vouchers", "0034_end_with_a_fixed_day_or_unused"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        *(
            migrations.RemoveConstraint(model_name="clawback", name=name)
            for name in ("clawback_status_known", "clawback_recovered_within_demand", "clawback_recovered_whole")
        ),
        migrations.AddField(
            model_name="clawback",
            name="appeal_until",
            field=models.DateTimeField(null=True, verbose_name="appeal until"),
        ),
        migrations.AddField(
            model_name="clawback",
            name="remitted_fen",
            field=core.fields.FenField(
                db_default=0, editable=False, verbose_name="no longer demanded after an appeal (fen)"
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="restored_fen",
            field=core.fields.FenField(
                db_default=0, editable=False, verbose_name="to be given back after an appeal (fen)"
            ),
        ),
        migrations.AddField(
            model_name="clawback",
            name="suspended_at",
            field=models.DateTimeField(editable=False, null=True, verbose_name="not enforced since"),
        ),
        *(
            migrations.AddConstraint(
                model_name="clawback", constraint=models.CheckConstraint(condition=condition, name=name)
            )
            for name, condition in (
                ("clawback_status_known", Q(status__in=[*STATUSES, "quashed"])),
                (
                    "clawback_recovered_within_demand",
                    Q(recovered_fen__gte=0, offset_fen__gte=0) & Q(recovered_fen__lte=WITHOUT_REPAYMENTS),
                ),
                (
                    "clawback_recovered_whole",
                    ~Q(status="recovered") | Q(recovered_fen=WITHOUT_REPAYMENTS, closed_at__isnull=False),
                ),
                (
                    "clawback_remitted_within_demand",
                    Q(remitted_fen__gte=0, remitted_fen__lte=F("principal_fen") + F("interest_fen"))
                    & Q(restored_fen__gte=0, restored_fen__lte=F("recovered_fen") + F("offset_fen")),
                ),
                (
                    "clawback_quashed_whole",
                    ~Q(status="quashed")
                    | Q(
                        remitted_fen=F("principal_fen") + F("interest_fen"),
                        recovered_fen=WITHOUT_REPAYMENTS,
                        closed_at__isnull=False,
                    ),
                ),
            )
        ),
        migrations.CreateModel(
            name="ClawbackAppeal",
            fields=[
                ("id", models.UUIDField(default=core.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                (
                    "clawback",
                    models.OneToOneField(on_delete=PROTECT, related_name="appeal", to="vouchers.clawback"),
                ),
                (
                    "statement",
                    models.OneToOneField(on_delete=PROTECT, related_name="appeal", to="vouchers.clawbackanswer"),
                ),
                (
                    "outcome",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("upheld", "The decision stands"),
                            ("reduced", "Less is demanded"),
                            ("quashed", "The decision is quashed"),
                        ],
                        max_length=8,
                        verbose_name="outcome",
                    ),
                ),
                ("reason", models.TextField(blank=True, verbose_name="reason")),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="decided by",
                    ),
                ),
                ("decided_at", models.DateTimeField(null=True, verbose_name="decided at")),
                ("calculation", models.JSONField(default=dict, editable=False, verbose_name="calculation")),
                (
                    "remitted_principal_fen",
                    core.fields.FenField(default=0, verbose_name="principal no longer demanded (fen)"),
                ),
                (
                    "remitted_interest_fen",
                    core.fields.FenField(default=0, verbose_name="interest no longer demanded (fen)"),
                ),
            ],
            options={
                "verbose_name": "appeal against a clawback",
                "verbose_name_plural": "appeals against clawbacks",
                "constraints": [
                    models.CheckConstraint(
                        condition=Q(outcome="", decided_by=None, decided_at=None, remitted_principal_fen=0)
                        | Q(
                            outcome__in=["upheld", "reduced", "quashed"],
                            decided_by__isnull=False,
                            decided_at__isnull=False,
                        )
                        & ~Q(reason=""),
                        name="clawback_appeal_decided_with_a_reason",
                    ),
                    models.CheckConstraint(
                        condition=Q(outcome__in=["", "upheld"], remitted_principal_fen=0, remitted_interest_fen=0)
                        | Q(outcome="reduced", remitted_principal_fen__gt=0, remitted_interest_fen__gte=0)
                        | Q(outcome="quashed", remitted_principal_fen__gte=0, remitted_interest_fen__gte=0),
                        name="clawback_appeal_remits_what_it_says",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClawbackRemission",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "appeal",
                    models.ForeignKey(on_delete=PROTECT, related_name="remissions", to="vouchers.clawbackappeal"),
                ),
                ("redemption", models.ForeignKey(on_delete=PROTECT, related_name="+", to="vouchers.redemption")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
            ],
            options={
                "verbose_name": "remission",
                "verbose_name_plural": "remissions",
                "constraints": [
                    models.UniqueConstraint(fields=["appeal", "redemption"], name="clawback_remission_once"),
                    models.CheckConstraint(condition=Q(amount_fen__gt=0), name="clawback_remission_positive"),
                ],
            },
        ),
        migrations.CreateModel(
            name="ClawbackRestitution",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                (
                    "clawback",
                    models.ForeignKey(on_delete=PROTECT, related_name="restitutions", to="vouchers.clawback"),
                ),
                ("reference", models.CharField(max_length=80, verbose_name="reference")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
                (
                    "recorded_by",
                    models.ForeignKey(on_delete=PROTECT, related_name="+", to=settings.AUTH_USER_MODEL),
                ),
                ("paid_at", models.DateTimeField(verbose_name="paid at")),
            ],
            options={
                "verbose_name": "restitution",
                "verbose_name_plural": "restitutions",
                "constraints": [
                    models.UniqueConstraint(fields=["clawback", "reference"], name="clawback_restitution_once"),
                    models.CheckConstraint(condition=Q(amount_fen__gt=0), name="clawback_restitution_positive"),
                ],
            },
        ),
        migrations.RunSQL(JUDGE, UNJUDGE),
        migrations.RunSQL(APPEALS, UNAPPEALS),
        never_deleted("vouchers_clawbackappeal"),
        append_only("vouchers_clawbackremission"),
        append_only("vouchers_clawbackrestitution"),
        migrations.RunSQL(TIME, migrations.RunSQL.noop),
    ]
