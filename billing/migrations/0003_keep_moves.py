"""Let PostgreSQL refuse what would change a payment or a funding after the fact, whoever asks for it."""

from django.db import migrations

# ``refuse_move`` is market's: it names the table, the old and the new status.
MOVES = {
    "billing_funding": "open closed",
    "billing_topup": (
        "created pending, created succeeded, created failed, created cancelled, "
        "pending succeeded, pending failed, pending cancelled"
    ),
}
REFUSE = """
CREATE FUNCTION billing_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: %', TG_OP, TG_TABLE_NAME, TG_ARGV[0]
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
END $$;
"""
FIX = """
CREATE TRIGGER funding_identity BEFORE UPDATE ON billing_funding
FOR EACH ROW WHEN (to_jsonb(OLD) - 'status' IS DISTINCT FROM to_jsonb(NEW) - 'status')
EXECUTE FUNCTION billing_refuse('what was agreed at checkout stays agreed');

CREATE TRIGGER top_up_identity BEFORE UPDATE ON billing_topup
FOR EACH ROW WHEN (
    (OLD.id, OLD.created_at, OLD.organization_id, OLD.method, OLD.amount_fen, OLD.created_by_id, OLD.bank_reference)
    IS DISTINCT FROM
    (NEW.id, NEW.created_at, NEW.organization_id, NEW.method, NEW.amount_fen, NEW.created_by_id, NEW.bank_reference)
    OR OLD.stripe_intent <> NEW.stripe_intent OR OLD.registered_by_id <> NEW.registered_by_id
)
EXECUTE FUNCTION billing_refuse('a top-up stays what it was asked to be');

CREATE TRIGGER stripe_event_as_received BEFORE UPDATE ON billing_stripeevent
FOR EACH ROW WHEN (
    to_jsonb(OLD) - 'processed_at' IS DISTINCT FROM to_jsonb(NEW) - 'processed_at' OR OLD.processed_at IS NOT NULL
)
EXECUTE FUNCTION billing_refuse('an event stays as it came in');
"""
UNFIX = """
DROP TRIGGER stripe_event_as_received ON billing_stripeevent;
DROP TRIGGER top_up_identity ON billing_topup;
DROP TRIGGER funding_identity ON billing_funding;
"""


def only_moves(table, moves):
    """Return the operation that refuses any other change of a table's status."""
    allowed = ", ".join(f"'{move.strip()}'" for move in moves.split(","))
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_moves BEFORE UPDATE OF status ON {table} FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN ({allowed})) "
        "EXECUTE FUNCTION refuse_move();",
        f"DROP TRIGGER {table}_moves ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("billing", "0002_keep_facts"), ("market", "0003_keep_moves")]

    operations = [
        migrations.RunSQL(REFUSE, "DROP FUNCTION billing_refuse();"),
        migrations.RunSQL(FIX, UNFIX),
        *(only_moves(table, moves) for table, moves in MOVES.items()),
    ]
