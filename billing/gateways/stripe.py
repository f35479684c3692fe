"""Stripe: CNY payments by Alipay and WeChat Pay, through the official client."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import stripe
from django.utils.translation import gettext as _

from billing.gateways.ports import (
    BadSignature,
    Event,
    GatewayUnavailable,
    Intent,
    IntentStatus,
    MalformedEvent,
    Method,
    PaymentChanged,
    PaymentDeclined,
    PaymentRefused,
    Refund,
    UnknownIntent,
)

# Shapes of requests and events change with the version: it moves only together with the client and the tests.
API_VERSION = "2026-10-28.endive"
TIMEOUT_S = (4, 15)
RETRIES = 2
TOLERANCE_S = 300
PAGE = 100
EVENT_KINDS = [
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    "payment_intent.processing",
    "payment_intent.canceled",
]
FALLEN_THROUGH = ("failed", "canceled")
"""States of a refund that has come back to us."""
STATUSES = {
    "requires_payment_method": IntentStatus.WAITING,
    "requires_confirmation": IntentStatus.WAITING,
    "requires_action": IntentStatus.WAITING,
    "requires_capture": IntentStatus.PROCESSING,
    "processing": IntentStatus.PROCESSING,
    "succeeded": IntentStatus.SUCCEEDED,
    "canceled": IntentStatus.CANCELLED,
}

# The client would otherwise write an identifier into the home directory of whoever runs us.
stripe.enable_telemetry = False


class StripeGateway:
    """Our side of one Stripe account."""

    def __init__(self, *, api_key: str, webhook_secret: str, return_url: str, api_base: str = "") -> None:
        """Connect to Stripe, or to whatever speaks like it at ``api_base``."""
        self._http = stripe.RequestsClient(timeout=TIMEOUT_S)
        self._client = stripe.StripeClient(
            api_key,
            stripe_version=API_VERSION,
            base_addresses={"api": api_base} if api_base else {},
            max_network_retries=RETRIES,
            http_client=self._http,
        )
        self._webhook_secret = webhook_secret
        self._return_url = return_url

    def create_top_up(self, *, payment_id: UUID, amount_fen: int, method: Method) -> Intent:
        """Create and confirm a PaymentIntent whose idempotency key is our payment's id."""
        params: Any = {
            "amount": amount_fen,
            "currency": "cny",
            "payment_method_types": [method],
            "payment_method_data": {"type": method},
            "confirm": True,
            "return_url": self._return_url,
            "metadata": {"payment_id": str(payment_id)},
        }
        if method == "wechat_pay":
            params["payment_method_options"] = {"wechat_pay": {"client": "web"}}
        with _in_our_words():
            intents = self._client.v1.payment_intents
            return _intent(intents.create(params, {"idempotency_key": str(payment_id)}).to_dict())

    def fetch(self, intent_id: str) -> Intent:
        """Return a PaymentIntent as it is now."""
        with _in_our_words():
            return _intent(self._client.v1.payment_intents.retrieve(intent_id).to_dict())

    def cancel(self, intent_id: str) -> Intent:
        """Cancel a PaymentIntent; one that Stripe no longer cancels is returned as it is."""
        try:
            with _in_our_words():
                return _intent(self._client.v1.payment_intents.cancel(intent_id).to_dict())
        except PaymentRefused:
            return self.fetch(intent_id)

    def refunds(self, intent_id: str) -> Iterator[Refund]:
        """Yield the refunds of a PaymentIntent."""
        params: Any = {"payment_intent": intent_id, "limit": PAGE}
        with _in_our_words():
            for one in self._client.v1.refunds.list(params).auto_paging_iter():
                yield Refund(one.id, one.amount, one.status not in FALLEN_THROUGH)

    def parse_event(self, body: bytes, signature: str) -> Event:
        """Check Stripe's signature over the raw body; after a change of secret any one of its signatures is enough."""
        try:
            # The client compares text and stumbles over anything that a signature can never contain.
            text, header = body.decode("utf-8"), signature.encode("ascii").decode()
            event = self._client.construct_event(text, header, self._webhook_secret, TOLERANCE_S)
        except (UnicodeError, stripe.SignatureVerificationError) as error:
            raise BadSignature(_("The signature does not fit this message.")) from error
        except (ValueError, AttributeError) as error:
            raise MalformedEvent(_("This is not an event.")) from error
        return _event(event.to_dict())

    def events_since(self, at: datetime) -> Iterator[Event]:
        """Yield the events of PaymentIntents from ``at`` on, newest first."""
        params: Any = {"created": {"gte": int(at.timestamp())}, "types": EVENT_KINDS, "limit": PAGE}
        with _in_our_words():
            for event in self._client.v1.events.list(params).auto_paging_iter():
                yield _event(event.to_dict())

    def close(self) -> None:
        """Close the connections of this thread."""
        self._http.close()  # type: ignore[no-untyped-call]


@contextmanager
def _in_our_words() -> Iterator[None]:
    """Raise our errors for Stripe's; a wrong key or a missing right is a bug and stays one."""
    try:
        yield
    except stripe.CardError as error:
        reason = _failure(error.error.to_dict() if error.error else {})
        raise PaymentDeclined(_("The payment was declined."), reason=reason) from error
    except stripe.IdempotencyError as error:
        raise PaymentChanged(_("This payment was already requested with other terms.")) from error
    except stripe.InvalidRequestError as error:
        if error.http_status == 404:
            raise UnknownIntent(_("There is no such payment.")) from error
        raise PaymentRefused(_("The payment service does not accept this payment."), reason=error.code) from error
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        raise GatewayUnavailable(_("The payment service cannot be reached. Please try again later.")) from error


def _event(event: Mapping[str, Any]) -> Event:
    try:
        thing = event["data"]["object"]
        return Event(
            id=event["id"],
            kind=event["type"],
            created_at=datetime.fromtimestamp(event["created"], UTC),
            payload=event,
            intent=_intent(thing) if thing["object"] == "payment_intent" else None,
        )
    except (KeyError, TypeError, ValueError) as error:
        raise MalformedEvent(_("This is not an event.")) from error


def _intent(intent: Mapping[str, Any]) -> Intent:
    action = intent.get("next_action") or {}
    alipay = action.get("alipay_handle_redirect") or {}
    wechat = action.get("wechat_pay_display_qr_code") or {}
    failure = _failure(intent.get("last_payment_error") or {})
    return Intent(
        id=intent["id"],
        status=_status(intent["status"], failure),
        amount_fen=intent["amount"],
        received_fen=intent["amount_received"],
        payment_id=_payment_id(intent),
        client_secret=intent.get("client_secret") or "",
        action_url=alipay.get("url") or wechat.get("hosted_instructions_url") or "",
        qr_text=wechat.get("data") or "",
        failure=failure,
    )


def _status(status: str, failure: str) -> IntentStatus:
    """Return our status; an intent that wants another payment method after a failure has failed."""
    if status == "requires_payment_method" and failure:
        return IntentStatus.FAILED
    return STATUSES[status]


def _failure(error: Mapping[str, Any]) -> str:
    return str(error.get("decline_code") or error.get("code") or "")


def _payment_id(intent: Mapping[str, Any]) -> UUID | None:
    """Return our id; the account may hold payments that are not ours."""
    try:
        return UUID(intent["metadata"]["payment_id"])
    except (KeyError, ValueError):
        return None
