"""What the parties of a reservation do with it: hand over, confirm, end early."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services import audit
from accounts.services.audit import Actor
from core.errors import Conflict, DomainError, NotFound
from market.models import EventKind, Reservation, ReservationAccess, ReservationStatus, StopCode
from market.models.reservation import WAITING
from market.models.stops import PROVIDER_STOPS
from market.services import access, histories, reservations
from market.services.histories import Step
from market.services.reservations import Stop


class WrongState(Conflict):
    """The reservation does not stand where this could be done."""

    code = "reservation-state"


class BadReason(DomainError):
    """A provider cannot end a reservation for this reason."""

    code = "bad-stop-code"


class NotStarted(Conflict):
    """The reservation has not begun: its order is cancelled instead."""

    code = "reservation-not-started"


class NothingToShow(NotFound):
    """No access was reported, or it was erased with the end of the reservation."""

    code = "no-access-details"


def provider_of(reservation: Reservation, actor: Actor) -> Organization:
    """Return the actor's organisation if it provides the reservation.

    :raises NotFound: if it does not.
    """
    if actor.organization is None or actor.organization.pk != reservation.provider_id:
        raise NotFound(_("There is no such reservation."))
    return actor.organization


def buyer_of(reservation: Reservation, actor: Actor) -> Organization:
    """Return the actor's organisation if it bought the reservation.

    :raises NotFound: if it did not.
    """
    if actor.organization is None or actor.organization.pk != reservation.order.buyer_id:
        raise NotFound(_("There is no such reservation."))
    return actor.organization


def deadline(reservation: Reservation) -> datetime:
    """Return when a reservation that is not handed over has failed."""
    return reservation.starts_at + timedelta(minutes=settings.PROVISIONING_MINUTES)


@transaction.atomic
def claim(*, reservation: Reservation, actor: Actor, at: datetime) -> Reservation:
    """Let the provider say that it prepares the cards; from now on it has to hand them over in time.

    :raises WrongState: if the reservation does not wait for that, or the time for it is over.
    """
    provider_of(reservation, actor)
    reservation = Reservation.objects.locked().get(pk=reservation.pk)
    if reservation.status != ReservationStatus.HELD or deadline(reservation) <= at:
        raise WrongState(_("The reservation does not wait to be prepared."))
    reservation.move_to(ReservationStatus.PROVISIONING)
    step = Step(EventKind.CLAIMED, at, ReservationStatus.PROVISIONING, actor=actor)
    histories.record(reservation=reservation, old_status=ReservationStatus.HELD, step=step)
    return reservation


@transaction.atomic
def report_access(*, reservation: Reservation, details: str, actor: Actor, at: datetime) -> Reservation:
    """Let the provider hand the cards over: how to get in is sealed for the buyer; a later report replaces it.

    What is reported before the start counts from the start.

    :raises WrongState: if the reservation is over, or the time for it is.
    """
    provider_of(reservation, actor)
    reservation = Reservation.objects.locked().get(pk=reservation.pk)
    if reservation.is_over or reservation.ends_at <= at or _too_late(reservation, at):
        raise WrongState(_("The reservation is over, or was not handed over in time."))
    values = {"sealed": access.seal(details), "reported_at": at}
    ReservationAccess.objects.update_or_create(reservation=reservation, defaults=values)
    old_status = reservation.status
    if old_status in WAITING:
        _hand_over(reservation, at)
    step = Step(EventKind.ACCESS, at, reservation.status, actor=actor)
    histories.record(reservation=reservation, old_status=old_status, step=step)
    return reservation


def _too_late(reservation: Reservation, at: datetime) -> bool:
    return reservation.status in WAITING and reservation.access_at is None and deadline(reservation) <= at


def _hand_over(reservation: Reservation, at: datetime) -> None:
    usable_from = reservation.access_at or max(at, reservation.starts_at)
    if at >= reservation.starts_at:
        reservation.move_to(ReservationStatus.ACTIVE, access_at=usable_from)
    elif reservation.status == ReservationStatus.HELD:
        reservation.move_to(ReservationStatus.PROVISIONING, access_at=usable_from)
    else:
        Reservation.objects.filter(pk=reservation.pk).update(access_at=usable_from)
        reservation.access_at = usable_from


@transaction.atomic
def confirm(*, reservation: Reservation, actor: Actor, at: datetime) -> Reservation:
    """Let the buyer say that access works.

    :raises WrongState: if there is no access, or it was confirmed before.
    """
    buyer_of(reservation, actor)
    reservation = Reservation.objects.locked().get(pk=reservation.pk)
    if reservation.status != ReservationStatus.ACTIVE or reservation.confirmed_at:
        raise WrongState(_("There is no access to confirm."))
    Reservation.objects.filter(pk=reservation.pk).update(confirmed_at=at)
    reservation.confirmed_at = at
    step = Step(EventKind.CONFIRMED, at, reservation.status, actor=actor)
    histories.record(reservation=reservation, old_status=reservation.status, step=step)
    return reservation


@transaction.atomic
def show_access(*, reservation: Reservation, actor: Actor, at: datetime) -> str:
    """Return how the buyer gets in, and note that it was shown.

    :raises NothingToShow: if nothing was reported, or the reservation is over.
    """
    buyer_of(reservation, actor)
    found = ReservationAccess.objects.filter(reservation=reservation).first()
    if found is None:
        raise NothingToShow(_("There are no access details: none were reported, or the reservation is over."))
    audit.record(actor=actor, verb="reservation.access-shown", thing=reservation, at=at)
    return access.unseal(bytes(found.sealed))


@transaction.atomic
def stop(*, reservation: Reservation, code: str, detail: str, actor: Actor, at: datetime) -> Reservation:
    """Let the provider end a reservation for a reason: before it could be used it has failed.

    :raises BadReason: if the reason is not a provider's.
    :raises NothingToStop: if the reservation is over.
    """
    provider_of(reservation, actor)
    if code not in PROVIDER_STOPS:
        raise BadReason(_("This is not a reason that a provider can give."), fields={"code": _("Not a reason.")})
    current = reservations.locked(reservation).status
    status = ReservationStatus.FAILED
    if current not in WAITING:
        status = ReservationStatus.ENDED if code == StopCode.FINISHED else ReservationStatus.INTERRUPTED
    elif code == StopCode.FINISHED:
        raise BadReason(_("Nothing was used yet."), fields={"code": _("Not a reason.")})
    return reservations.finish(reservation=reservation, stop=Stop(status, StopCode(code), at, actor, detail))


@transaction.atomic
def terminate(*, reservation: Reservation, actor: Actor, at: datetime) -> Reservation:
    """Let the buyer end a reservation early: what is used is charged, the rest is free again.

    :raises NotStarted: if its time has not come.
    :raises NothingToStop: if it is over.
    """
    buyer_of(reservation, actor)
    current = reservations.begun(reservation, at)
    if at < current.starts_at:
        raise NotStarted(_("The reservation has not begun: cancel the order instead."))
    stop = Stop(ReservationStatus.ENDED, StopCode.FINISHED, at, actor)
    if current.status in WAITING:
        stop = Stop(ReservationStatus.RELEASED, StopCode.GAVE_UP, at, actor)
    return reservations.finish(reservation=reservation, stop=stop)
