"""Log every movement of voucher value: triggers on the ledger write it down, a sweep gives it its place."""

import core.fields
import django.contrib.postgres.fields
import django.db.models.deletion
from django.db import migrations, models

from core.triggers import append_only, never_deleted

# A movement takes its number after the balance it moves is locked, so that numbers follow what happened to that balance: the
# triggers run after the ledger's own, whose names come first in the alphabet.
MOVE = """
ALTER TABLE vouchers_movement DROP CONSTRAINT vouchers_movement_pkey;

-- The redemption that a hold is for, by the hold's key; nothing if the key only looks like one.
CREATE FUNCTION voucher_redemption_id(key text) RETURNS uuid LANGUAGE sql IMMUTABLE
RETURN CASE WHEN key ~ '^redemption/[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$' THEN substr(key, 12)::uuid END;

CREATE FUNCTION voucher_hold_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO vouchers_movement (kind, source_id, amount_fen) VALUES ('hold', NEW.id, NEW.amount_fen);
    RETURN NULL;
END $$;

CREATE TRIGGER voucher_hold_moved AFTER INSERT ON ledger_hold
FOR EACH ROW WHEN (starts_with(NEW.key, 'redemption/')) EXECUTE FUNCTION voucher_hold_moved();

CREATE FUNCTION voucher_hold_released() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO vouchers_movement (kind, source_id, amount_fen)
    SELECT CASE became.status WHEN 'pending' THEN 'shrink' ELSE 'release' END, became.id,
        was.amount_fen - was.captured_fen
        - CASE became.status WHEN 'pending' THEN became.amount_fen - became.captured_fen ELSE 0 END
    FROM was JOIN became USING (id) WHERE starts_with(became.key, 'redemption/') ORDER BY became.id;
    RETURN NULL;
END $$;

CREATE TRIGGER voucher_hold_released AFTER UPDATE ON ledger_hold REFERENCING OLD TABLE AS was NEW TABLE AS became
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0) EXECUTE FUNCTION voucher_hold_released();

CREATE FUNCTION voucher_transfer_moved() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO vouchers_movement (kind, source_id, amount_fen)
    SELECT substr(kind, 9), id, amount_fen FROM opened WHERE starts_with(kind, 'voucher.') ORDER BY id;
    RETURN NULL;
END $$;

CREATE TRIGGER voucher_transfer_moved AFTER INSERT ON ledger_transfer REFERENCING NEW TABLE AS opened
FOR EACH STATEMENT EXECUTE FUNCTION voucher_transfer_moved();
"""

UNMOVE = """
DROP FUNCTION voucher_redemption_id(text);
DROP TRIGGER voucher_transfer_moved ON ledger_transfer;
DROP FUNCTION voucher_transfer_moved();
DROP TRIGGER voucher_hold_released ON ledger_hold;
DROP FUNCTION voucher_hold_released();
DROP TRIGGER voucher_hold_moved ON ledger_hold;
DROP FUNCTION voucher_hold_moved();
"""

# What moved before there was a log. Nobody kept its exact order; told grant by grant and hold by hold it adds up all the
# same, for what is freed within a grant never comes after what needed it.
TELL = """
INSERT INTO vouchers_movement (kind, source_id, amount_fen)
SELECT kind, source_id, amount_fen FROM (
    SELECT NULL::timestamptz AS approved_at, NULL::uuid AS grant_id, 0::bigint AS hold_id, 0 AS step,
        'appropriate' AS kind, id AS source_id, amount_fen
    FROM ledger_transfer WHERE kind = 'voucher.appropriate'
    UNION ALL
    SELECT granted.approved_at, granted.id, 0, 1, 'grant', transfer.id, transfer.amount_fen
    FROM ledger_transfer transfer JOIN vouchers_grant granted ON transfer.key = 'grant/' || granted.id || '/approve'
    UNION ALL
    SELECT granted.approved_at, granted.id, hold.id, told.step, told.kind, told.source_id, told.amount_fen
    FROM ledger_hold hold
    JOIN vouchers_redemption redemption ON redemption.id = voucher_redemption_id(hold.key)
    JOIN vouchers_grant granted ON granted.id = redemption.grant_id
    CROSS JOIN LATERAL (
        SELECT 2 AS step, 'hold' AS kind, hold.id AS source_id, hold.asked_fen AS amount_fen
        UNION ALL
        SELECT 3, 'capture', id, amount_fen FROM ledger_transfer WHERE hold_id = hold.id
        UNION ALL
        SELECT 4, 'release', hold.id, hold.asked_fen - hold.captured_fen WHERE hold.status <> 'pending'
        UNION ALL
        SELECT 5, 'refund', transfer.id, transfer.amount_fen FROM vouchers_refund refund
        JOIN ledger_transfer transfer ON transfer.key = 'refund/' || refund.reference
        WHERE refund.redemption_id = redemption.id
    ) told
    UNION ALL
    SELECT granted.approved_at, granted.id, 9223372036854775807, 6, substr(transfer.kind, 9), transfer.id,
        transfer.amount_fen
    FROM ledger_transfer transfer JOIN vouchers_grant granted ON granted.account_id = ANY (transfer.account_ids)
    WHERE transfer.kind IN ('voucher.lapse', 'voucher.revoke')
) told
ORDER BY approved_at NULLS FIRST, grant_id, hold_id, step, source_id;
"""

GUARD = """
CREATE TRIGGER movement_written_by_the_ledger BEFORE INSERT ON vouchers_movement
FOR EACH STATEMENT WHEN (pg_trigger_depth() = 0)
EXECUTE FUNCTION voucher_refuse('only the ledger moves value');

CREATE TRIGGER movement_kept BEFORE UPDATE OR TRUNCATE ON vouchers_movement
FOR EACH STATEMENT EXECUTE FUNCTION voucher_refuse('a movement stays what it was');

CREATE FUNCTION voucher_movement_leave() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
BEGIN
    IF EXISTS (
        SELECT FROM gone CROSS JOIN vouchers_log log LEFT JOIN vouchers_logentry entry
            ON entry.movement_id = gone.id AND entry.log_id = log.id
        WHERE entry.id IS NULL
    ) OR EXISTS (SELECT FROM gone) AND NOT EXISTS (SELECT FROM vouchers_log) THEN
        RAISE EXCEPTION 'a movement leaves for the log and nowhere else'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'movement_leaves_for_the_log';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER movement_leaves_for_the_log AFTER DELETE ON vouchers_movement REFERENCING OLD TABLE AS gone
FOR EACH STATEMENT EXECUTE FUNCTION voucher_movement_leave();
"""

UNGUARD = """
DROP TRIGGER movement_leaves_for_the_log ON vouchers_movement;
DROP FUNCTION voucher_movement_leave();
DROP TRIGGER movement_kept ON vouchers_movement;
DROP TRIGGER movement_written_by_the_ledger ON vouchers_movement;
"""

GROW = """
CREATE FUNCTION voucher_log_grow() RETURNS trigger LANGUAGE plpgsql
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $$
DECLARE
    grown integer;
BEGIN
    UPDATE vouchers_log log SET size = log.size + part.number
    FROM (
        SELECT log_id, min(seq) AS first, max(seq) AS last, count(*) AS number FROM added GROUP BY log_id
    ) part
    WHERE log.id = part.log_id AND log.size = part.first AND part.last - part.first + 1 = part.number;
    GET DIAGNOSTICS grown = ROW_COUNT;
    IF grown <> (SELECT count(DISTINCT log_id) FROM added) THEN
        RAISE EXCEPTION 'an entry takes the next place of its log'
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'log_entry_takes_the_next_place';
    END IF;
    RETURN NULL;
END $$;

CREATE TRIGGER log_entry_takes_the_next_place AFTER INSERT ON vouchers_logentry REFERENCING NEW TABLE AS added
FOR EACH STATEMENT EXECUTE FUNCTION voucher_log_grow();

CREATE TRIGGER log_starts_empty BEFORE INSERT ON vouchers_log
FOR EACH ROW WHEN (NEW.size <> 0) EXECUTE FUNCTION voucher_refuse('a log starts empty');

CREATE TRIGGER log_grows_by_entries BEFORE UPDATE ON vouchers_log
FOR EACH ROW WHEN (
    (OLD.id, OLD.algorithm, OLD.origin) IS DISTINCT FROM (NEW.id, NEW.algorithm, NEW.origin)
    OR OLD.size <> NEW.size AND pg_trigger_depth() = 0
)
EXECUTE FUNCTION voucher_refuse('a log stays what it is, and grows by its entries');

CREATE TRIGGER commitment_kept BEFORE UPDATE ON vouchers_commitment
FOR EACH STATEMENT EXECUTE FUNCTION voucher_refuse('a commitment stays what it was');
"""

UNGROW = """
DROP TRIGGER commitment_kept ON vouchers_commitment;
DROP TRIGGER log_grows_by_entries ON vouchers_log;
DROP TRIGGER log_starts_empty ON vouchers_log;
DROP TRIGGER log_entry_takes_the_next_place ON vouchers_logentry;
DROP FUNCTION voucher_log_grow();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("vouchers", "0006_hold_in_one_trip"),
    ]

    operations = [
        migrations.CreateModel(
            name="Movement",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("kind", models.CharField(max_length=16, verbose_name="kind")),
                ("source_id", models.BigIntegerField(verbose_name="hold or transfer")),
                ("amount_fen", core.fields.FenField(verbose_name="amount (fen)")),
            ],
            options={
                "verbose_name": "movement",
                "verbose_name_plural": "movements",
            },
        ),
        migrations.CreateModel(
            name="Commitment",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("subject_id", models.UUIDField(verbose_name="subject")),
                ("salt", models.BinaryField(verbose_name="salt")),
                ("digest", models.CharField(max_length=64, verbose_name="commitment")),
            ],
            options={
                "verbose_name": "commitment",
                "verbose_name_plural": "commitments",
                "constraints": [models.UniqueConstraint(fields=("subject_id",), name="commitment_subject_once")],
            },
        ),
        migrations.CreateModel(
            name="Log",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "algorithm",
                    models.CharField(
                        choices=[("sha256", "SHA-256"), ("sm3", "SM3")], max_length=8, verbose_name="hash"
                    ),
                ),
                ("origin", models.CharField(max_length=120, verbose_name="origin")),
                ("size", models.BigIntegerField(default=0, verbose_name="entries")),
                (
                    "peaks",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BinaryField(), default=list, size=None, verbose_name="peaks"
                    ),
                ),
            ],
            options={
                "verbose_name": "log",
                "verbose_name_plural": "logs",
                "constraints": [
                    models.UniqueConstraint(fields=("algorithm",), name="log_algorithm_once"),
                    models.UniqueConstraint(fields=("origin",), name="log_origin_once"),
                    models.CheckConstraint(
                        condition=models.Q(("algorithm__in", ["sha256", "sm3"])), name="log_algorithm_known"
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="Checkpoint",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("size", models.BigIntegerField(verbose_name="entries")),
                ("root", models.BinaryField(verbose_name="root")),
                ("note", models.TextField(verbose_name="signed note")),
                ("signed_at", models.DateTimeField(verbose_name="signed at")),
                (
                    "log",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="checkpoints",
                        to="vouchers.log",
                    ),
                ),
            ],
            options={
                "verbose_name": "checkpoint",
                "verbose_name_plural": "checkpoints",
                "constraints": [
                    models.UniqueConstraint(fields=("log", "size"), name="checkpoint_size_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="LogEntry",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("seq", models.BigIntegerField(verbose_name="place")),
                ("kind", models.CharField(max_length=16, verbose_name="kind")),
                ("movement_id", models.BigIntegerField(null=True, verbose_name="movement")),
                ("grant_id", models.UUIDField(null=True, verbose_name="grant")),
                ("redemption_id", models.UUIDField(null=True, verbose_name="redemption")),
                ("payload", models.BinaryField(verbose_name="payload")),
                ("leaf_hash", models.BinaryField(verbose_name="leaf hash")),
                ("logged_at", models.DateTimeField(verbose_name="logged at")),
                (
                    "log",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="entries",
                        to="vouchers.log",
                    ),
                ),
            ],
            options={
                "verbose_name": "log entry",
                "verbose_name_plural": "log entries",
                "constraints": [
                    models.UniqueConstraint(fields=("log", "seq"), name="log_entry_place_once"),
                    models.UniqueConstraint(fields=("movement_id", "log"), name="log_entry_movement_once"),
                    models.CheckConstraint(condition=models.Q(("seq__gte", 0)), name="log_entry_place_from_zero"),
                ],
                "indexes": [
                    models.Index(
                        condition=models.Q(("grant_id__isnull", False)), fields=["grant_id"], name="log_entry_by_grant"
                    ),
                    models.Index(
                        condition=models.Q(("redemption_id__isnull", False)),
                        fields=["redemption_id"],
                        name="log_entry_by_redemption",
                    ),
                ],
            },
        ),
        migrations.CreateModel(
            name="LogNode",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("level", models.SmallIntegerField()),
                ("place", models.BigIntegerField()),
                ("digest", models.BinaryField()),
                (
                    "log",
                    models.ForeignKey(
                        db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="vouchers.log"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(fields=("log", "level", "place"), name="log_node_once"),
                ],
            },
        ),
        migrations.CreateModel(
            name="Witness",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(max_length=120, verbose_name="name")),
                ("public_key", models.CharField(max_length=240, verbose_name="public key")),
                ("retired_at", models.DateTimeField(blank=True, null=True, verbose_name="retired at")),
            ],
            options={
                "verbose_name": "witness",
                "verbose_name_plural": "witnesses",
                "constraints": [models.UniqueConstraint(fields=("name",), name="witness_name_once")],
            },
        ),
        migrations.CreateModel(
            name="Cosignature",
            fields=[
                ("id", models.BigAutoField(primary_key=True, serialize=False)),
                ("line", models.CharField(max_length=400, verbose_name="signature line")),
                ("received_at", models.DateTimeField(verbose_name="received at")),
                (
                    "checkpoint",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="cosignatures",
                        to="vouchers.checkpoint",
                    ),
                ),
                (
                    "witness",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="cosignatures", to="vouchers.witness"
                    ),
                ),
            ],
            options={
                "verbose_name": "cosignature",
                "verbose_name_plural": "cosignatures",
                "constraints": [
                    models.UniqueConstraint(fields=("checkpoint", "witness"), name="cosignature_once"),
                ],
            },
        ),
        migrations.RunSQL(MOVE, UNMOVE),
        migrations.RunSQL(TELL, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, UNGUARD),
        migrations.RunSQL(GROW, UNGROW),
        never_deleted("vouchers_log"),
        append_only("vouchers_logentry"),
        append_only("vouchers_lognode"),
        append_only("vouchers_checkpoint"),
        append_only("vouchers_cosignature"),
    ]
