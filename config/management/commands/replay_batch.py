"""Replay an auction from its kept input: the same input must give the same answer."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any
from uuid import UUID

from django.core.management.base import BaseCommand, CommandError

from core.errors import DomainError
from market.models import MatchBatch
from market.services import replays


class Command(BaseCommand):
    """``manage.py replay_batch ID``; exit status 1 when the replay differs from the record."""

    help = "Replay an auction and compare it with its record, or export its input for a replay elsewhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("batch", type=UUID, help="the id of the batch")
        parser.add_argument("--export", type=Path, metavar="FILE", help="write the input as an npz file instead")

    def handle(self, *args: Any, **options: Any) -> None:
        batch = MatchBatch.objects.filter(pk=options["batch"]).first()
        if batch is None:
            raise CommandError("There is no such batch.")
        try:
            if options["export"]:
                self._export(batch, options["export"])
            else:
                self._replay(batch)
        except DomainError as error:
            raise CommandError(str(error.detail)) from error

    def _replay(self, batch: MatchBatch) -> None:
        found = replays.replay(batch)
        for name in ("same_input", "same_answer", "same_matches"):
            self.stdout.write(f"{name.replace('_', ' ')}: {'yes' if getattr(found, name) else 'NO'}")
        self.stdout.write(f"welfare {found.welfare_micro}, bound {found.bound_micro}, in micro-yuan")
        if not found.same:
            raise CommandError("The replay differs from the record.")

    def _export(self, batch: MatchBatch, file: Path) -> None:
        content, fairness = bytes(replays.kept(batch).instance), ""
        if batch.rules:
            fairness = f"--reserve-bp {batch.rules.reserve_bp} --ageing-bp {batch.rules.ageing_bp} "
        if replays.is_warm(batch):
            fairness += f"--warm {file} "
        try:
            file.write_bytes(content)
        except OSError as error:
            raise CommandError(f"{file} cannot be written: {error.strerror}") from error
        self.stdout.write(
            f"python -m market.matching {file} --iterations {batch.iterations} --seed {batch.seed} {fairness}"
            "--out RESULT.npz"
        )
