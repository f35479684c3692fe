"""Migrate as the owner of the tables; give the application's role its rights on them, and groups of staff theirs."""

from contextlib import nullcontext
from typing import Any

from django.core.management.commands import migrate
from django.db import connection

from config import roles, staff
from config.migrating import models_alone
from config.runtime import is_embedded
from core import clock


class Command(migrate.Command):
    """Django's ``manage.py migrate`` by the role of ``DATABASE_OWNER_URL``; the application cannot change tables.

    The embedded database is migrated in less time (``config.migrating``).
    """

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, then grant: also when nothing was left to migrate, for a role that came later."""
        ours = is_embedded(connection.settings_dict)
        with roles.owning(), models_alone() if ours else nullcontext():
            super().handle(*args, **options)
            if options["check_unapplied"] or options["plan"]:
                return
            roles.grant()
            if not options["app_label"]:
                self._tell(staff.bring_up_to_date(at=clock.now()), options["verbosity"])

    def _tell(self, given: dict[str, list[str]], verbosity: int) -> None:
        for group, rights in given.items() if verbosity else ():
            self.stdout.write(f"The group {group} may do more: {', '.join(rights)}")
