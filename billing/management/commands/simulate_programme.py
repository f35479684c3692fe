"""Run a programme, or changed parameters of it, against what firms really spent, and print the outcome as JSON."""

import json
from argparse import ArgumentParser
from datetime import date
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from billing import past_spending
from vouchers import complaints
from vouchers.models import Programme
from vouchers.parameters import codec
from vouchers.services import simulations


class Command(BaseCommand):
    """``manage.py simulate_programme QY-2024 --from 2026-01-01 --to 2026-07-01 [--parameters next.json]``."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("code", help="the programme's code")
        parser.add_argument("--from", dest="first_on", type=date.fromisoformat, required=True, help="the first day")
        parser.add_argument("--to", dest="closes_on", type=date.fromisoformat, required=True, help="the day after")
        parser.add_argument("--parameters", type=Path, help="a JSON file of changed parameters to compare with")

    def handle(self, *args: Any, **options: Any) -> None:
        """Read past spending once, run, and print."""
        programme = Programme.objects.filter(code=options["code"]).first()
        if programme is None:
            raise CommandError("There is no such programme.")
        file = options["parameters"]
        try:
            changed = codec.loads(file.read_bytes()) if file else None
        except codec.BadParameters as error:
            lines = complaints.by_field(error.problems).items()
            raise CommandError("\n".join(f"{path}: {sentence}" for path, sentence in lines)) from error
        spendings = past_spending.between(first_on=options["first_on"], closes_on=options["closes_on"])
        told = simulations.run(programme=programme, spendings=spendings, parameters=changed)
        self.stdout.write(json.dumps(told, ensure_ascii=False, indent=2))
