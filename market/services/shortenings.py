"""Let the buyer give back hours at the end of a reservation: the cards of those hours are free again, of no other."""

from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services.audit import Actor
from core.errors import Conflict
from core.periods import HOUR, Period
from market.models import EventKind, Reservation
from market.notice import FreedHour
from market.services import histories, lifecycle, prices, reservations
from market.services.extensions import BadHours
from market.services.histories import Step


class NotShortenable(Conflict):
    """The reservation is over, or so many of its hours are not still to come."""

    code = "not-shortenable"


def new_end(*, reservation: Reservation, hours: int, at: datetime) -> datetime:
    """Return when a reservation would end that gives back its last hours.

    :raises BadHours: if the number makes no sense.
    :raises NotShortenable: if it is over, or nothing or no full hour would be left of it.
    """
    if hours < 1:
        raise BadHours(_("Give back at least one hour."), fields={"hours": _("At least 1.")})
    ends_at = reservation.ends_at - hours * HOUR
    if reservation.is_over or ends_at <= max(reservation.starts_at, at):
        raise NotShortenable(
            _("Only hours that are still to come can be given back, and not all of them: cancel or end it instead.")
        )
    return ends_at


def freed_hours(*, reservation: Reservation, starts_at: datetime) -> list[FreedHour]:
    """Return the hours of a reservation from an instant on, with what its cards cost in them."""
    if starts_at >= reservation.ends_at:
        return []
    price_at = prices.agreed(reservation)
    hours = Period(starts_at, reservation.ends_at).hours()
    return [FreedHour(hour, reservation.cards * price_at(hour)) for hour in hours]


@transaction.atomic
def shorten(*, reservation: Reservation, hours: int, actor: Actor, at: datetime) -> Reservation:
    """Let the buyer give back the last hours of a reservation.

    One that was to be reclaimed then ends by its buyer's will, before that: nothing is announced any more.

    :raises NotFound: if the actor's organisation did not buy it.
    :raises BadHours, NotShortenable: as ``new_end`` does.
    """
    lifecycle.buyer_of(reservation, actor)
    reservation = reservations.locked(reservation)
    ends_at = new_end(reservation=reservation, hours=hours, at=at)
    freed = Reservation(
        offering_id=reservation.offering_id, count=reservation.cards, starts_at=ends_at, ends_at=reservation.ends_at
    )
    reservations.release_capacity(reservations=[freed])
    Reservation.objects.filter(pk=reservation.pk).update(ends_at=ends_at, reclaimed_at=None)
    reservation.ends_at, reservation.reclaimed_at = ends_at, None
    step = Step(EventKind.SHORTENED, at, reservation.status, detail=f"-{hours} h", actor=actor)
    histories.record(reservation=reservation, old_status=reservation.status, step=step)
    return reservation
