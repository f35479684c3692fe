"""Export a log so that whoever has a public key can verify it without us."""

import zipfile
from pathlib import Path

from django.utils.translation import gettext as _

from core.errors import Conflict
from vouchers import canonical, notes
from vouchers.models import Checkpoint, Log, LogEntry
from vouchers.notes import BadNote
from vouchers.services import checkpoints, trees

CHUNK = 5_000


class NothingPublished(Conflict):
    """The log has no checkpoint yet."""

    code = "no-checkpoint"


class NotOurs(Conflict):
    """The checkpoint is not one that this log extends."""

    code = "checkpoint-not-extended"


def export(*, log: Log, out: Path, from_note: str | None = None) -> Checkpoint:
    """Write all entries up to the latest checkpoint, the checkpoint and what a reader must know, into a zip file.

    :raises NothingPublished: if there is no checkpoint.
    :raises NotOurs: if the log does not extend the checkpoint of ``from_note``.
    """
    last = checkpoints.latest(log)
    if last is None:
        raise NothingPublished(_("The log has no checkpoint yet."))
    if from_note is not None:
        _require_extended(log, from_note)
    about = {"format": "suanyi-log-bundle/1", "origin": log.origin, "algorithm": log.algorithm, "size": last.size}
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle:
        bundle.writestr("manifest.json", canonical.encode(about))
        bundle.writestr("checkpoint", checkpoints.signed_note(last))
        _write_entries(bundle, log, last.size)
    return last


def _write_entries(bundle: zipfile.ZipFile, log: Log, size: int) -> None:
    rows = LogEntry.objects.filter(log=log, seq__lt=size).order_by("seq").values_list("payload", flat=True)
    with bundle.open("entries.jsonl", "w", force_zip64=True) as lines:
        for payload in rows.iterator(chunk_size=CHUNK):
            lines.write(bytes(payload) + b"\n")


def _require_extended(log: Log, note: str) -> None:
    try:
        old = notes.parse_checkpoint(note)
    except BadNote as error:
        raise NotOurs(_("This is no checkpoint.")) from error
    known = old.origin == log.origin and old.size <= log.size
    if not known or trees.root(log=log, size=old.size) != old.root:
        raise NotOurs(_("The log does not extend this checkpoint: keep it, and ask why."))
