"""The months of a block that is paid one by one: when they begin, and what those to come cost."""

from collections.abc import Iterator
from datetime import datetime

from billing.models import InstalmentPlan, InstalmentStatus
from billing.services import holds
from core.periods import Period, date_of, midnight
from market.models import Reservation
from market.services import blocks, card_returns, prices


def months_of(begins_at: datetime, ends_at: datetime) -> Iterator[Period]:
    """Yield the months of a block, by the day of the month on which it began in Shanghai."""
    number, starts_at = 0, begins_at
    while starts_at < ends_at:
        number += 1
        following = midnight(blocks.months_later(date_of(begins_at), number))
        yield Period(starts_at, min(following, ends_at))
        starts_at = following


def to_come(reservation: Reservation, since: datetime, ends_at: datetime) -> list[tuple[Period, int]]:
    """Return the months of a block that begin in a period, each with the most that it can cost, rounded up."""
    price_at, cards_at = prices.agreed(reservation), card_returns.held(reservation)
    return [
        (month, holds.most_fen(sum(cards_at(hour) * price_at(hour) for hour in month.hours())))
        for month in months_of(reservation.starts_at, ends_at)
        if month.starts_at >= since
    ]


def to_come_fen(reservation: Reservation, since: datetime, ends_at: datetime) -> int:
    """Return what the months of a block that begin in a period set aside together at most."""
    return sum(fen for _month, fen in to_come(reservation, since, ends_at))


def fit(*, reservation: Reservation, ends_at: datetime, at: datetime) -> None:
    """Let the plan of a locked reservation have no more to come than the hours and cards that are left of it.

    With nothing left to come it is done: the block may be extended.
    """
    plan = InstalmentPlan.objects.active().filter(reservation=reservation).first()
    if plan is not None:
        left = to_come_fen(reservation, plan.next_at, ends_at)
        InstalmentPlan.objects.filter(pk=plan.pk).update(to_come_fen=left)
        if left == 0:
            plan.move_to(InstalmentStatus.DONE, ended_at=at)
