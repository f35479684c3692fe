"""Let a reservation go on in the hours that follow it, on the same cards, at prices that are fixed now."""

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services.audit import SYSTEM, Actor
from core.errors import Conflict, DomainError
from core.periods import HOUR
from market.models import EventKind, Offering, Reservation
from market.services import histories, price_lists, prices, reclaims, reservations
from market.services.histories import Step

MOST_HOURS = 24 * 120


class BadHours(DomainError):
    """An extension is of at least one hour, and not of years."""

    code = "bad-hours"


class NotExtendable(Conflict):
    """The reservation is over, or its offering is not on sale in the hours that follow."""

    code = "not-extendable"


def hourly_prices(*, reservation: Reservation, hours: int) -> tuple[int, ...]:
    """Return what each hour after a reservation would cost a card, in micro-yuan, by the offering's price plan.

    :raises BadHours: if the number makes no sense.
    """
    if not 1 <= hours <= MOST_HOURS:
        raise BadHours(_("Extend by at least one hour."), fields={"hours": _("At least 1.")})
    offering = Offering.objects.get(pk=reservation.offering_id)
    lists = price_lists.load([offering])
    return lists.hourly(offering, starts_at=reservation.ends_at, hours=hours, count=reservation.cards)


@transaction.atomic
def extend(*, reservation: Reservation, hours: int, at: datetime, actor: Actor = SYSTEM) -> Reservation:
    """Hold the following hours too, and fix their prices; interruptible orders give way where they have to.

    :raises BadHours: if the number makes no sense.
    :raises NotExtendable: if it is over, would be longer than the offering sells, or that is not on sale then.
    :raises Overbooked: if an hour has too few free cards.
    """
    offering = Offering.objects.locked().get(pk=reservation.offering_id)
    spare = reclaims.spare(offerings=[offering.pk], at=at)
    reservation = Reservation.objects.locked().get(pk=reservation.pk)
    agreed = hourly_prices(reservation=reservation, hours=hours)
    more = Reservation(
        offering=offering,
        count=reservation.cards,
        starts_at=reservation.ends_at,
        ends_at=reservation.ends_at + hours * HOUR,
    )
    if reservation.reclaim_minutes is not None:
        raise NotExtendable(_("What is interruptible is not extended: place another order."))
    listed = Offering.objects.listed().filter(pk=offering.pk).exists()
    on_sale = listed and offering.is_open(more.starts_at, more.ends_at)
    if reservation.is_over or reservation.ends_at <= at or not on_sale:
        raise NotExtendable(_("The reservation is over, or its cards are not on sale in the hours that follow."))
    if offering.max_hours and more.ends_at - reservation.starts_at > offering.max_hours * HOUR:
        raise NotExtendable(_("This offering is sold for at most %(hours)d hours.") % {"hours": offering.max_hours})
    reclaims.give_way(wanted=more, spare=spare)
    reservations.hold_capacity(reservations=[more])
    _prolong(reservation, more.ends_at, agreed)
    step = Step(EventKind.EXTENDED, at, reservation.status, detail=f"+{hours} h", actor=actor)
    histories.record(reservation=reservation, old_status=reservation.status, step=step)
    return reservation


def _prolong(reservation: Reservation, ends_at: datetime, agreed: Sequence[int]) -> None:
    prices.add(reservation=reservation, agreed=agreed)
    Reservation.objects.filter(pk=reservation.pk).update(ends_at=ends_at)
    reservation.ends_at = ends_at
