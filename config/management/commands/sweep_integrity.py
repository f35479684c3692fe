"""Look for what looks like misuse of vouchers, in every programme or in one."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing.integrity import MarketFacts
from core import clock
from vouchers.models import Programme
from vouchers.services import sweeps


class Command(BaseCommand):
    """``manage.py sweep_integrity [--programme CODE]``: what the nightly sweep does, now."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--programme", help="the code of one programme")

    def handle(self, *args: Any, **options: Any) -> None:
        """Sweep, and say how much is new."""
        code = options["programme"]
        programme = Programme.objects.filter(code=code).first() if code else None
        if code and programme is None:
            raise CommandError(f"There is no programme {code}.")
        found = sweeps.sweep(market=MarketFacts(), at=clock.now(), programme=programme)
        self.stdout.write(f"{found} new findings")
