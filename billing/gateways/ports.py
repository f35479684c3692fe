"""What billing expects of a payment gateway, in its own words."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Literal, Protocol
from uuid import UUID

from core.errors import Conflict, DomainError, NotFound

Method = Literal["alipay", "wechat_pay"]


class IntentStatus(StrEnum):
    """How far a payment has come. WAITING is for the payer, PROCESSING for the gateway.

    SUCCEEDED and CANCELLED are final. FAILED is not: the payer may try again until the intent is cancelled.
    """

    WAITING = "waiting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Intent:
    """A payment as the gateway knows it now.

    ``payment_id`` is our own id, which it was created with. ``action_url`` is where the payer goes to pay; ``qr_text``
    is what a QR code for the payer's phone says. ``failure`` is the gateway's code of the last failed attempt.
    """

    id: str
    status: IntentStatus
    amount_fen: int
    received_fen: int
    payment_id: UUID | None
    client_secret: str = ""
    action_url: str = ""
    qr_text: str = ""
    failure: str = ""


@dataclass(frozen=True, slots=True)
class Refund:
    """Money of a payment that went back to its payer; one that does not stand came to nothing, and is ours again."""

    id: str
    amount_fen: int
    stands: bool


@dataclass(frozen=True, slots=True)
class Event:
    """A message of the gateway with a genuine signature. Events repeat and overtake each other: the id tells.

    ``intent`` is a snapshot as of ``created_at``, which may be outdated: fetch the intent before acting on it.
    """

    id: str
    kind: str
    created_at: datetime
    payload: Mapping[str, Any]
    intent: Intent | None


class PaymentGateway(Protocol):
    """A way for money to come in, at once or later."""

    def create_top_up(self, *, payment_id: UUID, amount_fen: int, method: Method) -> Intent:
        """Ask for a payment. The same payment asked for again is the same intent.

        :raises PaymentDeclined: if the payer's side says no at once.
        :raises PaymentRefused: if the gateway will not take such a payment.
        :raises PaymentChanged: if the payment was asked for before with other terms.
        :raises GatewayUnavailable: if the gateway cannot be reached; the payment may exist, so ask again.
        """

    def fetch(self, intent_id: str) -> Intent:
        """Return an intent as it is now.

        :raises UnknownIntent: if there is none of that id.
        :raises GatewayUnavailable: if the gateway cannot be reached.
        """

    def cancel(self, intent_id: str) -> Intent:
        """Make sure that an intent can no longer be paid, and return it; one that was paid before stays SUCCEEDED.

        :raises UnknownIntent: if there is none of that id.
        :raises GatewayUnavailable: if the gateway cannot be reached.
        """

    def refunds(self, intent_id: str) -> Iterator[Refund]:
        """Yield what went back to the payer of an intent, also what was given back outside of our pages.

        :raises GatewayUnavailable: if the gateway cannot be reached.
        """

    def parse_event(self, body: bytes, signature: str) -> Event:
        """Return the event in a webhook's raw body.

        :raises BadSignature: if the gateway did not sign this body within the last five minutes.
        :raises MalformedEvent: if the body is signed but is not an event.
        """

    def events_since(self, at: datetime) -> Iterator[Event]:
        """Yield the events of intents created from ``at`` on, newest first, to heal webhooks that got lost.

        :raises GatewayUnavailable: if the gateway cannot be reached.
        """


class PaymentDeclined(DomainError):
    """The payer's bank or wallet said no; ``extra["reason"]`` is the gateway's code."""

    code = "payment-declined"
    status = 402


class PaymentRefused(DomainError):
    """The gateway does not take such a payment."""

    code = "payment-refused"


class PaymentChanged(Conflict):
    """The payment was already asked for with other terms."""

    code = "payment-changed"


class UnknownIntent(NotFound):
    """The gateway knows no payment of that id."""

    code = "unknown-payment"


class GatewayUnavailable(DomainError):
    """The gateway cannot be reached or is out of order; asking again later is safe."""

    code = "gateway-unavailable"
    status = 503


class BadSignature(DomainError):
    """A webhook that the gateway did not sign, or signed too long ago."""

    code = "bad-signature"
    status = 400


class MalformedEvent(DomainError):
    """A webhook that is signed but says nothing that we understand."""

    code = "malformed-event"
    status = 400
