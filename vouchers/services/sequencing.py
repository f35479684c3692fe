"""Give waiting movements their places in the log: one sequencer at a time, in batches, as often as it likes.

Places follow the numbers of movements, which each takes while it holds the lock of the balance it moves. A movement
that is seen here has committed, and so has everything that came before it on its balance.
"""

from collections.abc import Sequence
from datetime import datetime

from django.conf import settings
from django.db import connection, transaction

from vouchers import canonical, merkle
from vouchers.merkle import Frontier
from vouchers.models import Log, LogEntry, LogNode, Movement
from vouchers.services import entries
from vouchers.services.entries import Entry

BATCH = 2_000
SEQUENCER_LOCK = 1_110
LOWEST_KEPT_LEVEL = 8


def sequence(*, at: datetime) -> int:
    """Move every waiting movement into the logs and return how many there were; with another at work, none."""
    total = 0
    while moved := _sequence_batch(at):
        total += moved
    return total


def announce_key(*, public: str, at: datetime) -> bool:
    """Enter a signing key into every log that does not know it yet, and return whether one did not."""
    with transaction.atomic():
        lock()
        entry = entries.of_key(public=public, at=canonical.instant(at))
        ignorant = [log for log in logs() if _last_key(log) != public]
        for log in ignorant:
            append(log=log, new=[entry], at=at)
    return bool(ignorant)


def logs() -> list[Log]:
    """Return the logs of this platform, opened now if they are new; a new one starts with the entries of the first."""
    opened = list(Log.objects.order_by("pk"))
    known = {log.algorithm for log in opened}
    for algorithm in settings.TRANSPARENCY_ALGORITHMS:
        if algorithm not in known:
            opened.append(_open(algorithm, opened[:1]))
    return opened


def frontier(log: Log) -> Frontier:
    """Return the growing end of a log's tree."""
    return Frontier(merkle.hash_named(log.algorithm), log.size, [bytes(peak) for peak in log.peaks])


def append(*, log: Log, new: Sequence[Entry], at: datetime) -> None:
    """Write entries at the next places of a log, and grow its tree. The caller holds the sequencer's lock."""
    tree = frontier(log)
    rows, nodes = [], []
    for entry in new:
        leaf = merkle.leaf_hash(tree.hash_, entry.payload)
        rows.append(
            LogEntry(
                log=log,
                seq=tree.size,
                kind=entry.kind,
                movement_id=entry.movement_id,
                grant_id=entry.grant_id,
                redemption_id=entry.redemption_id,
                claim_id=entry.claim_id,
                payload=entry.payload,
                leaf_hash=leaf,
                logged_at=at,
            )
        )
        nodes += [node for node in tree.append(leaf) if node.level >= LOWEST_KEPT_LEVEL]
    LogEntry.objects.bulk_create(rows)
    LogNode.objects.bulk_create(LogNode(log=log, **node._asdict()) for node in nodes)
    log.size, log.peaks = tree.size, tree.peaks
    Log.objects.filter(pk=log.pk).update(peaks=tree.peaks)


def lock() -> None:
    """Wait to be the only one who writes entries."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEQUENCER_LOCK])


def try_lock() -> bool:
    """Be the only one who writes entries, or say that another is at it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [SEQUENCER_LOCK])
        return bool(cursor.fetchone()[0])


@transaction.atomic
def _sequence_batch(at: datetime) -> int:
    if not try_lock():
        return 0
    waiting = list(Movement.objects.order_by("pk")[:BATCH])
    if not waiting:
        return 0
    new = entries.of_movements(waiting)
    for log in logs():
        append(log=log, new=new, at=at)
    Movement.objects.filter(pk__in=[movement.pk for movement in waiting]).delete()
    return len(waiting)


def _open(algorithm: str, elder: Sequence[Log]) -> Log:
    suffix = "" if algorithm == "sha256" else f"/{algorithm}"
    log = Log.objects.create(algorithm=algorithm, origin=settings.TRANSPARENCY_ORIGIN + suffix)
    for first in elder:
        rows = LogEntry.objects.filter(log=first).order_by("seq")
        for row in rows.iterator(chunk_size=BATCH):
            entry = Entry(row.kind, bytes(row.payload), row.movement_id, row.grant_id, row.redemption_id, row.claim_id)
            append(log=log, new=[entry], at=row.logged_at)
    return log


def _last_key(log: Log) -> str | None:
    last = LogEntry.objects.filter(log=log, kind="key").order_by("-seq").first()
    return None if last is None else str(canonical.decode(bytes(last.payload))["key"])
