"""Migrate as the owner of the tables, and give the application's role its rights on them."""

from typing import Any

from django.core.management.commands import migrate

from config import roles


class Command(migrate.Command):
    """Django's ``manage.py migrate`` by the role of ``DATABASE_OWNER_URL``; the application cannot change tables."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Migrate, then grant: also when nothing was left to migrate, for a role that came later."""
        with roles.owning():
            super().handle(*args, **options)
            if not (options["check_unapplied"] or options["plan"]):
                roles.grant()
