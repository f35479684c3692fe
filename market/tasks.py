"""Sweeps of the market: each finds its work in the rows, and doing it twice does no harm."""

import logging
from uuid import UUID

from celery import current_app, shared_task
from django.db import DatabaseError

from core import clock
from core.errors import DomainError, IllegalMove
from core.periods import date_of
from market.services import (
    auctions,
    candles,
    downtimes,
    figures,
    indices,
    matching,
    metering,
    orders,
    prices,
    quotes,
    reclaims,
    reputations,
    reservations,
    rfqs,
    tape,
)

logger = logging.getLogger(__name__)

HOURS_AT_ONCE = 1_000


@shared_task(name="market.expire_orders", acks_late=True)
def expire_orders() -> None:
    """Expire the orders that can no longer start."""
    orders.expire_overdue(at=clock.now())


@shared_task(name="market.expire_quotes", acks_late=True)
def expire_quotes() -> None:
    """Free the cards of the quotes whose time has passed."""
    quotes.expire_overdue(at=clock.now())


@shared_task(name="market.show_prices_in_effect", acks_late=True)
def show_prices_in_effect() -> None:
    """Show the price of every plan that has come into effect."""
    prices.take_effect(at=clock.now())


@shared_task(name="market.match_open_orders", acks_late=True)
def match_open_orders() -> None:
    """Match the open orders: firm ones, and then interruptible ones to what these leave."""
    matching.run(at=clock.now())
    matching.run_interruptible(at=clock.now())


@shared_task(name="market.hold_auction", acks_late=True)
def hold_auction() -> None:
    """Clear the orders of the call auction."""
    auctions.hold(at=clock.now())


@shared_task(name="market.advance_reservations", acks_late=True)
def advance_reservations() -> None:
    """Start, fail and end reservations with the clock, and give notice to those below the floor."""
    reservations.advance(at=clock.now())
    reclaims.outbid(at=clock.now())


@shared_task(name="market.meter_usage", acks_late=True)
def meter_usage() -> None:
    """Meter the hours with new usage, a thousand a transaction, until none is left."""
    while metering.meter(at=clock.now(), limit=HOURS_AT_ONCE) == HOURS_AT_ONCE:
        pass


@shared_task(name="market.refresh_measures", acks_late=True)
def refresh_measures() -> None:
    """Compute the unified measures of the day: figures come and expire."""
    figures.refresh_measures(on=date_of(clock.now()))


@shared_task(name="market.accept_unanswered_downtimes", acks_late=True)
def accept_unanswered_downtimes() -> None:
    """Take the downtimes that buyers claimed and providers left unanswered for accepted, each by itself."""
    at = clock.now()
    for downtime in downtimes.unanswered(at=at):
        try:
            downtimes.accept_unanswered(downtime=downtime, at=at)
        except IllegalMove:
            continue  # answered meanwhile
        except (DomainError, DatabaseError):
            logger.exception("downtime %s is left to the next sweep", downtime.pk)


@shared_task(name="market.refresh_reputations", acks_late=True)
def refresh_reputations() -> None:
    """Compute the reputations of the day."""
    reputations.refresh(as_of=date_of(clock.now()))


@shared_task(name="market.record_trades", acks_late=True)
def record_trades() -> None:
    """Write new reservations on the trade tape."""
    tape.record(at=clock.now())


@shared_task(name="market.close_history", acks_late=True)
def close_history() -> None:
    """Compute the hours and days of the price history that are over."""
    candles.close(at=clock.now())


@shared_task(name="market.publish_index", acks_late=True)
def publish_index() -> None:
    """Compute the index of the days that are over."""
    indices.publish(at=clock.now())


@shared_task(name="market.open_bids", acks_late=True)
def open_bids() -> None:
    """Send the requests for quotations whose time for bids is over."""
    for rfq_id in rfqs.due(at=clock.now()):
        current_app.send_task("market.open_bids_of", kwargs={"rfq_id": str(rfq_id)})


@shared_task(name="market.open_bids_of", acks_late=True)
def open_bids_of(*, rfq_id: str) -> None:
    """Open the bids of one request."""
    rfqs.open_bids(rfq_id=UUID(rfq_id), at=clock.now())
