"""Who owns the tables, and what the application may do with them.

Two roles of PostgreSQL: the owner migrates, everything else is the application. What no one may do to a table, by its
triggers, the application has no right to either, and it can create nothing, not even a temporary table: so it can
neither take a rule away nor put a table or a function of its own before one that a rule reads.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection
from psycopg import sql

LOGIN = ("USER", "PASSWORD", "HOST", "PORT", "OPTIONS")

# Bits of pg_trigger.tgtype: 1 is FOR EACH ROW, 8 is DELETE, 16 is UPDATE.
GRANT = """
DO $$
DECLARE
    role text := {role};
    kept record;
BEGIN
    EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC, %I', current_database(), role);
    EXECUTE format('REVOKE CREATE ON SCHEMA public FROM PUBLIC, %I', role);
    EXECUTE format('GRANT USAGE ON SCHEMA public TO %I', role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', role);
    EXECUTE format('ALTER DEFAULT PRIVILEGES GRANT USAGE, SELECT ON SEQUENCES TO %I', role);
    EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA public FROM %I', role);
    EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO %I', role);
    EXECUTE format('GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO %I', role);
    FOR kept IN
        SELECT tgrelid::regclass AS name, bool_or(tgtype & 8 > 0) AS no_delete, bool_or(tgtype & 16 > 0) AS no_update
        FROM pg_trigger WHERE tgfoid = to_regproc('public.refuse_change') AND tgtype & 1 = 0 AND tgqual IS NULL
        GROUP BY tgrelid
    LOOP
        IF kept.no_delete THEN EXECUTE format('REVOKE DELETE ON %s FROM %I', kept.name, role); END IF;
        IF kept.no_update THEN EXECUTE format('REVOKE UPDATE ON %s FROM %I', kept.name, role); END IF;
    END LOOP;
    EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON django_migrations FROM %I', role);
END $$
"""


def separate() -> bool:
    """Return whether the application's role is another than the owner of the tables."""
    return bool(settings.DATABASE_OWNER["USER"] != settings.DATABASE_ROLE)


@contextmanager
def owning() -> Iterator[None]:
    """Be the owner of the tables for the block, on a connection of its own."""
    if not separate():
        yield
        return
    application = {name: connection.settings_dict[name] for name in LOGIN}
    connection.close()
    connection.settings_dict.update({name: settings.DATABASE_OWNER.get(name, "") for name in LOGIN})
    connection.settings_dict["OPTIONS"] = settings.DATABASE_OWNER.get("OPTIONS", {})
    try:
        yield
    finally:
        connection.close()
        connection.settings_dict.update(application)


def grant() -> None:
    """Give the application's role what it needs of every table there is, and of those to come; call it as the owner."""
    if not separate():
        return
    with connection.cursor() as cursor:
        cursor.execute(sql.SQL(GRANT).format(role=settings.DATABASE_ROLE))
