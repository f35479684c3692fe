"""Begin with an empty database: only ever an embedded one."""

from django.core.management import CommandError, call_command
from django.db import connection

from config import roles
from config.runtime import is_embedded


def start_over() -> None:
    """Drop everything in the embedded database and migrate again.

    :raises CommandError: if the database is not the embedded one: nobody's own data is dropped.
    """
    if not is_embedded(connection.settings_dict):
        name = connection.settings_dict["NAME"]
        raise CommandError(f"Database {name!r} holds another rehearsal and is not ours to empty.")
    with roles.owning(), connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    call_command("migrate", verbosity=0)
