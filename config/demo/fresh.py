"""Begin with an empty database: only ever an embedded one."""

import os

from django.core.management import CommandError, call_command
from django.db import connection

from config import roles
from config.runtime import default_home


def start_over() -> None:
    """Drop everything in the embedded database and migrate again.

    :raises CommandError: if the database is not the embedded one: nobody's own data is dropped.
    """
    name, host = connection.settings_dict["NAME"], connection.settings_dict["HOST"]
    if (
        not (default_home() / "postgres").exists()
        or host != "127.0.0.1"
        or os.environ.get("SUANYI_ENV") == "production"
    ):
        raise CommandError(f"Database {name!r} holds another rehearsal and is not ours to empty.")
    with roles.owning(), connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
    call_command("migrate", verbosity=0)
