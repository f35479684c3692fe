"""Play a past month from offering to settlement, tell what happened, and check every fen."""

import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError
from rich.console import Console

from config.demo import (
    cast,
    catalogue,
    checks,
    flows,
    fresh,
    generator,
    logbook,
    playbill,
    replay,
    report,
    stage,
    story,
    warming,
)
from config.demo.playbill import Played
from config.demo.rehearsal import Rehearsal
from config.demo.scenario import Scenario, last_month
from core import clock
from core.periods import HOUR
from market.reference.trace import TraceError


class Command(BaseCommand):
    """``manage.py demo [--trace DIR] [--fresh]``."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--trace", type=Path, help="a cluster's trace to replay instead of the generated orders")
        parser.add_argument("--orders", type=int, default=replay.MOST_ORDERS, help="most tasks of a trace")
        parser.add_argument("--seed", type=int, default=playbill.SEED, help="the seed of the generator")
        parser.add_argument("--fresh", action="store_true", help="play again even if this month was played before")

    def handle(self, *args: Any, **options: Any) -> None:
        """Play or find the rehearsal played, then judge and report it."""
        playbill.refuse_in_production()
        self.console = Console(width=max(120, Console().width))
        self.folder = Path(settings.BASE_DIR) / "var" / "demo"
        self.folder.mkdir(parents=True, exist_ok=True)
        scenario = self._scenario(options)
        played = self._find_or_play(scenario, is_fresh=options["fresh"])
        log = logbook.verified(self.folder)
        checked = checks.run() | {"log_verified_offline": log["verified"]}
        written = report.collect(scenario=played.title, seconds=played.seconds or {}, said=played.said, checks=checked)
        written["log"] = log
        report.write(written, self.folder / "report.json")
        story.tell(written, self.console)
        self.console.print(f"report: {self.folder / 'report.json'}")
        if not all(written["checks"].values()):
            raise CommandError("A check failed.")

    def _scenario(self, options: dict[str, Any]) -> Scenario:
        month = last_month(clock.now())
        if not options["trace"]:
            return generator.generate(month=month, seed=options["seed"])
        try:
            return replay.scenario(
                directory=options["trace"], month=month, seed=options["seed"], most_orders=options["orders"]
            )
        except TraceError as error:
            raise CommandError(str(error)) from error

    def _find_or_play(self, scenario: Scenario, *, is_fresh: bool) -> Played:
        # The compiler is as long at work as the migrations, and has a processor of its own.
        with warming.engine(self.folder):
            self._progress("prepare the database")
            call_command("migrate", verbosity=0)
            if played := self._played(scenario, is_fresh=is_fresh):
                return played
            assembled, seconds = self._set_up(scenario)
        return self._play(scenario, assembled, seconds)

    def _played(self, scenario: Scenario, *, is_fresh: bool) -> Played | None:
        """Return the rehearsal if it was played to its end before; make room for it otherwise."""
        played = playbill.played()
        if played is None:
            return None
        if played.title == playbill.title(scenario) and played.seconds is not None and not is_fresh:
            self.console.print(f"{played.title}: played before, checking it again (--fresh plays it anew)")
            return played
        fresh.start_over()
        return None

    def _set_up(self, scenario: Scenario) -> tuple[cast.Cast, dict[str, int]]:
        """Bring everyone in and list what is for sale; tell for how long that took."""
        before, began = scenario.month.starts_at - HOUR, time.monotonic()
        assembled = cast.assemble(scenario=scenario, at=before)
        flows.prepare(
            authorities=assembled.authorities,
            providers=list(assembled.providers.values()),
            buyers=assembled.buyers,
            at=before,
        )
        catalogue.list_pools(scenario=scenario, providers=assembled.providers, operator=assembled.operator, at=before)
        return assembled, {"set up": round(time.monotonic() - began)}

    def _play(self, scenario: Scenario, assembled: cast.Cast, seconds: dict[str, int]) -> Played:
        before = scenario.month.starts_at - HOUR
        playbill.begin(scenario=scenario, operator=assembled.operator, at=before)
        with stage.standing(folder=self.folder, at=before) as standing:
            rehearsal = Rehearsal(scenario, assembled, standing, self._progress)
            rehearsal.play()
        self._progress("")
        seconds |= rehearsal.seconds
        said = dict(rehearsal.said) | {f"left out: {reason}": count for reason, count in scenario.skipped.items()}
        playbill.finish(operator=assembled.operator, seconds=seconds, said=said, at=scenario.month.ends_at)
        return Played(playbill.title(scenario), seconds, said)

    def _progress(self, what: str) -> None:
        """Show where we are: in place on a terminal, line by line elsewhere."""
        if sys.stdout.isatty():
            self.console.print(f"  {what:<60}", end="\r")
        elif what:
            self.console.print(f"  {what}")
