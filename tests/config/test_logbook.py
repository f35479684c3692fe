"""Exporting the log by command, and verifying a rehearsal's own."""

import io
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from config.demo import logbook
from tests.vouchers import log, scenes
from vouchers.models import Checkpoint

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _key_of_the_test(settings, tmp_path):
    settings.TRANSPARENCY_KEY_FILE = str(tmp_path / "log.key")


def test_a_rehearsal_verifies_its_log_offline(tmp_path):
    scenes.hold(scenes.grant(scenes.published()), 1_000_000)

    assert logbook.verified(tmp_path) == {"entries": 4, "verified": True}


def test_the_command_refuses_a_checkpoint_that_the_log_does_not_extend(tmp_path):
    scenes.published()
    out = tmp_path / "bundle.zip"
    call_command("export_log", out=out, stdout=io.StringIO())
    ours = log.kept(tmp_path, Checkpoint.objects.get().note)

    call_command("export_log", out=out, from_checkpoint=ours, stdout=io.StringIO())
    for note in [log.note_over(log.story()), "no checkpoint"]:
        foreign = Path(tmp_path / "foreign.checkpoint")
        foreign.write_text(note, encoding="utf-8")
        with pytest.raises(CommandError):
            call_command("export_log", out=out, from_checkpoint=foreign, stdout=io.StringIO())
