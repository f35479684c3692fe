"""A provider with reservations that have run for days, and the reports that its agent would send."""

import base64
import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import django

django.setup()

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: E402
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat  # noqa: E402

from accounts.services import keys  # noqa: E402  models need the settings first
from accounts.services.audit import SYSTEM  # noqa: E402
from core.ids import uuid7  # noqa: E402
from core.periods import hour_of  # noqa: E402
from tests.market import scenes  # noqa: E402

EVENTS = 1_000
CARDS = 8
DAYS = 4
COLUMNS = (
    "batch_id, provider_id, event_id, reservation_id, starts_at, ends_at, accelerators, accelerator_ms, body_sha256"
)
TYPES = ["int8", "uuid", "text", "uuid", "timestamptz", "timestamptz", "int4", "int8", "bytea"]

Event = dict[str, Any]


class Scene:
    """The provider, its keys and its reservations."""

    def __init__(self, reservations: int) -> None:
        now = datetime.now(UTC)
        self.begins = hour_of(now) - timedelta(days=DAYS)
        offering = scenes.listed(scenes.provider(), scenes.accelerator(), count=CARDS * reservations)
        self.provider, buyer = offering.provider, scenes.buyer()
        reserved = [
            scenes.past_reservation(buyer, offering, starts_at=self.begins, length=24 * DAYS, cards=CARDS)
            for _ in range(reservations)
        ]
        self.reservations = [reservation.pk for reservation in reserved]
        scopes = ["usage", "read"]
        _key, self.token = keys.issue(organization=self.provider, name="agent", scopes=scopes, actor=SYSTEM, at=now)
        self.private_key = Ed25519PrivateKey.generate()
        public = self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.signing_key = keys.register_signing_key(
            organization=self.provider, public_key=public, actor=SYSTEM, at=now
        )

    def reports(self, step: timedelta) -> Iterator[list[Event]]:
        """Yield reports of new events: every reservation on the same number of steps, then on the next."""
        turns = EVENTS // len(self.reservations)
        for first in range(0, timedelta(days=DAYS) // step - turns, turns):
            yield [
                event(reservation, self.begins + step * turn, step)
                for reservation in self.reservations
                for turn in range(first, first + turns)
            ]

    def headers(self, body: bytes, idempotency_key: str) -> dict[str, str]:
        """Return the headers of a signed report."""
        stamp = int(datetime.now(UTC).timestamp())
        value = self.private_key.sign(keys.signed_bytes(stamp=stamp, idempotency_key=idempotency_key, body=body))
        return {
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/cloudevents-batch+json",
            "Idempotency-Key": idempotency_key,
            "Suanyi-Signature": f"t={stamp},kid={self.signing_key.pk},v1={base64.b64encode(value).decode()}",
        }

    def row(self, one: Event) -> tuple[Any, ...]:
        """Return an event as the columns of a usage table."""
        span = one["data"]
        return (
            1,
            self.provider.pk,
            one["id"],
            UUID(one["subject"].partition("/")[2]),
            datetime.fromisoformat(span["start"]),
            datetime.fromisoformat(span["end"]),
            span["accelerators"],
            span["accelerator_ms"],
            hashlib.sha256(one["id"].encode()).digest(),
        )


def event(reservation: UUID, start: datetime, step: timedelta) -> Event:
    """Return one event with every field that is required and none that is not."""
    end = start + step
    return {
        "specversion": "1.0",
        "id": f"u_{uuid7().hex}",
        "source": "//provider/slurm/hz-a",
        "type": "compute.usage.interval.v1",
        "subject": f"reservation/{reservation}",
        "data": {
            "start": f"{start:%Y-%m-%dT%H:%M:%SZ}",
            "end": f"{end:%Y-%m-%dT%H:%M:%SZ}",
            "resource_class": "nvidia-a100-80g",
            "accelerators": CARDS,
            "accelerator_ms": CARDS * (step // timedelta(milliseconds=1)),
        },
    }
