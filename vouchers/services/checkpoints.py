"""Sign what a log says of itself, with a key that the database does not hold."""

import os
import secrets
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from core.errors import Conflict
from vouchers import notes
from vouchers.models import Checkpoint, Log
from vouchers.notes import Ed25519Signer, Signer
from vouchers.services import sequencing


class NoKey(Conflict):
    """There is no key to sign checkpoints with."""

    code = "no-log-key"


def signer() -> Signer:
    """Return who signs: the key of the environment or of its file; outside production a missing file is made.

    :raises NoKey: in production without a key.
    """
    if settings.TRANSPARENCY_KEY:
        return notes.parse_private(settings.TRANSPARENCY_KEY)
    path = Path(settings.TRANSPARENCY_KEY_FILE)
    if not path.exists():
        if settings.PRODUCTION:
            raise NoKey(_("There is no key to sign checkpoints with."))
        _make_key(path)
    return notes.parse_private(path.read_text(encoding="ascii"))


def publish_due(*, at: datetime) -> list[Checkpoint]:
    """Sign a checkpoint of every log that has new entries enough, or whose last checkpoint is old enough."""
    return [publish(log=log, at=at) for log in Log.objects.order_by("pk") if _is_due(log, at)]


def publish(*, log: Log, at: datetime) -> Checkpoint:
    """Sign all that a log has now; a size that was signed before keeps its checkpoint.

    A key that the log does not know is entered first, so that every key is announced in the log that it signs.
    """
    by = signer()
    sequencing.announce_key(public=by.public(), at=at)
    with transaction.atomic():
        sequencing.lock()
        log = Log.objects.get(pk=log.pk)
        earlier = Checkpoint.objects.filter(log=log, size=log.size).first()
        if earlier:
            return earlier
        root = sequencing.frontier(log).root()
        said = notes.Checkpoint(log.origin, log.size, root, log.algorithm)
        note = notes.sign(said, [by])
        return Checkpoint.objects.create(log=log, size=log.size, root=root, note=note, signed_at=at)


def latest(log: Log) -> Checkpoint | None:
    """Return the largest checkpoint of a log."""
    return Checkpoint.objects.filter(log=log).order_by("-size").first()


def signed_note(checkpoint: Checkpoint) -> str:
    """Return a checkpoint with every cosignature that it has received."""
    lines = checkpoint.cosignatures.order_by("pk").values_list("line", flat=True)
    return checkpoint.note + "".join(lines)


def _is_due(log: Log, at: datetime) -> bool:
    last = latest(log)
    if last is None:
        return log.size > 0
    new = log.size - last.size
    old = at - last.signed_at >= timedelta(minutes=settings.CHECKPOINT_MINUTES)
    return new >= settings.CHECKPOINT_ENTRIES or (new > 0 and old)


def _make_key(path: Path) -> None:
    """Write a new key that only this user may read; of several processes the first one's counts."""
    path.parent.mkdir(parents=True, exist_ok=True)
    made = Ed25519Signer(settings.TRANSPARENCY_ORIGIN, secrets.token_bytes(32))
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="ascii") as file:
        file.write(made.private() + "\n")
    try:
        os.link(draft, path)
    except FileExistsError:
        return
    finally:
        draft.unlink()
