"""What has happened to an order, in the order in which it happened, and what comes next."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from market.models import Order, OrderStatus, Reservation, ReservationStatus

DONE = "done"
ENDED = "ended"
STOPPED = "stopped"
AHEAD = ""


@dataclass(frozen=True, slots=True)
class Event:
    """One line: what, when, and whether it has happened."""

    title: str
    at: datetime | None
    tone: str


def of(order: Order) -> list[Event]:
    """Return the timeline of an order."""
    placed = Event(_("Placed, money set aside"), order.placed_at, DONE)
    reservation: Reservation | None = getattr(order, "reservation", None)
    if reservation is None:
        return [placed, _unmatched(order)]
    matched = Event(_("Matched, cards reserved"), order.match.batch.at, DONE)
    return [placed, matched, *_service(order, reservation)]


def _unmatched(order: Order) -> Event:
    if order.status == OrderStatus.CANCELLED:
        return Event(_("Cancelled"), order.cancelled_at, STOPPED)
    if order.status == OrderStatus.EXPIRED:
        return Event(_("Not matched in time, money given back"), order.start_max, STOPPED)
    return Event(_("Waiting for a match"), None, AHEAD)


def _service(order: Order, reservation: Reservation) -> list[Event]:
    if reservation.status == ReservationStatus.RELEASED:
        return [Event(_("Cancelled before the start, cards released"), order.cancelled_at, STOPPED)]
    started = reservation.status in (ReservationStatus.ACTIVE, ReservationStatus.ENDED)
    ended = reservation.status == ReservationStatus.ENDED
    return [
        Event(_("Start"), reservation.starts_at, DONE if started else AHEAD),
        Event(_("End"), reservation.ends_at, ENDED if ended else AHEAD),
    ]
