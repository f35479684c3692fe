"""Drive top-ups through Stripe: intent row first, then the call, then what the webhook or a look-up tells."""

from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from billing import accounts
from billing.gateways.ports import IntentStatus, PaymentGateway
from billing.gateways.stripe import StripeGateway
from billing.models import StripeEvent, TopUp, TopUpStatus
from billing.services import top_ups

ASK_AGAIN_AFTER = timedelta(minutes=10)
CALL_AGAIN_AFTER = timedelta(seconds=30)
OUTCOMES = {
    IntentStatus.SUCCEEDED: TopUpStatus.SUCCEEDED,
    IntentStatus.CANCELLED: TopUpStatus.CANCELLED,
    IntentStatus.FAILED: TopUpStatus.FAILED,
}


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
    return open_intent(gateway=gateway, top_up=top_up)


def open_intent(*, gateway: PaymentGateway, top_up: TopUp) -> TopUp:
    """Ask Stripe for the payment intent of a top-up and remember it; asking twice gives the same intent."""
    method: Any = top_up.method
    intent = gateway.create_top_up(payment_id=top_up.pk, amount_fen=top_up.amount_fen, method=method)
    TopUp.objects.filter(pk=top_up.pk, status=TopUpStatus.CREATED).update(stripe_intent=intent.id)
    top_up.refresh_from_db()
    if top_up.status == TopUpStatus.CREATED:
        top_up.move_to(TopUpStatus.PENDING)
    return top_up


def receive_event(*, gateway: PaymentGateway, body: bytes, signature: str, at: datetime) -> bool:
    """Check a webhook's signature and keep the event; tell whether it is new. ``sync`` works on it.

    :raises BadSignature: if Stripe did not sign it within five minutes; nothing is kept.
    :raises MalformedEvent: if it is signed but no event.
    """
    event = gateway.parse_event(body, signature)
    kept = {"kind": event.kind, "payload": dict(event.payload), "received_at": at}
    _row, is_new = StripeEvent.objects.get_or_create(pk=event.id, defaults=kept)
    return is_new


@transaction.atomic
def apply_event(*, gateway: PaymentGateway, event_id: str, at: datetime) -> None:
    """Work on one kept event: look the intent up, because events come late, twice and out of order."""
    event = StripeEvent.objects.select_for_update().get(pk=event_id)
    if event.processed_at is not None:
        return
    intent_id = event.payload["data"]["object"].get("id")
    top_up = TopUp.objects.filter(stripe_intent=intent_id).first()
    if top_up is not None:
        look_up(gateway=gateway, top_up=top_up, at=at)
    StripeEvent.objects.filter(pk=event_id).update(processed_at=at)


@transaction.atomic
def look_up(*, gateway: PaymentGateway, top_up: TopUp, at: datetime) -> None:
    """Bring a top-up to the state its intent has at Stripe; a finished one stays as it is."""
    top_up = TopUp.objects.locked().select_related("organization").get(pk=top_up.pk)
    if top_up.status not in (TopUpStatus.CREATED, TopUpStatus.PENDING) or not top_up.stripe_intent:
        return
    intent = gateway.fetch(top_up.stripe_intent)
    outcome = OUTCOMES.get(intent.status)
    if outcome is None:
        return
    top_up.move_to(outcome, finished_at=at)
    if outcome == TopUpStatus.SUCCEEDED:
        key = f"stripe/{top_up.stripe_intent}/succeeded"
        top_ups.credit(top_up=top_up, source=accounts.STRIPE_CLEARING, key=key, at=at)
    audit.record(actor=audit.SYSTEM, verb=f"top-up.{outcome}", thing=top_up, at=at)


def stale(*, at: datetime) -> list[TopUp]:
    """Return the Stripe top-ups whose call may have been lost, or about which no event has come for ten minutes."""
    unopened = Q(stripe_intent=None, created_at__lt=at - CALL_AGAIN_AFTER)
    silent = Q(created_at__lt=at - ASK_AGAIN_AFTER)
    return list(TopUp.objects.unfinished().through_stripe().filter(unopened | silent).order_by("pk"))


def heal(*, gateway: PaymentGateway, top_up: TopUp, at: datetime) -> None:
    """Make the call that was lost, or ask what became of the intent."""
    if not top_up.stripe_intent:
        top_up = open_intent(gateway=gateway, top_up=top_up)
    look_up(gateway=gateway, top_up=top_up, at=at)
