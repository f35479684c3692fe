"""Let PostgreSQL refuse a change of status that the table of moves does not have, whoever asks for it."""

from django.db import migrations

REFUSE_MOVE = """
CREATE FUNCTION refuse_move() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% cannot go from % to %', TG_TABLE_NAME, OLD.status, NEW.status
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_moves';
END $$;
"""
MOVES = {
    "market_offering": "draft listed, draft archived, listed paused, listed archived, paused listed, paused archived",
    "market_order": "open matched, open cancelled, open expired, matched completed, matched cancelled",
    "market_reservation": "held active, held released, active ended",
}


def only_moves(table: str, moves: str) -> migrations.RunSQL:
    """Return the operation that refuses any other change of a table's status."""
    allowed = ", ".join(f"'{move.strip()}'" for move in moves.split(","))
    return migrations.RunSQL(
        f"CREATE TRIGGER {table}_moves BEFORE UPDATE OF status ON {table} FOR EACH ROW "
        f"WHEN (OLD.status <> NEW.status AND OLD.status || ' ' || NEW.status NOT IN ({allowed})) "
        "EXECUTE FUNCTION refuse_move();",
        f"DROP TRIGGER {table}_moves ON {table};",
    )


class Migration(migrations.Migration):
    dependencies = [("market", "0002_keep_facts")]

    operations = [
        migrations.RunSQL(REFUSE_MOVE, "DROP FUNCTION refuse_move();"),
        *(only_moves(table, moves) for table, moves in MOVES.items()),
    ]
