"""A small HTTP client of our own API, as a buyer's or a provider's system would have one."""

import http.client
import json
from dataclasses import dataclass, field
from typing import Any

TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: its status, its JSON body, and whether it repeats an earlier one."""

    status: int
    body: Any
    replayed: bool


@dataclass
class Client:
    """One connection, kept open, and the bearer key to ask with."""

    host: str
    port: int
    token: str
    _connection: http.client.HTTPConnection | None = field(default=None, repr=False)

    def get(self, path: str) -> Reply:
        """Read something."""
        return self._ask("GET", path, b"", {})

    def post(self, path: str, *, key: str, body: Any) -> Reply:
        """Do something once: ``key`` is the idempotency key."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return self._ask("POST", path, json.dumps(body).encode(), headers)

    def post_signed(self, path: str, *, key: str, body: bytes, signature: str) -> Reply:
        """Send a signed batch of usage events."""
        headers = {
            "Content-Type": "application/cloudevents-batch+json",
            "Idempotency-Key": key,
            "Suanyi-Signature": signature,
        }
        return self._ask("POST", path, body, headers)

    def close(self) -> None:
        """Close the connection."""
        if self._connection:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        """Ask, and once more on a fresh connection if the server closed the kept one."""
        every = {"Authorization": f"Bearer {self.token}", "Accept-Language": "zh-hans", **headers}
        try:
            return self._once(method, path, body, every)
        except (http.client.HTTPException, ConnectionError):
            self.close()
            return self._once(method, path, body, every)

    def _once(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        if self._connection is None:
            self._connection = http.client.HTTPConnection(self.host, self.port, timeout=TIMEOUT_S)
        self._connection.request(method, f"/api/v1/{path}", body or None, headers)
        response = self._connection.getresponse()
        content = response.read()
        replayed = response.headers.get("Idempotency-Replayed") == "true"
        return Reply(response.status, json.loads(content) if content else None, replayed)
