"""Django's command, and quicker; see config.migrating."""

from typing import Any

from django.core.management.commands import migrate

from config import migrating


class Command(migrate.Command):
    """Migrate as Django does."""

    def handle(self, *args: Any, **options: Any) -> None:
        """Make each new model alone."""
        with migrating.new_models_alone():
            super().handle(*args, **options)
