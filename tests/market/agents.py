"""Clients of the API as tests see them: a machine with a key, and a provider's agent that signs reports."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from django.http import HttpResponse
from django.test import Client

from accounts.models import Organization, Scope
from accounts.services import keys
from accounts.services.audit import SYSTEM
from core import clock
from market.models import Reservation
from market.services.usage_events import Interval

BATCHES = "/api/v1/usage/batches"
CLOUD_EVENTS = "application/cloudevents-batch+json"
MILLISECOND = timedelta(milliseconds=1)
DATA_FIELDS = {*Interval.__struct_fields__, "fan_speed"}


class Machine:
    """A client with a key of an organisation."""

    def __init__(self, organization: Organization, scopes: list[str] | None = None) -> None:
        self.organization = organization
        scopes = Scope.values if scopes is None else scopes
        self.key, self.token = keys.issue(
            organization=organization, name="test", scopes=scopes, actor=SYSTEM, at=clock.now()
        )
        self.client = Client(headers={"Authorization": f"Bearer {self.token}", "Accept-Language": "en"})

    def get(self, path: str, **query: Any) -> HttpResponse:
        return self.client.get(f"/api/v1/{path}", query)

    def post(self, path: str, fields: Any = None, *, key: str = "") -> HttpResponse:
        headers = {"Idempotency-Key": key or str(uuid4())}
        return self.client.post(f"/api/v1/{path}", fields or {}, content_type="application/json", headers=headers)


class Agent(Machine):
    """A machine of a provider with a signing key."""

    def __init__(self, organization: Organization, scopes: list[str] | None = None) -> None:
        super().__init__(organization, scopes)
        self.private_key = Ed25519PrivateKey.generate()
        public = self.private_key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        self.signing_key = keys.register_signing_key(
            organization=organization, public_key=public, actor=SYSTEM, at=clock.now()
        )

    def report(self, *events: dict[str, Any], key: str = "", at: datetime | None = None) -> HttpResponse:
        """Sign events and send them."""
        return self.send(json.dumps(events).encode(), key=key, at=at)

    def send(
        self,
        body: bytes,
        *,
        key: str = "",
        at: datetime | None = None,
        signature: str = "",
        media_type: str = CLOUD_EVENTS,
    ) -> HttpResponse:
        """Sign a body and send it."""
        key = key or str(uuid4())
        signature = signature or self.sign(body, key, at or clock.now())
        headers = {"Idempotency-Key": key, "Suanyi-Signature": signature}
        return self.client.post(BATCHES, body, content_type=media_type, headers=headers)

    def sign(self, body: bytes, key: str, at: datetime) -> str:
        """Return the signature header of a body."""
        stamp = int(at.timestamp())
        value = self.private_key.sign(keys.signed_bytes(stamp=stamp, idempotency_key=key, body=body))
        return f"t={stamp},kid={self.signing_key.pk},v1={base64.b64encode(value).decode()}"


def event(reservation: Reservation, start: datetime, end: datetime, /, **changes: Any) -> dict[str, Any]:
    """Return an honest event over an interval; ``changes`` replace its fields and those of its data."""
    cards = changes.get("accelerators", reservation.count)
    data = {
        "start": start.isoformat(),
        "end": end.isoformat(),
        "resource_class": "card",
        "accelerators": cards,
        "accelerator_ms": cards * ((end - start) // MILLISECOND),
    }
    whole = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "//provider/slurm/a",
        "type": "compute.usage.interval.v1",
        "subject": f"reservation/{reservation.pk}",
        "time": end.isoformat(),
        "data": data,
    }
    for name, value in changes.items():
        (data if name in DATA_FIELDS else whole)[name] = value
    return whole
