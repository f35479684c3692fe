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
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

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
    """Print how many entries a second the verifier checks, by the CPU time of its busiest process and by the clock."""
    module, lines = verifier_module(), lives(entries)
    whole = [lines[at : at + module.CHUNK] for at in range(0, entries - module.CHUNK + 1, module.CHUNK)]
    hashing = timed(lambda: [module.subtree("sha256", chunk) for chunk in whole], time.process_time)
    replayed = entries / timed(lambda: module.entered(module.Books(), 0, lines), time.process_time)
    print(f"verifier, by CPU time: hashes {len(whole) * module.CHUNK / hashing:,.0f}/s, replays {replayed:,.0f}/s")
    cores = sorted(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder:
        write_bundle(Path(folder), module, lines)
        for allowed in (cores[:1], cores):
            rate, clock = checked(Path(folder), module, entries, allowed)
            print(f"a bundle on {len(allowed)} cores: {rate:,.0f}/s by CPU time, {clock:,.0f}/s by the clock")
    return rate >= VERIFIED_AT_LEAST


def verifier_module() -> Any:
    """Load the verifier from its file, which is no part of a package, where its processes find it."""
    spec = importlib.util.spec_from_file_location("suanyi_verify", VERIFIER)
    assert spec
    assert spec.loader
    module = sys.modules["suanyi_verify"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def checked(folder: Path, module: Any, entries: int, cores: list[int]) -> tuple[float, float]:
    """Verify a bundle, unpacking included, on some cores; return the best rates of three runs.

    The first is by the CPU time of the process that works most, which neighbours on the machine change little.
    """
    before, rates = os.sched_getaffinity(0), []
    asked = argparse.Namespace(
        bundle=folder / "bundle.zip", pub=[folder / "log.pub"], trusted=[], receipt=[], witness=[]
    )
    os.sched_setaffinity(0, cores)
    gc.disable()  # as the verifier does when it is run
    for _round in range(3):
        others, own, began = children(), time.process_time(), time.perf_counter()
        module.verify(asked)
        clock, own = time.perf_counter() - began, time.process_time() - own
        helper = (children() - others) / max(1, min(len(cores) - 1, module.PROCESSES))
        rates.append((entries / max(own, helper), entries / clock))
    gc.enable()
    os.sched_setaffinity(0, before)
    return max(rate for rate, _ in rates), max(rate for _, rate in rates)


def children() -> float:
    """Return the seconds of CPU that ended processes of this one took."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


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
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE")
        cheap = append_cost(server, written, arguments.rounds, arguments.seconds)
        sequencing_rate()
        million(arguments.entries)
    return 0 if fast and cheap else 1


if __name__ == "__main__":
    sys.exit(main())
