"""Hold cards hour by hour, free them, and let reservations start and end: whatever ends one frees what it held."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from django.conf import settings
from django.db import connection, transaction
from django.db.models import DateTimeField, Exists, F, OuterRef, QuerySet, Value
from django.db.models.functions import Coalesce, Least
from django.utils.translation import gettext as _

from accounts.services.audit import SYSTEM, Actor
from core.constraints import refusing
from core.errors import Conflict
from core.periods import HOUR, hour_of
from market.models import (
    EventKind,
    Order,
    OrderStatus,
    Reservation,
    ReservationAccess,
    ReservationStatus,
    StopCode,
)
from market.models.reservation import SERVED, WAITING
from market.services import histories
from market.services.histories import Step

RESOLUTION = timedelta(microseconds=1)

# The cards wanted of every offering in every hour, from arrays of offerings, counts, starts and ends.
HOURS = """
SELECT span.offering_id, span_hour.hour, sum(span.count)::int AS cards
FROM unnest(%s::uuid[], %s::int[], %s::timestamptz[], %s::timestamptz[])
        AS span (offering_id, count, starts_at, ends_at),
    generate_series(
        date_bin('1 hour', span.starts_at, TIMESTAMPTZ '2000-01-01 00:00Z'),
        span.ends_at - interval '1 microsecond',
        interval '1 hour'
    ) AS span_hour (hour)
GROUP BY span.offering_id, span_hour.hour
"""
# Rows are taken by (offering, hour): two writers meet in the same order and cannot deadlock.
HOLD = f"""
INSERT INTO market_calendarhour (offering_id, hour, capacity, reserved)
SELECT wanted.offering_id, wanted.hour, offering.count, wanted.cards
FROM ({HOURS}) AS wanted JOIN market_offering AS offering ON offering.id = wanted.offering_id
ORDER BY wanted.offering_id, wanted.hour
ON CONFLICT (offering_id, hour) DO UPDATE SET reserved = market_calendarhour.reserved + excluded.reserved
"""  # noqa: S608 - constants only
FREE = f"""
WITH freed AS ({HOURS}), held AS (
    SELECT calendar.id, freed.cards
    FROM market_calendarhour AS calendar JOIN freed USING (offering_id, hour)
    ORDER BY calendar.offering_id, calendar.hour FOR NO KEY UPDATE OF calendar
)
UPDATE market_calendarhour AS calendar SET reserved = calendar.reserved - held.cards
FROM held WHERE calendar.id = held.id
"""  # noqa: S608 - constants only
LOCK_HOURS = f"""
SELECT FROM market_calendarhour AS calendar JOIN ({HOURS}) AS wanted USING (offering_id, hour)
ORDER BY calendar.offering_id, calendar.hour FOR NO KEY UPDATE OF calendar
"""


class Overbooked(Conflict):
    """An hour does not have that many free cards."""

    code = "overbooked"


class AlreadyStarted(Conflict):
    """The reservation's time has come: it can no longer be given back."""

    code = "reservation-started"


class NothingToStop(Conflict):
    """The reservation is over, or cannot end like that from where it stands."""

    code = "nothing-to-stop"


@dataclass(frozen=True, slots=True)
class Stop:
    """How, why and when reservations end, and who ends them."""

    status: ReservationStatus
    code: StopCode
    at: datetime
    actor: Actor = SYSTEM
    detail: str = ""


def hold_capacity(*, reservations: Sequence[Reservation]) -> None:
    """Take the cards of reservations, saved or not, out of the calendars: all of them or none.

    :raises Overbooked: if an hour has too few.
    """
    with refusing(calendar_hour_not_overbooked=Overbooked(_("There are not enough free cards."))):
        _execute(HOLD, reservations)


def lock_hours(*, reservations: Sequence[Reservation]) -> None:
    """Take every hour that reservations, saved or not, are over: for a transaction that frees some and holds others.

    It takes all of them in one go and frees the first one later, so it keeps none while it waits for one before it.
    """
    _execute(LOCK_HOURS, reservations)


def release_capacity(*, reservations: Sequence[Reservation]) -> None:
    """Give the cards of reservations back to the calendars."""
    _execute(FREE, reservations)


@transaction.atomic
def release(*, waiting: Sequence[Reservation], at: datetime) -> None:
    """Give locked reservations of an order back before they start, their cards with them.

    :raises AlreadyStarted: if the start of one has passed.
    """
    if any(one.status not in WAITING or one.starts_at <= at for one in waiting):
        raise AlreadyStarted(_("The reservation has started and can no longer be cancelled."))
    stop_locked(waiting, Stop(ReservationStatus.RELEASED, StopCode.CANCELLED, at))


@transaction.atomic
def finish(*, reservation: Reservation, stop: Stop) -> Reservation:
    """End one reservation for a reason, free what is left of its cards, and its order if nothing else serves it.

    :raises NothingToStop: if it is over, or cannot end like that.
    """
    reservation = locked(reservation)
    if stop.status not in Reservation.MOVES[reservation.status] or reservation.ends_at <= stop.at:
        raise NothingToStop(_("The reservation is over, or has not come that far."))
    stop_locked([reservation], stop)
    close_orders(ids=[reservation.order_id], at=stop.at)
    reservation.refresh_from_db()
    return reservation


def locked(reservation: Reservation) -> Reservation:
    """Lock a reservation as whatever ends one does, its order first, and return it as it is now."""
    Order.objects.locked().get(pk=reservation.order_id)
    return Reservation.objects.locked().get(pk=reservation.pk)


def close_orders(*, ids: Collection[UUID], at: datetime) -> None:
    """End the matched orders among some that no reservation serves any more: served, not served, or given back."""
    live = Reservation.objects.live().filter(order=OuterRef("pk"))
    served = Exists(Reservation.objects.filter(order=OuterRef("pk"), status__in=SERVED))
    failed = Exists(Reservation.objects.filter(order=OuterRef("pk"), status=ReservationStatus.FAILED))
    over = Order.objects.filter(pk__in=ids, status=OrderStatus.MATCHED).exclude(Exists(live))
    over.filter(served).move_all(OrderStatus.COMPLETED)
    over.filter(~served, failed).move_all(OrderStatus.FAILED)
    over.filter(~served, ~failed).move_all(OrderStatus.CANCELLED, cancelled_at=at)


@transaction.atomic
def advance(*, at: datetime) -> int:
    """Start, fail and end the reservations whose time has come; return how many moved.

    Rows that someone else is changing are left to the next run.
    """
    limit = timedelta(minutes=settings.PROVISIONING_MINUTES)
    late = Stop(ReservationStatus.FAILED, StopCode.NOT_PROVISIONED, at)
    over = Stop(ReservationStatus.ENDED, StopCode.COMPLETED, at)
    reclaimed = Stop(ReservationStatus.INTERRUPTED, StopCode.RECLAIMED, at)
    moved = _start(Reservation.objects.due_to_start(at), at)
    moved += _stop_due(Reservation.objects.not_handed_over(at - limit), late)
    moved += _stop_due(Reservation.objects.due_to_end(at).exclude(reclaimed_at=None), reclaimed)
    return moved + _stop_due(Reservation.objects.due_to_end(at).filter(reclaimed_at=None), over)


def _start(due: QuerySet[Reservation], at: datetime) -> int:
    rows = due.select_for_update(skip_locked=True, no_key=True).only("pk", "status")
    starting = [(reservation.pk, reservation.status) for reservation in rows]
    begin(ids=[pk for pk, _status in starting], access_at=F("starts_at"))
    histories.record_all(steps=starting, step=Step(EventKind.STARTED, at, ReservationStatus.ACTIVE))
    return len(starting)


def begun(reservation: Reservation, at: datetime) -> Reservation:
    """Lock a reservation and return it as the sweep leaves it that has seen its start."""
    reservation = locked(reservation)
    if not _start(Reservation.objects.due_to_start(at).filter(pk=reservation.pk), at):
        return reservation
    return Reservation.objects.get(pk=reservation.pk)


def begin(*, ids: Collection[UUID], access_at: Any) -> None:
    """Let the locked reservations be in use, from when access was reported or else from ``access_at``."""
    rows = Reservation.objects.filter(pk__in=ids)
    rows.move_all(ReservationStatus.ACTIVE, access_at=Coalesce(F("access_at"), access_at))


def _stop_due(due: QuerySet[Reservation], stop: Stop) -> int:
    """Stop what is due: first the orders are locked, as everybody does it, then their reservations."""
    # Named one by one: joined with what is due, orders are read through from the first to the last.
    orders = Order.objects.filter(pk__in=set(due.values_list("order", flat=True)))
    ids = [order.pk for order in orders.select_for_update(skip_locked=True, no_key=True, of=("self",)).only("pk")]
    rows = list(due.filter(order__in=ids).select_for_update(skip_locked=True, no_key=True, of=("self",)))
    stop_locked(rows, stop)
    close_orders(ids=ids, at=stop.at)
    return len(rows)


def stop_locked(rows: Sequence[Reservation], stop: Stop) -> None:
    """Move locked reservations, free the hours to come, erase how to get in, and write it down."""
    ids = [row.pk for row in rows]
    stopped_at = Least(Value(stop.at, DateTimeField()), F("ends_at"))
    Reservation.objects.filter(pk__in=ids).move_all(stop.status, stopped_at=stopped_at, stop_code=stop.code)
    release_capacity(reservations=[left for row in rows if (left := _left(row, stop.at))])
    ReservationAccess.objects.filter(reservation__in=ids).delete()
    step = Step(EventKind.STOPPED, stop.at, stop.status, stop.code, stop.detail, stop.actor)
    histories.record_all(steps=[(row.pk, row.status) for row in rows], step=step)


def _left(reservation: Reservation, at: datetime) -> Reservation | None:
    """Return what a reservation holds of the full hours after an instant."""
    starts_at = max(reservation.starts_at, hour_of(at + HOUR - RESOLUTION))
    if starts_at >= reservation.ends_at:
        return None
    return Reservation(
        offering_id=reservation.offering_id, count=reservation.cards, starts_at=starts_at, ends_at=reservation.ends_at
    )


def _execute(statement: str, reservations: Sequence[Reservation]) -> None:
    columns = zip(*((one.offering_id, one.count, one.starts_at, one.ends_at) for one in reservations), strict=True)
    arrays = [list(column) for column in columns]
    if arrays:
        with connection.cursor() as cursor:
            cursor.execute(statement, arrays)
