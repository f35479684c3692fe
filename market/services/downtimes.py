"""Report the times in which cards could not be used; a buyer's report is answered, and decided if need be."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import Organization
from accounts.services import audit, organizations
from accounts.services.audit import SYSTEM, Actor
from core.errors import Conflict, DomainError
from market.models import Downtime, DowntimeCode, DowntimeStatus, EventKind, Reservation, ReservationStatus, StopCode
from market.services import lifecycle, reservations
from market.services.reservations import Stop

MOST_REPORTED = 20
"""By one party of a reservation: a provider that reports many of its own keeps its buyer from none."""


class OutsideReservation(DomainError):
    """The time is not a past part of the reservation, or is reported too late."""

    code = "outside-reservation"


class TooManyReports(Conflict):
    """One party has reported too many downtimes of a reservation: they should be put together."""

    code = "too-many-downtimes"


class NotDisputable(Conflict):
    """Access was confirmed, or is not there, or the time to say that it does not work is over."""

    code = "access-not-disputable"


class NotContested(Conflict):
    """The operator decides only what the provider has contested."""

    code = "not-contested"


class TextNeeded(DomainError):
    """Whoever says no says why."""

    code = "reason-needed"


@transaction.atomic
def report(
    *,
    reservation: Reservation,
    starts_at: datetime,
    ends_at: datetime,
    code: str,
    detail: str,
    actor: Actor,
    at: datetime,
) -> Downtime:
    """Report a downtime: the provider's own counts at once, the buyer's waits for the provider's answer.

    :raises OutsideReservation: if it is not a part of the reservation that has passed.
    :raises TooManyReports: if the party has reported too many.
    """
    reservation = Reservation.objects.locked().select_related("order").get(pk=reservation.pk)
    own = actor.organization is not None and actor.organization.pk == reservation.provider_id
    reporter = lifecycle.provider_of(reservation, actor) if own else lifecycle.buyer_of(reservation, actor)
    _check_span(reservation, starts_at, ends_at, at)
    _check_open(reservation, reporter, at)
    downtime = Downtime.objects.create(
        status=DowntimeStatus.ACCEPTED if own else DowntimeStatus.CLAIMED,
        reservation=reservation,
        starts_at=starts_at,
        ends_at=ends_at,
        code=code,
        detail=detail,
        reported_by=reporter,
        reported_at=at,
        answered_at=at if own else None,
    )
    _record(downtime, "downtime.reported", actor, at)
    return downtime


def _check_span(reservation: Reservation, starts_at: datetime, ends_at: datetime, at: datetime) -> None:
    if not reservation.starts_at <= starts_at < ends_at <= min(_promised_until(reservation), at):
        raise OutsideReservation(_("A downtime is a part of the reservation that has passed."))


def _promised_until(reservation: Reservation) -> datetime:
    """Return the end of what can be missed: a buyer who left early misses nothing after that."""
    left = reservation.events.filter(kind=EventKind.STOPPED, organization=reservation.order.buyer_id)
    return reservation.stopped_at if reservation.stopped_at and left.exists() else reservation.ends_at


def _check_open(reservation: Reservation, reporter: Organization, at: datetime) -> None:
    if reservation.status in (ReservationStatus.FAILED, ReservationStatus.RELEASED):
        raise OutsideReservation(_("Nothing of this reservation was charged."))
    if at > reservation.ends_at + timedelta(days=settings.DOWNTIME_CLAIM_DAYS):
        raise OutsideReservation(_("The time to report a downtime is over."))
    if reservation.downtimes.filter(reported_by=reporter).count() >= MOST_REPORTED:
        raise TooManyReports(_("There are too many downtimes: put them together."))


@transaction.atomic
def dispute_access(*, reservation: Reservation, detail: str, actor: Actor, at: datetime) -> Downtime:
    """Let the buyer say that what was handed over never worked: a claim on the whole of the reservation.

    :raises NotDisputable: if access was confirmed, disputed before, or handed over too long ago.
    """
    buyer = lifecycle.buyer_of(reservation, actor)
    reservation = Reservation.objects.locked().select_related("order").get(pk=reservation.pk)
    since = at - timedelta(hours=settings.NOT_USABLE_HOURS)
    usable_from = reservation.access_at
    if usable_from is None or usable_from > at or usable_from < since or reservation.confirmed_at:
        raise NotDisputable(_("Access was confirmed, is not there yet, or has been there for too long."))
    ends_at = _promised_until(reservation)
    if ends_at <= reservation.starts_at:
        raise NotDisputable(_("Nothing of this reservation was charged."))
    if reservation.downtimes.filter(code=DowntimeCode.NOT_USABLE).exists():
        raise NotDisputable(_("It was said before that access does not work."))
    _check_open(reservation, buyer, at)
    downtime = Downtime.objects.create(
        status=DowntimeStatus.CLAIMED,
        reservation=reservation,
        starts_at=reservation.starts_at,
        ends_at=ends_at,
        code=DowntimeCode.NOT_USABLE,
        detail=detail,
        reported_by=buyer,
        reported_at=at,
    )
    _record(downtime, "downtime.reported", actor, at)
    return downtime


@transaction.atomic
def accept(*, downtime: Downtime, actor: Actor, at: datetime) -> Downtime:
    """Let the provider accept what the buyer says; cards that never worked have failed.

    :raises NotFound: if the actor's organisation does not provide the reservation.
    :raises IllegalMove: if it was answered before.
    """
    lifecycle.provider_of(downtime.reservation, actor)
    return _accept(downtime, actor, at)


def _accept(downtime: Downtime, actor: Actor, at: datetime) -> Downtime:
    downtime.move_to(DowntimeStatus.ACCEPTED, answered_at=at)
    _record(downtime, "downtime.accepted", actor, at)
    _fail_unusable(downtime, actor, at)
    return downtime


@transaction.atomic
def contest(*, downtime: Downtime, answer: str, actor: Actor, at: datetime) -> Downtime:
    """Let the provider say why it was not so: the operator decides.

    :raises TextNeeded: if it says nothing.
    :raises IllegalMove: if it was answered before.
    """
    lifecycle.provider_of(downtime.reservation, actor)
    if not answer.strip():
        raise TextNeeded(_("Say why it was not so."), fields={"answer": _("Say why.")})
    downtime.move_to(DowntimeStatus.CONTESTED, answered_at=at, answer=answer.strip())
    _record(downtime, "downtime.contested", actor, at)
    return downtime


@transaction.atomic
def decide(*, downtime: Downtime, upheld: bool, decision: str, actor: Actor, at: datetime) -> Downtime:
    """Let the operator decide who is right, and say why.

    :raises Forbidden: if the actor is no person of the operator, or has an interest in the provider or the buyer.
    :raises TextNeeded: if no reason is given.
    :raises NotContested: if the provider has not contested it, or it was decided.
    """
    organizations.require_operator(actor=actor, of=downtime.reservation.order.buyer)
    person = organizations.require_operator(actor=actor, of=downtime.reservation.provider)
    if not decision.strip():
        raise TextNeeded(_("Say why."), fields={"decision": _("Say why.")})
    if downtime.status != DowntimeStatus.CONTESTED:
        raise NotContested(_("There is nothing to decide: the parties have not contested it."))
    status = DowntimeStatus.ACCEPTED if upheld else DowntimeStatus.DISMISSED
    downtime.move_to(status, decided_at=at, decided_by=person, decision=decision.strip())
    _record(downtime, "downtime.decided", actor, at)
    if upheld:
        _fail_unusable(downtime, actor, at)
    return downtime


@transaction.atomic
def accept_unanswered(*, downtime: Downtime, at: datetime) -> Downtime:
    """Take a claim that the provider has left without an answer for accepted."""
    return _accept(downtime, SYSTEM, at)


def unanswered(*, at: datetime) -> list[Downtime]:
    """Return the claims whose time for an answer is over."""
    limit = timedelta(hours=settings.DOWNTIME_ANSWER_HOURS)
    return list(Downtime.objects.unanswered(at - limit).select_related("reservation").order_by("pk"))


def _fail_unusable(downtime: Downtime, actor: Actor, at: datetime) -> None:
    if downtime.code != DowntimeCode.NOT_USABLE:
        return
    current = Reservation.objects.get(pk=downtime.reservation_id)
    if current.status == ReservationStatus.ACTIVE and at < current.ends_at:
        stop = Stop(ReservationStatus.FAILED, StopCode.NOT_USABLE, at, actor)
        reservations.finish(reservation=current, stop=stop)


def _record(downtime: Downtime, verb: str, actor: Actor, at: datetime) -> None:
    after = {"status": downtime.status, "answer": downtime.answer, "decision": downtime.decision}
    audit.record(actor=actor, verb=verb, thing=downtime, at=at, after=after)
