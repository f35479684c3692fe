"""Whose rights a test has: the application's, as in production, unless it asks for those of the owner of the tables."""

from collections.abc import Iterator
from contextlib import contextmanager

from django.conf import settings
from django.db import connection


@contextmanager
def not_owning() -> Iterator[None]:
    """Let every connection in the block, which logs in as the owner, take the application's role."""
    options = connection.settings_dict["OPTIONS"]
    connection.close()
    options["assume_role"] = settings.DATABASE_ROLE
    try:
        yield
    finally:
        connection.close()
        del options["assume_role"]


@contextmanager
def as_owner() -> Iterator[None]:
    """Show in the block what the rules of the database refuse even to the owner, or change such a rule."""
    with connection.cursor() as cursor:
        cursor.execute("SET ROLE NONE")
    try:
        yield
    finally:
        if connection.is_usable() and not connection.needs_rollback:
            with connection.cursor() as cursor:
                cursor.execute(f"SET ROLE {connection.ops.quote_name(settings.DATABASE_ROLE)}")
