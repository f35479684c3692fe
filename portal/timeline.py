"""What has happened to an order, in the order in which it happened, and what comes next."""

from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from market.models import Order, OrderStatus, Reservation, ReservationStatus, StopCode, TimeInForce

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
    parts = order.parts_in_order
    if order.is_split and parts:
        return [placed, *(event for number, part in enumerate(parts, start=1) for event in _part(number, part))]
    if not parts:
        return [placed, _unmatched(order)]
    matched = Event(_("Matched, cards reserved"), parts[0].match.batch.at, DONE)
    return [placed, matched, *_service(parts[0])]


def _part(number: int, part: Reservation) -> list[Event]:
    matched = Event(_("Matched, cards reserved"), part.match.batch.at, DONE)
    named = _("Part %(number)s") % {"number": number}
    return [Event(f"{named} · {event.title}", event.at, event.tone) for event in (matched, *_service(part))]


def _unmatched(order: Order) -> Event:
    if order.status == OrderStatus.CANCELLED:
        return Event(_("Cancelled"), order.cancelled_at, STOPPED)
    if order.status == OrderStatus.EXPIRED:
        return Event(*_given_up(order), STOPPED)
    return Event(_("Waiting for a match"), None, AHEAD)


def _given_up(order: Order) -> tuple[str, datetime | None]:
    if order.time_in_force == TimeInForce.IMMEDIATE:
        return _("Not matched at once, money given back"), None
    return _("Not matched in time, money given back"), order.good_till or order.start_max


def _service(reservation: Reservation) -> list[Event]:
    if reservation.status == ReservationStatus.RELEASED:
        return [Event(_("Cancelled before the start, cards released"), reservation.stopped_at, STOPPED)]
    if reservation.status == ReservationStatus.FAILED:
        return [Event(_("Failed: %(reason)s") % {"reason": reason(reservation)}, reservation.stopped_at, STOPPED)]
    started = Event(
        _("Start"), reservation.access_at or reservation.starts_at, DONE if reservation.access_at else AHEAD
    )
    if reservation.status == ReservationStatus.INTERRUPTED:
        why = _("Interrupted: %(reason)s") % {"reason": reason(reservation)}
        return [started, Event(why, reservation.stopped_at, STOPPED)]
    ended = reservation.status == ReservationStatus.ENDED
    return [started, Event(_("End"), reservation.stopped_at or reservation.ends_at, ENDED if ended else AHEAD)]


def reason(reservation: Reservation) -> str:
    """Say why a reservation is over."""
    return str(StopCode(reservation.stop_code).label)
