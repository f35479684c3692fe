"""Seal the secrets of second factors under the newest of ACCESS_KEYS, so that older keys can go."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError

from accounts.services import second_factor


class Command(BaseCommand):
    """``manage.py reseal_second_factors``, after a new key was put before the others."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Seal anew, and say of how many the key is gone already."""
        sealed, gone = second_factor.reseal()
        if gone:
            raise CommandError(f"{gone} of {sealed} second factors cannot be read: their users enrol again.")
        self.stdout.write(f"{sealed} second factors are under the newest key")
