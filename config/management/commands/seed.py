"""Put the demo's organisations, people, offerings, vouchers and wallets into the database."""

from typing import Any

from django.core.management.base import BaseCommand

from config.demo import cast, catalogue, generator
from config.demo.playbill import SEED, refuse_in_production
from config.demo.scenario import last_month
from core import clock


class Command(BaseCommand):
    """``manage.py seed``: what a newcomer needs to look around; repeating it changes nothing."""

    help = __doc__

    def handle(self, *args: Any, **options: Any) -> None:
        """Seed, and say who can log in."""
        refuse_in_production()
        scenario = generator.generate(month=last_month(clock.now()), seed=SEED)
        at = scenario.month.starts_at
        assembled = cast.assemble(scenario=scenario, at=at)
        pools = catalogue.list_pools(
            scenario=scenario, providers=assembled.providers, operator=assembled.operator, at=at
        )
        self.stdout.write(f"{len(assembled.buyers)} buyers, {pools} offerings. Password of all: {cast.PASSWORD}")
        for login in cast.LOGINS:
            self.stdout.write(f"  {login.username:<10} {login.does}")
        self.stdout.write("Staff of authorities and of the operator are asked for a code: manage.py code officer1")
