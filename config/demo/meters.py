"""The providers' meters: honest about what ran, careless about how they report it.

A seeded share of batches is sent twice, of events repeated in later batches, delayed for days, contradicted under the
same id, or claimed beyond the reservation. None of that may change a bill.
"""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from config.demo import usage
from config.demo.client import Client
from config.demo.usage import Run
from core.periods import HOUR

BATCH = 500
RETRIED_BATCHES = 0.08
REPEATED_EVENTS = 0.03
LATE_EVENTS = 0.03
CONFLICTING_EVENTS = 0.01
OVERLONG_RUNS = 0.03
LATENESS = timedelta(days=2)

Event = dict[str, Any]


@dataclass
class Meter:
    """One provider's meter: its runs, its key, and what it still has to send."""

    client: Client
    key: Ed25519PrivateKey
    key_id: UUID
    draw: random.Random
    said: Counter[str] = field(default_factory=Counter)
    batches: int = 0
    _waiting: deque[tuple[datetime, Event]] = field(default_factory=deque)
    _late: list[tuple[datetime, Event]] = field(default_factory=list)

    def add(self, run: Run) -> None:
        """Take a run to report; some meters go on counting after the reservation's end."""
        for event in usage.events(run):
            due = datetime.fromisoformat(event["data"]["end"])
            self._waiting.append((due, event))
        if run.starts_at < run.ends_at and self.draw.random() < OVERLONG_RUNS:
            beyond = usage.event(run, run.ends_at, run.ends_at + 200 * HOUR, final=True)
            self._waiting.append((run.ends_at, beyond | {"id": f"{run.key}-beyond"}))

    def send(self, *, at: datetime) -> None:
        """Send everything that is due, in batches, with this meter's carelessness."""
        due = self._due(at)
        repeated = [event for event in due if self.draw.random() < REPEATED_EVENTS]
        contradicted = [_contradiction(event) for event in due if self.draw.random() < CONFLICTING_EVENTS]
        for events in (due, repeated + contradicted):
            for start in range(0, len(events), BATCH):
                self._send_batch(events[start : start + BATCH], at=at)

    def _due(self, at: datetime) -> list[Event]:
        ready = [event for due, event in self._late if due <= at]
        self._late = [(due, event) for due, event in self._late if due > at]
        waiting, self._waiting = self._waiting, deque()
        for due, event in waiting:
            if due > at:
                self._waiting.append((due, event))
            elif self.draw.random() < LATE_EVENTS:
                self._late.append((at + LATENESS, event))
            else:
                ready.append(event)
        return ready

    def _send_batch(self, events: list[Event], *, at: datetime) -> None:
        self.batches += 1
        key = f"batch-{self.key_id}-{self.batches}"
        body = usage.encode(events)
        for _attempt in range(2 if self.draw.random() < RETRIED_BATCHES else 1):
            signature = usage.sign(key=self.key, key_id=self.key_id, idempotency_key=key, body=body, at=at)
            reply = self.client.post_signed("usage/batches", key=key, body=body, signature=signature)
            if reply.status != 200:
                raise RuntimeError(f"a batch was refused: {reply.status} {reply.body}")
            self.said["replayed batches" if reply.replayed else "batches"] += 1
        for name in ("accepted", "duplicates", "conflicts", "rejected"):
            self.said[name] += reply.body[name]


def meters(*, seed: int, providers: dict[str, UUID], connect: Callable[[str], Client]) -> dict[str, Meter]:
    """Return one meter a provider, by name."""
    made: dict[str, Meter] = {}
    for name, key_id in providers.items():
        draw = random.Random(f"{seed}/{name}")  # noqa: S311 - a rehearsal must be repeatable, not secret
        made[name] = Meter(connect(name), usage.signing_key(seed=seed, provider=name), key_id, draw)
    return made


def totals(every: dict[str, Meter]) -> dict[str, int]:
    """Add up what the platform answered to all meters."""
    said: defaultdict[str, int] = defaultdict(int)
    for meter in every.values():
        for name, count in meter.said.items():
            said[name] += count
    return dict(said)


def _contradiction(event: Event) -> Event:
    """Return another event under the same id: the same start, half as long."""
    data = event["data"]
    starts_at, ends_at = (datetime.fromisoformat(data[name]) for name in ("start", "end"))
    half_ms = (ends_at - starts_at) // usage.MILLISECOND // 2
    end = usage.stamp(starts_at + half_ms * usage.MILLISECOND)
    return event | {"data": data | {"end": end, "accelerator_ms": half_ms * data["accelerators"]}}
