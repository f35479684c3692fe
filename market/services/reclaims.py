"""Take cards back from interruptible orders: for firm orders, the lowest bids first, and from bids below the floor.

A reclaim is announced: it takes effect at a full hour, no earlier than the notice of the reservation allows, and no
earlier than the cards are needed. What is reclaimed does not resume by itself.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import F, Q

from core.periods import HOUR, hour_of
from market.models import CalendarHour, EventKind, Order, OrderStatus, Reservation, ReservationStatus, StopCode
from market.services import histories, reservations
from market.services.histories import Step
from market.services.reservations import Stop

Hours = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Reclaim:
    """A locked reservation and the full hour from which on it loses its cards."""

    reservation: Reservation
    hour: datetime

    @property
    def lost(self) -> Reservation:
        """Return the cards and hours that it loses, as a reservation that is not saved."""
        held = self.reservation
        starts_at = max(self.hour, held.starts_at)
        return Reservation(offering_id=held.offering_id, count=held.cards, starts_at=starts_at, ends_at=held.ends_at)


@dataclass(frozen=True, slots=True)
class Spare:
    """Locked interruptible reservations by offering, as a clearing at an instant may reclaim them."""

    at: datetime
    held: dict[UUID, list[Reservation]] = field(default_factory=dict)

    def hours(self, reservation: Reservation, *, hour0: datetime, length: int) -> slice:
        """Return the hours of a book in which a reservation may have to give way."""
        first = max(reservation.starts_at, _earliest(reservation, self.at))
        last = (reservation.ends_at - hour0) // HOUR
        return slice(min(max((first - hour0) // HOUR, 0), length), min(max(last, 0), length))


def spare(*, offerings: Collection[UUID], at: datetime) -> Spare:
    """Lock the interruptible reservations of offerings with their orders, so that nobody else ends them meanwhile.

    The lowest bids come first, among equal ones the latest: that is the order in which they give way.
    """
    found = Spare(at)
    rows = Reservation.objects.reclaimable().filter(offering__in=offerings, ends_at__gt=at)
    for one in sorted(_locked(rows.values_list("pk", flat=True)), key=_rank):
        found.held.setdefault(one.offering_id, []).append(one)
    return found


def lacking(*, wanted: Sequence[Reservation], free: dict[UUID, Hours], hour0: datetime, spare: Spare) -> list[Reclaim]:
    """Return whom to reclaim for what firm reservations, not held yet, want beyond the free cards of a book's hours."""
    short = {key: -cards.astype(np.int64) for key, cards in free.items() if key in spare.held}
    for one in wanted:
        if one.offering_id in short:
            short[one.offering_id][(one.starts_at - hour0) // HOUR : (one.ends_at - hour0) // HOUR] += one.count
    return [one for key, lack in short.items() for one in _give_way(spare, spare.held[key], lack, hour0)]


def give_way(*, wanted: Reservation, spare: Spare) -> None:
    """Reclaim what one firm reservation, not held yet, wants beyond the free cards of its locked, open offering."""
    may_give = spare.held.get(wanted.offering_id)
    if not may_give:
        return
    hour0, hours = wanted.starts_at, wanted.hours
    free = np.full(hours, wanted.offering.count, dtype=np.int64)
    reservations.lock_hours(reservations=[wanted, *may_give])
    known = CalendarHour.objects.filter(offering=wanted.offering_id, hour__gte=hour0, hour__lt=wanted.ends_at)
    for hour, capacity, reserved in known.values_list("hour", "capacity", "reserved"):
        free[(hour - hour0) // HOUR] = capacity - reserved
    given_way = lacking(wanted=[wanted], free={wanted.offering_id: free}, hour0=hour0, spare=spare)
    carry_out(reclaims=given_way, at=spare.at)


def _give_way(spare: Spare, held: Iterable[Reservation], lack: Hours, hour0: datetime) -> Iterable[Reclaim]:
    """Yield whom to reclaim until no hour lacks a card; what one loses from its first such hour on is free."""
    for one in held:
        may = spare.hours(one, hour0=hour0, length=len(lack))
        lacking = np.flatnonzero(lack[may] > 0)
        if lacking.size:
            first = may.start + int(lacking[0])
            lack[first : may.stop] -= one.cards
            yield Reclaim(one, hour0 + first * HOUR)


@transaction.atomic
def carry_out(*, reclaims: Sequence[Reclaim], at: datetime) -> None:
    """Free the hours of locked reservations that are reclaimed, and say so; those that lose all are released."""
    if not reclaims:
        return
    reservations.lock_hours(reservations=[one.lost for one in reclaims])
    whole = [one.reservation for one in reclaims if one.hour <= one.reservation.starts_at]
    shortened = [one for one in reclaims if one.hour > one.reservation.starts_at]
    if whole:
        reservations.stop_locked(whole, Stop(ReservationStatus.RELEASED, StopCode.RECLAIMED, at))
        reservations.close_orders(ids=[one.order_id for one in whole], at=at)
    reservations.release_capacity(reservations=[one.lost for one in shortened])
    for one in shortened:
        Reservation.objects.filter(pk=one.reservation.pk).update(ends_at=one.hour, reclaimed_at=at)
        step = Step(EventKind.RECLAIMED, at, one.reservation.status, StopCode.RECLAIMED, one.hour.isoformat())
        histories.record(reservation=one.reservation, old_status=one.reservation.status, step=step)


def outbid(*, at: datetime) -> int:
    """Give notice to those whose bid is below the floor of their offering now, or that is not sold so any more."""
    below = Q(offering__floor_micro=None) | Q(order__tflops=None, order__limit_micro__lt=F("offering__floor_micro"))
    below |= Q(order__limit_micro__lt=F("offering__floor_micro") * F("count"), order__tflops__isnull=False)
    rows = Reservation.objects.reclaimable().filter(below, reclaimed_at=None)
    due = [(one, _earliest(one, at)) for one in rows.filter(ends_at__gt=at).only("reclaim_minutes", "ends_at")]
    ids = [one.pk for one, hour in due if hour < one.ends_at]
    return _give_notice(ids, at=at) if ids else 0


@transaction.atomic
def _give_notice(ids: Sequence[UUID], *, at: datetime) -> int:
    held = [one for one in _locked(ids) if one.reclaimed_at is None]
    given = [Reclaim(one, hour) for one in held if (hour := _earliest(one, at)) < one.ends_at]
    carry_out(reclaims=given, at=at)
    return len(given)


def _locked(ids: Iterable[UUID]) -> list[Reservation]:
    """Lock live interruptible reservations as whatever ends one does: their orders first."""
    keys = list(ids)
    if not keys:
        return []
    served = Order.objects.filter(reservations__in=keys, status=OrderStatus.MATCHED)
    list(Order.objects.filter(pk__in=served.values("pk")).locked().values_list("pk"))
    return list(Reservation.objects.reclaimable().filter(pk__in=keys).select_related("order").locked())


def _rank(reservation: Reservation) -> tuple[int, int]:
    return reservation.bid_micro, -reservation.order.sequence


def _earliest(reservation: Reservation, at: datetime) -> datetime:
    """Return the first full hour that notice given at an instant allows."""
    until = at + timedelta(minutes=reservation.reclaim_minutes or 0)
    return hour_of(until + HOUR - reservations.RESOLUTION)
