"""Print the code with which one of the demo's people passes the second step of signing in."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from accounts.models import Authenticator
from config.demo import codes
from config.demo.playbill import refuse_in_production


class Command(BaseCommand):
    """``manage.py code officer1``: for development only; production's secrets are on people's phones."""

    help = __doc__

    def add_arguments(self, parser: CommandParser) -> None:
        """Ask whose code."""
        parser.add_argument("username")

    def handle(self, *args: Any, username: str, **options: Any) -> None:
        """Print the code, and the key for an app of one's own."""
        refuse_in_production()
        device = Authenticator.objects.filter(user__username=username, confirmed=True).first()
        if device is None:
            raise CommandError(f"{username} signs in without a code, or has not set one up yet")
        self.stdout.write(f"{codes.next_code(device)}   (key for an authenticator app: {codes.secret(device)})")
