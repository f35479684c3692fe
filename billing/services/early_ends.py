"""Cancel, end early or shorten what was matched, and charge what the published table says for hours given back late."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from django.db import transaction

from accounts.services import audit
from accounts.services.audit import Actor
from billing.models import Funding
from billing.services import charges, holds, months, notice_fees, taken_lines
from core.money import MICRO_PER_FEN, round_half_up
from core.periods import HOUR
from market import notice
from market.models import Order, Reservation, ReservationStatus
from market.models.reservation import WAITING
from market.notice import FreedHour
from market.services import card_returns, lifecycle, orders, reservations, shortenings


@dataclass(frozen=True, slots=True)
class GivingBack:
    """Hours [starts_at, ends_at) of a reservation that are given back, their value and the fee for them, in fen.

    Where ``cards`` says how many, the others go on in these hours.

    ``policy`` is the table's version; it is empty for an order that is older than every table. Whoever has to give way
    to firm orders at any time owes nothing.
    """

    reservation: Reservation
    starts_at: datetime
    ends_at: datetime
    value_fen: int
    fee_fen: int
    policy: str
    notice_hours: int
    cards: int | None = None

    @property
    def hours(self) -> int:
        """Return how many hours are given back."""
        return max((self.ends_at - self.starts_at) // HOUR, 0)


def cancelling(*, order: Order, at: datetime) -> list[GivingBack]:
    """Tell what cancelling an order would cost now, for each part of it that has not started; without any effect."""
    waiting = Reservation.objects.filter(order=order, status__in=WAITING, starts_at__gt=at)
    rows = waiting.select_related("order", "provider").prefetch_related("agreed_prices").order_by("pk")
    return [_giving_back(one, one.starts_at, at=at) for one in rows]


def ending(*, reservation: Reservation, at: datetime) -> GivingBack:
    """Tell what ending a reservation would cost now; without any effect.

    The hour that has begun is not given back. Whoever waits for cards after their start owes nothing.
    """
    starts_at = min(max(orders.hour_from(at), reservation.starts_at), reservation.ends_at)
    return _giving_back(reservation, starts_at, at=at)


def shortening(*, reservation: Reservation, hours: int, at: datetime) -> GivingBack:
    """Tell what giving back the last hours of a reservation would cost now; without any effect.

    :raises BadHours, NotShortenable: as ``shortenings.new_end`` does.
    """
    starts_at = shortenings.new_end(reservation=reservation, hours=hours, at=at)
    return _giving_back(reservation, starts_at, at=at)


def returning(*, reservation: Reservation, cards: int, at: datetime) -> GivingBack:
    """Tell what giving back some cards of a reservation would cost now; without any effect.

    :raises BadCards, NotReturnable: as ``card_returns.check`` does.
    """
    starts_at = card_returns.check(reservation=reservation, cards=cards, at=at)
    hours = card_returns.freed_hours(reservation=reservation, cards=cards, starts_at=starts_at)
    return replace(_told_of(reservation, hours, starts_at, at=at), cards=cards)


@transaction.atomic
def terminate(*, reservation: Reservation, actor: Actor, at: datetime) -> Reservation:
    """Let the buyer end a reservation early: what is used is charged, and a fee for the hours that come back.

    :raises WalletTooLow: if the wallet cannot pay the fee.
    :raises NotFound, NotStarted, NothingToStop: as ``lifecycle.terminate`` does.
    """
    lifecycle.buyer_of(reservation, actor)
    given_back = ending(reservation=reservations.locked(reservation), at=at)
    ended = lifecycle.terminate(reservation=reservation, actor=actor, at=at)
    if ended.status == ReservationStatus.ENDED:
        settle(given_back=given_back, at=at)
    audit.record(actor=actor, verb="reservation.terminated", thing=ended, at=at, after=_told(given_back))
    return ended


@transaction.atomic
def shorten(*, reservation: Reservation, hours: int, actor: Actor, at: datetime) -> Reservation:
    """Let the buyer give back the last hours of a reservation, for the fee that ``shortening`` tells.

    :raises WalletTooLow: if the wallet cannot pay the fee.
    :raises NotFound, BadHours, NotShortenable: as ``shortenings.shorten`` does.
    """
    lifecycle.buyer_of(reservation, actor)
    given_back = shortening(reservation=reservations.locked(reservation), hours=hours, at=at)
    shorter = shortenings.shorten(reservation=reservation, hours=hours, actor=actor, at=at)
    settle(given_back=given_back, at=at)
    audit.record(actor=actor, verb="reservation.shortened", thing=shorter, at=at, after=_told(given_back))
    return shorter


@transaction.atomic
def return_cards(*, reservation: Reservation, cards: int, actor: Actor, at: datetime) -> Reservation:
    """Let the buyer give back some cards from the next full hour on, for the fee that ``returning`` tells.

    :raises WalletTooLow: if the wallet cannot pay the fee.
    :raises NotFound, BadCards, NotReturnable: as ``card_returns.give_back`` does.
    """
    lifecycle.buyer_of(reservation, actor)
    given_back = returning(reservation=reservations.locked(reservation), cards=cards, at=at)
    fewer = card_returns.give_back(reservation=reservation, cards=cards, actor=actor, at=at)
    settle(given_back=replace(given_back, reservation=fewer), at=at)
    audit.record(
        actor=actor, verb="reservation.cards-returned", thing=fewer, at=at, after={"cards": cards} | _told(given_back)
    )
    return fewer


@transaction.atomic
def end_unpaid(*, reservation: Reservation, ends_at: datetime, actor: Actor, at: datetime) -> Reservation:
    """Give back the hours of a reservation that nothing was set aside for, without a fee: they had their notice."""
    hours = (reservation.ends_at - ends_at) // HOUR
    given_back = shortening(reservation=reservations.locked(reservation), hours=hours, at=at)
    shorter = shortenings.shorten(reservation=reservation, hours=hours, actor=actor, at=at)
    settle(given_back=replace(given_back, fee_fen=0), at=at)
    return shorter


def settle(*, given_back: GivingBack, at: datetime) -> None:
    """Free the money for hours that were given back, and take the fee for them out of what is free then.

    An order that was never funded has nothing to settle.

    :raises WalletTooLow: if the wallet cannot pay the fee.
    """
    reservation = given_back.reservation
    if given_back.hours == 0 or not Funding.objects.filter(order=reservation.order_id).exists():
        return
    funding = charges.locked_funding(reservation)
    ends_at = given_back.starts_at if given_back.cards is None else reservation.ends_at
    holds.fit(reservation=reservation, funding=funding, ends_at=ends_at, at=at)
    taken_lines.fit(reservation=reservation, ends_at=ends_at)
    months.fit(reservation=reservation, ends_at=ends_at, at=at)
    notice_fees.charge(reservation=reservation, funding=funding, given_back=given_back, at=at)


def _giving_back(reservation: Reservation, starts_at: datetime, *, at: datetime) -> GivingBack:
    hours = shortenings.freed_hours(reservation=reservation, starts_at=starts_at)
    return _told_of(reservation, hours, starts_at, at=at)


def _told_of(reservation: Reservation, hours: Sequence[FreedHour], starts_at: datetime, *, at: datetime) -> GivingBack:
    table = notice.in_force(reservation.order.placed_at)
    waits = reservation.status in WAITING and reservation.starts_at <= at and not reservation.is_ready
    fee = 0
    if table and not waits and reservation.reclaim_minutes is None:
        fee = notice.fee_fen(table, hours, at=at, listing_hours=reservation.notice_hours)
    value = round_half_up(sum(one.value_micro for one in hours), MICRO_PER_FEN)
    version = table.version if table else ""
    return GivingBack(reservation, starts_at, reservation.ends_at, value, fee, version, reservation.notice_hours)


def _told(given_back: GivingBack) -> dict[str, Any]:
    return {"hours": given_back.hours, "fee_fen": given_back.fee_fen, "policy": given_back.policy}
