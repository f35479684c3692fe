"""Hold cards hour by hour, free them, and let reservations start and end with the clock."""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction
from django.utils.translation import gettext as _

from core.constraints import refusing
from core.errors import Conflict
from market.models import Order, OrderStatus, Reservation, ReservationStatus

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


class Overbooked(Conflict):
    """An hour does not have that many free cards."""

    code = "overbooked"


class AlreadyStarted(Conflict):
    """The reservation's time has come: it can no longer be given back."""

    code = "reservation-started"


def hold_capacity(*, reservations: Sequence[Reservation]) -> None:
    """Take the cards of reservations, saved or not, out of the calendars: all of them or none.

    :raises Overbooked: if an hour has too few.
    """
    with refusing(calendar_hour_not_overbooked=Overbooked(_("There are not enough free cards."))):
        _execute(HOLD, reservations)


def release_capacity(*, reservations: Sequence[Reservation]) -> None:
    """Give the cards of reservations back to the calendars."""
    _execute(FREE, reservations)


@transaction.atomic
def release(*, reservation: Reservation, at: datetime) -> None:
    """Give a reservation back before it starts, its cards with it.

    :raises AlreadyStarted: if its start has passed.
    """
    if reservation.status != ReservationStatus.HELD or reservation.starts_at <= at:
        raise AlreadyStarted(_("The reservation has started and can no longer be cancelled."))
    reservation.move_to(ReservationStatus.RELEASED)
    release_capacity(reservations=[reservation])


@transaction.atomic
def advance(*, at: datetime) -> int:
    """Start the reservations whose time has come, end those whose time is over; return how many moved.

    Rows that someone else is changing are left to the next run.
    """
    due = Reservation.objects.due_to_start(at).select_for_update(skip_locked=True, no_key=True)
    starting = [reservation.pk for reservation in due.only("pk")]
    moved = Reservation.objects.filter(pk__in=starting).move_all(ReservationStatus.ACTIVE)
    over = Order.objects.filter(reservation__in=Reservation.objects.due_to_end(at))
    served = [order.pk for order in over.select_for_update(skip_locked=True, no_key=True, of=("self",)).only("pk")]
    moved += Reservation.objects.filter(order__in=served).move_all(ReservationStatus.ENDED)
    Order.objects.filter(pk__in=served).move_all(OrderStatus.COMPLETED)
    return moved


def _execute(statement: str, reservations: Sequence[Reservation]) -> None:
    columns = zip(*((one.offering_id, one.count, one.starts_at, one.ends_at) for one in reservations), strict=True)
    arrays = [list(column) for column in columns]
    if arrays:
        with connection.cursor() as cursor:
            cursor.execute(statement, arrays)
