"""Turn a planned run into the events that a provider's meter would send: one per clock hour, signed in batches."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from core.periods import HOUR, hour_of

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Run:
    """What really ran on a reservation, as its provider knows it."""

    key: str
    reservation_id: UUID
    accelerator: str
    count: int
    starts_at: datetime
    ends_at: datetime
    failed: bool


def signing_key(*, seed: int, provider: str) -> Ed25519PrivateKey:
    """Return the private key of a rehearsal's provider: the same for the same seed and name."""
    return Ed25519PrivateKey.from_private_bytes(hashlib.sha256(f"rehearsal/{seed}/{provider}".encode()).digest())


def events(run: Run) -> Iterator[dict[str, Any]]:
    """Yield the run's CloudEvents, each inside one clock hour."""
    starts_at = run.starts_at
    while starts_at < run.ends_at:
        ends_at = min(run.ends_at, hour_of(starts_at) + HOUR)
        yield event(run, starts_at, ends_at, final=ends_at == run.ends_at)
        starts_at = ends_at


def event(run: Run, starts_at: datetime, ends_at: datetime, *, final: bool) -> dict[str, Any]:
    """Return one usage event; its id is derived from what it reports, so a repeated report has the same id."""
    return {
        "specversion": "1.0",
        "id": f"{run.key}-{starts_at:%Y%m%dT%H%M%S}",
        "source": "//meter/rehearsal",
        "type": "compute.usage.interval.v1",
        "subject": f"reservation/{run.reservation_id}",
        "time": stamp(ends_at),
        "datacontenttype": "application/json",
        "data": {
            "start": stamp(starts_at),
            "end": stamp(ends_at),
            "resource_class": run.accelerator,
            "accelerators": run.count,
            "accelerator_ms": run.count * ((ends_at - starts_at) // MILLISECOND),
            "final": final,
        },
    }


def encode(batch: list[dict[str, Any]]) -> bytes:
    """Return the body of a batch."""
    return json.dumps(batch, separators=(",", ":")).encode()


def sign(*, key: Ed25519PrivateKey, key_id: UUID, idempotency_key: str, body: bytes, at: datetime) -> str:
    """Return the ``Suanyi-Signature`` header of a batch."""
    stamp = int(at.timestamp())
    signature = key.sign(f"{stamp}.{idempotency_key}.".encode() + body)
    return f"t={stamp},kid={key_id},v1={base64.b64encode(signature).decode()}"


def stamp(at: datetime) -> str:
    """Write an instant as the events do: UTC to the millisecond."""
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")
