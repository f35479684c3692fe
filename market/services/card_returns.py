"""Let the buyer give cards back while the others go on: free from the next full hour on, and no longer to be used."""

from collections.abc import Callable
from datetime import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.services.audit import Actor
from core.errors import Conflict, DomainError
from core.periods import Period
from market.models import EventKind, Reservation, ReturnedCards
from market.notice import FreedHour
from market.services import histories, lifecycle, orders, prices, reservations
from market.services.histories import Step


class BadCards(DomainError):
    """No card, or more than can be given back, or what is left is not sold so."""

    code = "bad-cards"


class NotReturnable(Conflict):
    """The reservation has no full hour left to come, or is of a performance instead of cards."""

    code = "not-returnable"


def check(*, reservation: Reservation, cards: int, at: datetime) -> datetime:
    """Return from which hour on cards would be given back.

    :raises NotReturnable: if the reservation has no full hour left to come, or is of a performance.
    :raises BadCards: if the number makes no sense, or the offering does not sell what would be left.
    """
    hour = max(orders.hour_from(at), reservation.starts_at)
    if reservation.is_over or hour >= reservation.ends_at or reservation.order.tflops is not None:
        raise NotReturnable(_("Cards are given back while hours are still to come, and not of a performance."))
    left = reservation.cards - cards
    if cards < 1 or left < 1:
        text = _("At least one card, and not all of them: end the reservation instead.")
        raise BadCards(text, fields={"cards": text})
    if left not in reservation.offering.counts:
        text = _("This offering does not sell %(cards)d cards in one order.") % {"cards": left}
        raise BadCards(text, fields={"cards": text})
    return hour


def freed_hours(*, reservation: Reservation, cards: int, starts_at: datetime) -> list[FreedHour]:
    """Return the hours of a reservation from an instant on, with what so many of its cards cost in them."""
    price_at = prices.agreed(reservation)
    hours = Period(starts_at, reservation.ends_at).hours()
    return [FreedHour(hour, cards * price_at(hour)) for hour in hours]


def held(reservation: Reservation) -> Callable[[datetime], int]:
    """Return how many cards of a reservation are held in an hour."""
    if not reservation.given_back:
        return lambda _hour: reservation.count
    rows = list(reservation.returned.values_list("hour", "cards"))
    return lambda hour: reservation.count - sum(cards for since, cards in rows if since <= hour)


@transaction.atomic
def give_back(*, reservation: Reservation, cards: int, actor: Actor, at: datetime) -> Reservation:
    """Let the buyer give cards back from the next full hour on; the prices of the others stay as agreed.

    :raises NotFound: if the actor's organisation did not buy it.
    :raises BadCards, NotReturnable: as ``check`` does.
    """
    lifecycle.buyer_of(reservation, actor)
    reservation = reservations.locked(reservation)
    hour = check(reservation=reservation, cards=cards, at=at)
    freed = Reservation(offering_id=reservation.offering_id, count=cards, starts_at=hour, ends_at=reservation.ends_at)
    reservations.release_capacity(reservations=[freed])
    ReturnedCards.objects.create(reservation=reservation, hour=hour, cards=cards, at=at)
    reservation.given_back += cards  # as the trigger did
    step = Step(EventKind.RETURNED, at, reservation.status, detail=f"-{cards}", actor=actor)
    histories.record(reservation=reservation, old_status=reservation.status, step=step)
    return reservation
