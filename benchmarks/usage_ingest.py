"""Report usage over HTTP, by a bare COPY, and by serializers with bulk_create, in turns, on one server of their own.

    python -m benchmarks.usage_ingest [--rounds 12] [--warm-up 2] [--step minutes|hours] [--reservations 20]

``http``: one gunicorn sync worker and a new connection per request; bearer key, Ed25519 signature, an answer for every
event, the batch row, and the hours marked for the meter. ``bare``: a temporary table filled by binary COPY from tuples
that are ready, then INSERT … ON CONFLICT DO NOTHING into a table of the same definition; no rule is checked.
``naive``: json.loads, a DRF serializer with ``many=True`` and ``bulk_create(ignore_conflicts=True)``, without HTTP,
into a table of the same definition.

In a round each takes five reports of 1,000 new events and commits each of them: 20 reservations report on 50 minutes
each, or as asked. ``--step hours --reservations 1000`` is the worst case: every event opens an hour of its own. CPU is
user and system time of the worker (or of this process) and of its server process.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from config.runtime import Postgres


def main() -> int:
    """Start a durable server of our own and measure on it."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "home")
        server.start()
        try:
            command = [sys.executable, "-W", "ignore", "-m", "benchmarks.usage_rounds", *sys.argv[1:]]
            return subprocess.call(command, env=os.environ | {"DATABASE_URL": server.owner_url()})
        finally:
            server.stop()


if __name__ == "__main__":
    sys.exit(main())
