"""Sweeps of billing: each lists what waits and sends small tasks, each of which may run twice."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from uuid import UUID

from celery import current_app, shared_task
from django.db import DatabaseError

from accounts.models import Organization
from billing.integrity import MarketFacts
from billing.models import StripeEvent, TopUp
from billing.services import (
    approvals,
    auto_extensions,
    charges,
    fundings,
    instalments,
    invoicing,
    line_charges,
    settlement,
    simulations,
    stripe_payments,
)
from core import clock
from core.errors import DomainError
from vouchers.services import sweeps

logger = logging.getLogger(__name__)

CHUNK = 20
MOST_AT_ONCE = 1_000


@shared_task(name="billing.rate_usage", acks_late=True)
def rate_usage() -> None:
    """Send the reservations whose meter has changed since they were charged, a chunk a task."""
    ids = [str(reservation_id) for reservation_id in charges.waiting(limit=MOST_AT_ONCE)]
    for start in range(0, len(ids), CHUNK):
        current_app.send_task(
            "billing.rate_reservations",
            kwargs={"reservation_ids": ids[start : start + CHUNK]},
        )


@shared_task(name="billing.rate_reservations", acks_late=True)
def rate_reservations(*, reservation_ids: list[str]) -> None:
    """Charge those of some reservations that still wait, each in a transaction of its own."""
    among = [UUID(reservation_id) for reservation_id in reservation_ids]
    for reservation_id in charges.waiting(limit=len(among), among=among):
        with _alone(str(reservation_id)):
            charges.rate_reservation(reservation_id=reservation_id, at=clock.now())


@shared_task(name="billing.charge_lines", acks_late=True)
def charge_lines() -> None:
    """Send the reservations with lines that have a day, or a rest, to be charged, a chunk a task."""
    ids = [str(pk) for pk in line_charges.due(at=clock.now(), limit=MOST_AT_ONCE)]
    for start in range(0, len(ids), CHUNK):
        current_app.send_task("billing.charge_some_lines", kwargs={"reservation_ids": ids[start : start + CHUNK]})


@shared_task(name="billing.charge_some_lines", acks_late=True)
def charge_some_lines(*, reservation_ids: list[str]) -> None:
    """Charge the lines of some reservations, each in a transaction of its own; what is charged is not charged again."""
    for reservation_id in reservation_ids:
        with _alone(reservation_id):
            line_charges.charge(reservation_id=UUID(reservation_id), at=clock.now())


@shared_task(name="billing.close_fundings", acks_late=True)
def close_fundings() -> None:
    """Send the fundings whose orders are over, a chunk a task."""
    ids = [str(pk) for pk in fundings.due(at=clock.now()).order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE]]
    for start in range(0, len(ids), CHUNK):
        current_app.send_task(
            "billing.close_some_fundings",
            kwargs={"funding_ids": ids[start : start + CHUNK]},
        )


@shared_task(name="billing.close_some_fundings", acks_late=True)
def close_some_fundings(*, funding_ids: list[str]) -> None:
    """Give back what some orders did not use, each in a transaction of its own, if that is still due."""
    at = clock.now()
    for funding in fundings.due(at=at).filter(pk__in=funding_ids).order_by("pk"):
        with _alone(str(funding.pk)):
            fundings.close(funding=funding, at=at)


@shared_task(name="billing.extend_automatically", acks_late=True)
def extend_automatically() -> None:
    """Send the standing instructions whose next step has come, each on its own."""
    for instruction_id in auto_extensions.due(at=clock.now(), limit=MOST_AT_ONCE):
        current_app.send_task("billing.extend_one", kwargs={"instruction_id": str(instruction_id)})


@shared_task(name="billing.extend_one", acks_late=True)
def extend_one(*, instruction_id: str) -> None:
    """Make one step of a standing instruction, if it is still due."""
    auto_extensions.step(instruction_id=UUID(instruction_id), at=clock.now())


@shared_task(name="billing.pay_instalments", acks_late=True)
def pay_instalments() -> None:
    """Send the blocks that are paid month by month and whose next month may be near, each on its own."""
    for plan_id in instalments.due(at=clock.now(), limit=MOST_AT_ONCE):
        current_app.send_task("billing.pay_instalment", kwargs={"plan_id": str(plan_id)})


@shared_task(name="billing.pay_instalment", acks_late=True)
def pay_instalment(*, plan_id: str) -> None:
    """Set one block's next month aside, if its time has come."""
    instalments.step(plan_id=UUID(plan_id), at=clock.now())


@shared_task(name="billing.expire_approvals", acks_late=True)
def expire_approvals() -> None:
    """Expire the orders that nobody approved in time."""
    approvals.expire_overdue(at=clock.now())


@shared_task(name="billing.sync_payments", acks_late=True)
def sync_payments() -> None:
    """Send the webhook events that wait, and the top-ups about which no event came."""
    for event_id in StripeEvent.objects.filter(processed_at=None).values_list("pk", flat=True)[:MOST_AT_ONCE]:
        current_app.send_task("billing.apply_stripe_event", kwargs={"event_id": event_id})
    for top_up in stripe_payments.stale(at=clock.now(), limit=MOST_AT_ONCE):
        current_app.send_task("billing.heal_top_up", kwargs={"top_up_id": str(top_up.pk)})


@shared_task(name="billing.apply_stripe_event", acks_late=True)
def apply_stripe_event(*, event_id: str) -> None:
    """Work on one webhook event."""
    stripe_payments.apply_event(gateway=stripe_payments.gateway_in_use(), event_id=event_id, at=clock.now())


@shared_task(name="billing.heal_top_up", acks_late=True)
def heal_top_up(*, top_up_id: str) -> None:
    """Ask Stripe about one top-up."""
    stripe_payments.heal(
        gateway=stripe_payments.gateway_in_use(), top_up=TopUp.objects.get(pk=top_up_id), at=clock.now()
    )


@shared_task(name="billing.issue_invoices", acks_late=True)
def issue_invoices() -> None:
    """Send each provider and buyer with charges of closed months and no invoice for them."""
    for due in invoicing.due(at=clock.now()):
        kwargs = {
            "issuer_id": str(due.issuer_id),
            "buyer_id": str(due.buyer_id),
            "month_on": str(due.month_on),
        }
        current_app.send_task("billing.issue_invoice", kwargs=kwargs)


@shared_task(name="billing.issue_invoice", acks_late=True)
def issue_invoice(*, issuer_id: str, buyer_id: str, month_on: str) -> None:
    """Issue one invoice."""
    issuer, buyer = (
        Organization.objects.get(pk=issuer_id),
        Organization.objects.get(pk=buyer_id),
    )
    invoicing.issue(
        issuer=issuer,
        buyer=buyer,
        month_on=date.fromisoformat(month_on),
        at=clock.now(),
    )


@shared_task(name="billing.settle_providers", acks_late=True)
def settle_providers() -> None:
    """Send each provider whose month is invoiced and not settled."""
    for due in settlement.due(at=clock.now()):
        kwargs = {"provider_id": str(due.provider_id), "month_on": str(due.month_on)}
        current_app.send_task("billing.settle_provider", kwargs=kwargs)


@shared_task(name="billing.settle_provider", acks_late=True)
def settle_provider(*, provider_id: str, month_on: str) -> None:
    """Settle one provider's month."""
    provider = Organization.objects.get(pk=provider_id)
    settlement.settle(provider=provider, month_on=date.fromisoformat(month_on), at=clock.now())


@shared_task(name="billing.sweep_integrity", acks_late=True)
def sweep_integrity() -> None:
    """Look for what looks like misuse of vouchers; what was found before is found once."""
    sweeps.sweep(market=MarketFacts(), at=clock.now())


@contextmanager
def _alone(thing: str) -> Iterator[None]:
    """Keep one refusal from stopping the rest of a chunk; the next sweep finds the thing again."""
    try:
        yield
    except (DomainError, DatabaseError):
        logger.exception("%s is left to the next sweep", thing)


@shared_task(name="billing.play_simulations", acks_late=True)
def play_simulations() -> None:
    """Play the rules that somebody wants to see against the past."""
    simulations.play_waiting(clock=clock.now)
