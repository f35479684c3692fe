"""Deliver the events of a make-believe Stripe: signed, retried, and late, twice or out of order on demand."""

import hmac
import json
import queue
import random
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Sequence
from typing import Any

Json = dict[str, Any]

TRIES = 5
PAUSE_S = 0.5
TIMEOUT_S = 10


def signature(body: bytes, secrets: Sequence[str], at: int) -> str:
    """Return the ``Stripe-Signature`` header: one signature for each secret that is in force."""
    signed = str(at).encode() + b"." + body
    marks = [hmac.digest(secret.encode(), signed, "sha256").hex() for secret in secrets]
    return ",".join([f"t={at}", *(f"v1={mark}" for mark in marks)])


class Courier:
    """One thread that carries events to the webhook, so that whoever causes an event never waits for its delivery."""

    def __init__(self, url: str, secrets: Sequence[str]) -> None:
        self.url = url
        self.secrets = list(secrets)
        self.hold = False
        self.held: list[Json] = []
        self._waiting: queue.Queue[Json | None] = queue.Queue()
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._carry, name="stripe-courier", daemon=True)

    def start(self) -> None:
        """Begin to deliver."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the attempt in hand."""
        self._stopped.set()
        self._waiting.put(None)
        self._thread.join()

    def announce(self, event: Json) -> None:
        """Take an event, to be delivered soon, or kept while the courier is told to hold."""
        if self.hold or not self.url:
            self.held.append(event)
        else:
            self._waiting.put(event)

    def deliver(
        self, events: Sequence[Json], *, copies: int = 1, delay_s: float = 0, seed: int | None = None
    ) -> list[int]:
        """Deliver events now, each ``copies`` times, shuffled by ``seed``, and return the webhook's answers."""
        load = [event for event in events for _ in range(copies)]
        if seed is not None:
            random.Random(seed).shuffle(load)  # noqa: S311 - a shuffle to repeat, not a secret
        time.sleep(delay_s)
        return [self._post(event) for event in load]

    def _carry(self) -> None:
        while (event := self._waiting.get()) is not None:
            self._insist(event)

    def _insist(self, event: Json) -> None:
        for attempt in range(TRIES):
            if self._stopped.is_set() or 200 <= self._post(event) < 300:
                return
            self._stopped.wait(PAUSE_S * 2**attempt)

    def _post(self, event: Json) -> int:
        """Return the status of the webhook's answer, or 0 if there was none."""
        body = json.dumps(event).encode()
        headers = {
            "Content-Type": "application/json",
            "Stripe-Signature": signature(body, self.secrets, int(time.time())),
        }
        try:
            request = urllib.request.Request(self.url, body, headers)  # noqa: S310 - the address is ours
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - as above
                return int(answer.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except OSError:
            return 0
