"""What the transparency log costs a redemption, and how fast it is sequenced, proven and verified.

    python -m benchmarks.transparency [--rounds 5] [--seconds 3] [--entries 1000000]

``append``: a hold with the trigger that writes its movement, beside the same hold with the trigger off, interleaved, on
one grant and on many, and by the CPU of the server. Then: entries that one sequencer gives places a second; root and
consistency of a log of a million entries as the service answers them; entries that the verifier hashes
and replays, and a bundle verified as an auditor does, on one core and on all.
"""

import argparse
import gc
import importlib.util
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

from benchmarks import redemption
from benchmarks.redemption import AT, Run
from config.runtime import Postgres
from vouchers import notes

VERIFIER = Path(__file__).resolve().parents[1] / "sdk" / "verify" / "suanyi_verify.py"
APPEND_AT_MOST, VERIFIED_AT_LEAST = 0.15, 200_000
FILL = """
INSERT INTO vouchers_logentry (log_id, seq, kind, payload, leaf_hash, logged_at)
SELECT %s, n, 'key', convert_to('{"n":' || n || '}', 'UTF8'),
    sha256('\\x00'::bytea || convert_to('{"n":' || n || '}', 'UTF8')), now()
FROM generate_series(0, %s - 1) n
"""


def append_cost(server: Postgres, written: dict[tuple[str, str], Path], rounds: int, seconds: int) -> bool:
    """Print what the movement adds to a hold, by rate and by CPU; return whether it is little enough."""
    within = True
    for row in ("hot", "cold"):
        runs: dict[str, list[Run]] = {"DISABLE": [], "ENABLE": []}
        for _round in range(rounds):
            for state, made in runs.items():
                with connection.cursor() as cursor:
                    cursor.execute(f"ALTER TABLE ledger_hold {state} TRIGGER voucher_hold_moved")
                made.append(redemption.pgbench(server, written[row, "ours"], seconds=seconds))
        for state, made in runs.items():
            print(redemption.described(f"{row:4} log {state.lower():7}", made))
        rate, cpu = (added(runs, part) for part in ("rate", "server"))
        print(f"{row:4} append: {-rate:+.1%} of the rate, {cpu:+.1%} of the CPU of a hold, asked at most +15 %\n")
        within &= cpu <= APPEND_AT_MOST
    return within


def added(runs: dict[str, list[Run]], part: str) -> float:
    """Return by how much the median with the log is above that without."""
    bare, logged = (statistics.median(getattr(run, part) for run in runs[state]) for state in ("DISABLE", "ENABLE"))
    return logged / bare - 1


def sequencing_rate() -> None:
    """Print how many waiting movements a second get their places."""
    from vouchers.models import Movement  # noqa: PLC0415
    from vouchers.services import sequencing  # noqa: PLC0415

    waiting = Movement.objects.count()
    began = time.perf_counter()
    sequencing.sequence(at=AT)
    seconds = time.perf_counter() - began
    print(f"sequenced {waiting:,} movements at {waiting / seconds:,.0f}/s ({seconds / waiting * 1e6:.0f} µs each)")


def million(entries: int) -> None:
    """Fill a log and print how long its root and its consistency take."""
    from vouchers import merkle  # noqa: PLC0415
    from vouchers.models import Log, LogEntry, LogNode  # noqa: PLC0415
    from vouchers.services import trees  # noqa: PLC0415

    log = Log.objects.create(algorithm="sm3", origin="bench")  # SHA-256 by its leaves; only its name is taken
    with connection.cursor() as cursor:
        cursor.execute(FILL, [log.pk, entries])
    tree, nodes = merkle.Frontier(merkle.sha256), []
    merkle.HASHES["sm3"] = merkle.sha256
    for leaf in LogEntry.objects.filter(log=log).order_by("seq").values_list("leaf_hash", flat=True).iterator():
        nodes += [node for node in tree.append(bytes(leaf)) if node.level >= 8]
    LogNode.objects.bulk_create((LogNode(log=log, **node._asdict()) for node in nodes), batch_size=2_000)
    log.refresh_from_db()
    assert trees.root(log=log, size=entries) == tree.root()
    questions: dict[str, Callable[[], Any]] = {
        "root": lambda: trees.root(log=log, size=entries - 1),
        "consistency": lambda: trees.consistency(log=log, old=entries * 2 // 3 + 1, new=entries - 1),
        "inclusion": lambda: trees.inclusion(log=log, seq=entries // 3 + 1, size=entries - 1),
    }
    for name, question in questions.items():
        print(f"{name} at {entries:,} entries: {statistics.median(timed(question) for _ in range(9)) * 1e3:.1f} ms")
    append = timed(lambda: [tree.append(bytes(32)) for _ in range(100_000)]) / 100_000
    print(f"growing the tree by one entry there, with its root: {append * 1e6 + timed(tree.root) * 1e6:.0f} µs")


def timed(act: Callable[[], Any], clock: Callable[[], float] = time.perf_counter) -> float:
    """Return the seconds that an act takes."""
    began = clock()
    act()
    return clock() - began


def verifier(entries: int) -> bool:
    """Print how many entries a second the verifier checks: its parts by CPU time, the whole by all its processes."""
    module, lines = verifier_module(), lives(entries)
    whole = [lines[at : at + module.CHUNK] for at in range(0, entries - module.CHUNK + 1, module.CHUNK)]
    hashing = timed(lambda: [module.subtree("sha256", chunk) for chunk in whole], time.process_time)
    hashed = len(whole) * module.CHUNK / hashing
    gc.disable()  # as the verifier does
    replayed = entries / timed(lambda: module.entered(module.Books(), 0, lines), time.process_time)
    gc.enable()
    print(f"verifier, by CPU time of a core: hashes {hashed:,.0f}/s, replays {replayed:,.0f}/s")
    with tempfile.TemporaryDirectory() as folder:
        alone, together = (checked(Path(folder), module, lines, cores) for cores in (1, None))
    print(f"a bundle of {entries:,} entries: one core {alone}, all {cpus()} cores {together} (asked 200,000/s)")
    return max(alone.rate, together.rate) >= VERIFIED_AT_LEAST


class Checked(NamedTuple):
    """How fast a bundle was verified, by the clock, and how much CPU all processes took an entry."""

    rate: float
    cpu: float

    def __str__(self) -> str:
        return f"{self.rate:,.0f}/s ({self.cpu * 1e6:.1f} µs of CPU each)"


def cpus() -> int:
    """Return how many cores this process may use."""
    return len(os.sched_getaffinity(0))


def verifier_module() -> Any:
    """Load the verifier from its file: it is no part of a package."""
    spec = importlib.util.spec_from_file_location("suanyi_verify", VERIFIER)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checked(folder: Path, module: Any, lines: list[bytes], cores: int | None) -> Checked:
    """Verify a bundle as an auditor does, three times, start and unpacking included; return the best."""
    write_bundle(folder, module, lines)
    allowed = sorted(os.sched_getaffinity(0))[:cores]
    command = [sys.executable, "-I", "-S", VERIFIER, folder / "bundle.zip", "--pub", folder / "log.pub"]
    runs = []
    for _round in range(3):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        run = partial(subprocess.run, command, check=True, stdout=subprocess.DEVNULL)
        seconds = timed(partial(run, preexec_fn=lambda: os.sched_setaffinity(0, allowed)))
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        runs.append(Checked(len(lines) / seconds, cpu / len(lines)))
    return max(runs)


def write_bundle(folder: Path, module: Any, lines: list[bytes]) -> None:
    """Write a bundle of entries, honestly hashed and signed."""
    signer, tree = notes.Ed25519Signer("log.example", bytes(range(32))), module.Tree("sha256", set())
    for line in lines:
        tree.grow(line)
    note = notes.sign(notes.Checkpoint(signer.name, tree.size, tree.root()), [signer])
    (folder / "log.pub").write_text(signer.public(), encoding="utf-8")
    with zipfile.ZipFile(folder / "bundle.zip", "w", zipfile.ZIP_DEFLATED, compresslevel=6) as bundle:
        bundle.writestr("checkpoint", note)
        bundle.writestr("entries.jsonl", b"".join(line + b"\n" for line in lines))


def lives(entries: int) -> list[bytes]:
    """Return the entries of one grant: holds, each captured and released."""
    at = {"v": 1, "at": "2026-07-01T04:00:00Z"}
    made: list[dict[str, Any]] = [
        {"type": "appropriate", "programme": "p", "code": "P", "ratio_bp": 3_000, "amount_fen": 10**13}
        | {"entity_year_cap_fen": None, "order_cap_fen": None},
        {"type": "grant", "programme": "p", "grant": "g", "entity": "e", "amount_fen": 10**13}
        | {"expires_at": "2027-07-01T16:00:00Z"},
    ]
    for number in range(entries // 3 + 1):
        redemption_id = f"01a2116f-b537-7c38-94b7-{number:012d}"
        held = {"grant": "g", "eligible_fen": 1_000, "year": 2026, "amount_fen": 300, "document": "0" * 64}
        made.append({"type": "hold", "redemption": redemption_id, **held})
        made.append({"type": "capture", "redemption": redemption_id, "used_at": at["at"], "amount_fen": 200})
        made.append({"type": "release", "redemption": redemption_id, "amount_fen": 100})
    return [json.dumps(at | one, sort_keys=True, separators=(",", ":")).encode() for one in made[:entries]]


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--entries", type=int, default=1_000_000)
    arguments = parser.parse_args()
    fast = verifier(min(arguments.entries, 300_000))
    with redemption.own_server() as (server, folder):
        from django.core.management import call_command  # noqa: PLC0415  commands need the settings of this server

        call_command("migrate", verbosity=0)
        from benchmarks import redemption_scene  # noqa: PLC0415  models need the settings of this server

        written = redemption.scripts(folder, redemption_scene.seed())
        cheap = append_cost(server, written, arguments.rounds, arguments.seconds)
        sequencing_rate()
        million(arguments.entries)
    return 0 if fast and cheap else 1


if __name__ == "__main__":
    sys.exit(main())
