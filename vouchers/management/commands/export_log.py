"""Write the transparency log into a bundle that can be verified offline, and the public key beside it."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from core import clock
from core.errors import DomainError
from vouchers.models import Log
from vouchers.services import bundles, checkpoints, sequencing


class Command(BaseCommand):
    """``manage.py export_log --out bundle.zip [--from-checkpoint F] [--pub log.pub] [--algorithm sm3]``."""

    help = __doc__

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--out", type=Path, required=True, help="the zip file to write")
        parser.add_argument("--from-checkpoint", type=Path, help="a checkpoint that the log must still extend")
        parser.add_argument("--pub", type=Path, help="where to write the public key")
        parser.add_argument("--algorithm", default=settings.TRANSPARENCY_ALGORITHMS[0], help="which log: sha256, sm3")

    def handle(self, *args: Any, **options: Any) -> None:
        """Log what waits, sign it, and write the bundle."""
        old = options["from_checkpoint"]
        try:
            sequencing.sequence(at=clock.now())
            log = Log.objects.filter(algorithm=options["algorithm"]).first()
            if log is None:
                raise CommandError("There is no such log.")
            checkpoints.publish(log=log, at=clock.now())
            note = old.read_text(encoding="utf-8") if old else None
            last = bundles.export(log=log, out=options["out"], from_note=note)
        except DomainError as refusal:
            raise CommandError(str(refusal.detail)) from refusal
        if options["pub"]:
            options["pub"].write_text(checkpoints.signer().public() + "\n", encoding="utf-8")
        self.stdout.write(f"{options['out']}: {last.size} entries, checkpoint of {last.signed_at.isoformat()}")
