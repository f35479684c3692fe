"""SQL for migrations: triggers that keep facts as they were written."""

from django.db import migrations

REFUSE_CHANGE = """
CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% of % is refused: its rows are never changed or deleted', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = TG_TABLE_NAME || '_append_only';
END $$;
"""


def append_only(table: str) -> migrations.RunSQL:
    """Return the operation that makes PostgreSQL refuse UPDATE, DELETE and TRUNCATE of a table."""
    return migrations.RunSQL(
        REFUSE_CHANGE
        + f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        + "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();",
        f"DROP TRIGGER {table}_append_only ON {table};",
    )


def never_deleted(table: str) -> migrations.RunSQL:
    """Return the operation that makes PostgreSQL refuse DELETE and TRUNCATE of a table whose status may change."""
    return migrations.RunSQL(
        REFUSE_CHANGE
        + f"CREATE TRIGGER {table}_never_deleted BEFORE DELETE OR TRUNCATE ON {table} "
        + "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();",
        f"DROP TRIGGER {table}_never_deleted ON {table};",
    )
