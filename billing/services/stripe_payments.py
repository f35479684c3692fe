"""Drive top-ups through Stripe: intent row first, then the call, then what the webhook or a look-up tells."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from billing import accounts
from billing.gateways.ports import (
    Intent,
    IntentStatus,
    PaymentDeclined,
    PaymentGateway,
    PaymentRefused,
    UnknownIntent,
)
from billing.gateways.stripe import StripeGateway
from billing.models import StripeEvent, TopUp, TopUpStatus
from billing.services import stripe_refunds, top_ups
from core.errors import IllegalMove

ASK_AGAIN_AFTER = timedelta(minutes=10)
CALL_AGAIN_AFTER = timedelta(seconds=30)
ABANDONED_AFTER = timedelta(days=1)
OUTCOMES = {
    IntentStatus.SUCCEEDED: TopUpStatus.SUCCEEDED,
    IntentStatus.CANCELLED: TopUpStatus.CANCELLED,
}


logger = logging.getLogger(__name__)


class WrongIntent(RuntimeError):
    """Stripe speaks of a payment that is not the one we asked for: somebody must look."""


@cache
def gateway_in_use() -> PaymentGateway:
    """Return the gateway that the settings name."""
    return StripeGateway(
        api_key=settings.STRIPE_SECRET_KEY,
        webhook_secret=settings.STRIPE_WEBHOOK_SECRET,
        return_url=settings.STRIPE_RETURN_URL,
        api_base=settings.STRIPE_API_BASE,
    )


def start(
    *,
    gateway: PaymentGateway,
    organization: Organization,
    method: str,
    amount_fen: int,
    actor: Actor,
    at: datetime,
) -> TopUp:
    """Create a top-up and its payment intent.

    The row is committed before Stripe is called with the row's id as idempotency key: a crash in between is healed
    by ``sync``, which makes the same call again.
    """
    top_up = top_ups.create(
        organization=organization,
        method=method,
        amount_fen=amount_fen,
        actor=actor,
        at=at,
    )
    return open_intent(gateway=gateway, top_up=top_up, at=at)


def open_intent(*, gateway: PaymentGateway, top_up: TopUp, at: datetime) -> TopUp:
    """Ask Stripe for the payment intent of a top-up and remember it; asking twice gives the same intent.

    A refusal closes the top-up: Stripe would repeat it under the same key, so another try is another top-up.

    :raises PaymentDeclined, PaymentRefused: if Stripe says no.
    """
    method: Any = top_up.method
    try:
        intent = gateway.create_top_up(payment_id=top_up.pk, amount_fen=top_up.amount_fen, method=method)
    except (PaymentDeclined, PaymentRefused):
        _fail(top_up, at=at)
        raise
    with suppress(IllegalMove):  # an event was faster, and has said how it ended
        top_up.move_to(TopUpStatus.PENDING, stripe_intent=intent.id)
    top_up.refresh_from_db()
    return top_up


@transaction.atomic
def _fail(top_up: TopUp, *, at: datetime) -> None:
    top_up.move_to(TopUpStatus.FAILED, finished_at=at)
    audit.record(actor=audit.SYSTEM, verb=f"top-up.{TopUpStatus.FAILED}", thing=top_up, at=at)


def receive_event(*, gateway: PaymentGateway, body: bytes, signature: str, at: datetime) -> bool:
    """Check a webhook's signature and keep the event; tell whether it is new. ``apply_event`` works on it.

    :raises BadSignature: if Stripe did not sign it within five minutes; nothing is kept.
    :raises MalformedEvent: if it is signed but no event.
    """
    event = gateway.parse_event(body, signature)
    kept = {"kind": event.kind, "payload": dict(event.payload), "received_at": at}
    _row, is_new = StripeEvent.objects.get_or_create(pk=event.id, defaults=kept)
    return is_new


def apply_event(*, gateway: PaymentGateway, event_id: str, at: datetime) -> None:
    """Work on one kept event: look the intent up, because events come late, twice and out of order."""
    event = StripeEvent.objects.get(pk=event_id)
    if event.processed_at is None:
        with _alarm():
            _follow(gateway, event.payload["data"]["object"], at=at)
    StripeEvent.objects.filter(pk=event_id, processed_at=None).update(processed_at=at)


def _follow(gateway: PaymentGateway, thing: Mapping[str, Any], *, at: datetime) -> None:
    """Look up what a thing of Stripe's tells of: a payment, or money that went back to its payer."""
    top_up, refunded = _named_in(thing), _refunded_in(thing)
    if top_up is not None:
        look_up(gateway=gateway, top_up=top_up, intent_id=thing["id"], at=at)
    if refunded is not None:
        look_up(gateway=gateway, top_up=refunded, intent_id=str(refunded.stripe_intent), at=at)
        stripe_refunds.follow(gateway=gateway, top_up=refunded, at=at)


def _refunded_in(thing: Mapping[str, Any]) -> TopUp | None:
    """Return the top-up of which a refund gave money back."""
    if thing.get("object") != "refund" or not isinstance(thing.get("payment_intent"), str):
        return None
    return TopUp.objects.through_stripe().filter(stripe_intent=thing["payment_intent"]).first()


def _named_in(thing: Mapping[str, Any]) -> TopUp | None:
    """Return the top-up of a payment intent, found by our own id: an event may come before we know Stripe's.

    Charges and the like carry the id as well, copied from their intent, which tells of itself.
    """
    if thing.get("object") != "payment_intent":
        return None
    try:
        return TopUp.objects.through_stripe().filter(pk=UUID(thing["metadata"]["payment_id"])).first()
    except (KeyError, TypeError, ValueError):
        return None


def look_up(*, gateway: PaymentGateway, top_up: TopUp, intent_id: str, at: datetime) -> None:
    """Bring a top-up to the state its intent has at Stripe; a finished one stays as it is.

    Stripe is asked before any row is locked. A failed intent could still be paid, so it is cancelled first.

    :raises WrongIntent: if the intent is not for this top-up, or not for its amount.
    """
    intent = gateway.fetch(intent_id)
    if intent.status == IntentStatus.FAILED:
        intent = gateway.cancel(intent_id)
    outcome = OUTCOMES.get(intent.status)
    if outcome is None:
        return
    paid = intent.received_fen if outcome == TopUpStatus.SUCCEEDED else top_up.amount_fen
    if (intent.payment_id, paid) != (top_up.pk, top_up.amount_fen):
        raise WrongIntent(f"intent {intent_id} does not pay top-up {top_up.pk}")
    _finish(top_up, intent, outcome, at=at)


@transaction.atomic
def _finish(top_up: TopUp, intent: Intent, outcome: TopUpStatus, *, at: datetime) -> None:
    top_up = TopUp.objects.locked().select_related("organization").get(pk=top_up.pk)
    if top_up.status not in (TopUpStatus.CREATED, TopUpStatus.PENDING):
        return
    top_up.move_to(outcome, finished_at=at, stripe_intent=intent.id)
    if outcome == TopUpStatus.SUCCEEDED:
        key = f"stripe/{intent.id}/succeeded"
        top_ups.credit(top_up=top_up, source=accounts.STRIPE_CLEARING, key=key, at=at)
    audit.record(actor=audit.SYSTEM, verb=f"top-up.{outcome}", thing=top_up, at=at)


def stale(*, at: datetime, limit: int) -> list[TopUp]:
    """Return the Stripe top-ups whose call may have been lost, or about which nobody has asked for ten minutes."""
    unopened = Q(stripe_intent=None, asked_at__lt=at - CALL_AGAIN_AFTER)
    silent = Q(asked_at__lt=at - ASK_AGAIN_AFTER)
    waiting = TopUp.objects.unfinished().through_stripe().filter(unopened | silent)
    return list(waiting.order_by("asked_at", "pk")[:limit])


def heal(*, gateway: PaymentGateway, top_up: TopUp, at: datetime) -> None:
    """Make the call that was lost, or ask what became of the intent; a refusal by Stripe is an answer too.

    An intent that nobody has paid for a day is cancelled, so that we need not ask for ever.
    """
    if not TopUp.objects.unfinished().filter(pk=top_up.pk).update(asked_at=at):
        return
    try:
        opened = top_up if top_up.stripe_intent else open_intent(gateway=gateway, top_up=top_up, at=at)
    except (PaymentDeclined, PaymentRefused):
        return
    if opened.stripe_intent is None:
        return
    with _alarm():
        if opened.created_at < at - ABANDONED_AFTER:
            gateway.cancel(opened.stripe_intent)
        look_up(gateway=gateway, top_up=opened, intent_id=opened.stripe_intent, at=at)


@contextmanager
def _alarm() -> Iterator[None]:
    """Report an intent that is wrong, or unknown to Stripe, to the log: asking again at once would tell nothing new."""
    try:
        yield
    except (WrongIntent, UnknownIntent):
        logger.exception("a payment at Stripe is not the one we asked for")
