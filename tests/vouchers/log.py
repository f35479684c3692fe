"""A log in tests: its key in a directory of the test, a bundle of it, and the verifier as a stranger runs it."""

import base64
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, NamedTuple

import psycopg
from django.db import connection

from config.runtime.places import CHECKOUT
from tests import servers
from tests.vouchers.scenes import AT
from vouchers import canonical, merkle, notes
from vouchers.merkle import Frontier
from vouchers.models import Log
from vouchers.notes import Ed25519Signer
from vouchers.services import bundles, checkpoints, sequencing

VERIFIER = CHECKOUT / "sdk" / "verify" / "suanyi_verify.py"
SIGNER = Ed25519Signer("log.example", bytes(range(32)))
IDS = {name: f"00000000-0000-0000-0000-00000000000{number}" for number, name in enumerate("pgr", start=1)}


class Verdict(NamedTuple):
    """What the verifier answered."""

    code: int
    said: str


def verify(bundle: Path, pub: Path, *arguments: Any) -> Verdict:
    """Run the verifier as a stranger does, without our packages."""
    command = [sys.executable, "-I", "-S", VERIFIER, bundle, "--pub", pub, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return Verdict(done.returncode, done.stdout)


def published(algorithm: str = "sha256") -> Any:
    """Log what waits, and sign it."""
    sequencing.sequence(at=AT)
    return checkpoints.publish(log=Log.objects.get(algorithm=algorithm), at=AT)


def export(folder: Path, name: str = "bundle") -> Path:
    """Export the log as it is signed now, with its key beside it."""
    bundles.export(log=Log.objects.order_by("pk")[0], out=folder / f"{name}.zip")
    (folder / "log.pub").write_text(checkpoints.signer().public() + "\n", encoding="utf-8")
    return folder / f"{name}.zip"


def kept(folder: Path, note: str) -> Path:
    """Keep a checkpoint where the platform cannot reach it."""
    (folder / "old.checkpoint").write_text(note, encoding="utf-8")
    return folder / "old.checkpoint"


def as_superuser(*statements: str) -> None:
    """Do what only an administrator of the database can do: look away from every trigger."""
    address = servers.postgres().superuser_url(connection.settings_dict["NAME"])
    with psycopg.connect(address) as superuser:
        superuser.execute("SET session_replication_role = replica")
        for statement in statements:
            superuser.execute(statement)


def forge(folder: Path, payloads: Iterable[bytes], *, by: Ed25519Signer = SIGNER, name: str = "forged") -> Path:
    """Write a bundle over any entries at all, honestly hashed and signed."""
    lines = list(payloads)
    note = note_over(lines, by=by)
    with zipfile.ZipFile(folder / f"{name}.zip", "w") as bundle:
        bundle.writestr("checkpoint", note)
        bundle.writestr("entries.jsonl", b"".join(line + b"\n" for line in lines))
    (folder / f"{name}.pub").write_text(SIGNER.public(), encoding="utf-8")
    return folder / f"{name}.zip"


def note_over(lines: list[bytes], *, by: Ed25519Signer = SIGNER) -> str:
    tree = Frontier(merkle.sha256)
    for line in lines:
        tree.append(merkle.leaf_hash(merkle.sha256, line))
    return notes.sign(notes.Checkpoint(SIGNER.name, tree.size, tree.root()), [by])


def receipt(folder: Path, lines: list[bytes], seq: int, change: Callable[[dict[str, Any]], None] | None = None) -> Path:
    """Write a receipt for an entry of a forged bundle."""
    leaves = [merkle.leaf_hash(merkle.sha256, line) for line in lines]
    proof = merkle.inclusion(merkle.sha256, merkle.Tree(merkle.sha256, leaves), seq, len(lines))
    made = {
        "seq": seq,
        "payload": lines[seq].decode(),
        "leaf_hash": leaves[seq].hex(),
        "checkpoint": note_over(lines),
        "proof": [base64.b64encode(node).decode() for node in proof],
    }
    if change:
        change(made)
    (folder / "receipt.json").write_text(json.dumps(made), encoding="utf-8")
    return folder / "receipt.json"


def story(**changes: dict[str, Any]) -> list[bytes]:
    """Return the entries of scenario S19 (an expiry with usage metered late), some of them changed by their type."""
    at = {"at": "2025-07-01T04:00:00Z"}
    late = {"at": "2026-07-02T00:00:00Z"}
    programme, grant, redemption = {"programme": IDS["p"]}, {"grant": IDS["g"]}, {"redemption": IDS["r"]}
    ends = {"expires_at": "2026-06-30T16:00:00Z"}
    rules = {"code": "QY", "ratio_bp": 3_000, "entity_year_cap_fen": 2_000_000, "order_cap_fen": None, "grace_days": 7}
    told: dict[str, dict[str, Any]] = {
        "appropriate": {**at, **programme, **rules, "amount_fen": 10_000_000},
        "grant": {**at, **programme, **grant, **ends, "entity": "e", "amount_fen": 2_000_000},
        "hold": {**at, **grant, **redemption, "eligible_fen": 2_000_000, "year": 2025, "amount_fen": 600_000},
        "lapse": {"at": "2026-06-30T16:00:00Z", **grant, "amount_fen": 1_400_000},
        "capture": {**late, **redemption, "used_at": "2026-06-30T15:59:59.999000Z", "amount_fen": 240_000},
        "release": {**late, **redemption, "amount_fen": 360_000},
    }
    entries = [{"v": 1, "type": kind, **facts, **changes.get(kind, {})} for kind, facts in told.items()]
    last = {"v": 1, "type": "lapse", **late, **grant, "amount_fen": 360_000}
    return [canonical.encode(entry) for entry in [*entries, last | changes.get("last", {})]]
