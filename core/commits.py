"""Let others go on before the disk has answered, and answer only after it.

Whoever waits for a row that everyone wants waits for one write to disk after the other: a transaction keeps its locks
until its commit is on disk. A transaction that runs ``RELEASE_EARLY`` gives them back as soon as its commit is in
memory, in its place among all commits. Whoever goes on from there commits later, and on disk is always everything up
to some commit: after a crash nobody stands on something that is gone. ``wait_for_disk`` keeps the caller until it is
there, which one write does for all who wait at the time.

What others may see early is not yet safe, so that this is for transactions whose effects outside wait for a commit of
their own.
"""

from django.db import connection, transaction

RELEASE_EARLY = "set_config('synchronous_commit', 'off', true)"
# A commit of nothing else, at the session's own durability: standbys are waited for where a commit waits for them.
WAIT_FOR_DISK = "SELECT pg_logical_emit_message(true, 'suanyi', '')"


def wait_for_disk() -> None:
    """Have the caller wait, once its transaction has committed, until all that was committed so far is on disk."""
    transaction.on_commit(_wait)


def _wait() -> None:
    with connection.cursor() as cursor:
        cursor.execute(WAIT_FOR_DISK)
