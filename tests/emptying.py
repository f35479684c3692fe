"""Empty the database after a test that really commits, although facts refuse to be deleted.

Only the cluster's superuser may look away from triggers, so that is who empties; the application's role stays as in
production. Rows that migrations made (content types, permissions, reference data) come back as they were.
"""

import psycopg
from django.db import connection

from tests import servers

REMEMBER = """
DO $$
DECLARE name text; filled boolean;
BEGIN
    DROP SCHEMA IF EXISTS pristine CASCADE;
    CREATE SCHEMA pristine;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', name) INTO filled;
        IF filled THEN
            EXECUTE format('CREATE TABLE pristine.%I AS TABLE public.%I', name, name);
        END IF;
    END LOOP;
END $$
"""
EMPTY = """
DO $$
DECLARE name text; filled boolean; columns text;
BEGIN
    SET LOCAL lock_timeout = '20s';
    SET LOCAL session_replication_role = replica;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'django_migrations' LOOP
        EXECUTE format('SELECT EXISTS (SELECT 1 FROM public.%I)', name) INTO filled;
        IF filled THEN
            EXECUTE format('DELETE FROM public.%I', name);
        END IF;
    END LOOP;
    FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'pristine' LOOP
        SELECT string_agg(quote_ident(column_name), ', ') INTO columns FROM information_schema.columns
        WHERE table_schema = 'public' AND table_name = name AND is_generated = 'NEVER';
        EXECUTE format(
            'INSERT INTO public.%1$I (%2$s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM pristine.%1$I', name, columns
        );
    END LOOP;
END $$
"""


def remember() -> None:
    """Keep what the migrations have put into the tables."""
    _as_superuser(REMEMBER)


def empty() -> None:
    """Bring every table back to what the migrations left."""
    _as_superuser(EMPTY)


def _as_superuser(statement: str) -> None:
    address = servers.postgres().superuser_url(connection.settings_dict["NAME"])
    with psycopg.connect(address, autocommit=True) as superuser:
        superuser.execute(statement)
