"""What is demanded back, in fen: principal, interest, and what is left of it. Pure."""

from collections.abc import Iterable, Mapping
from datetime import date
from typing import NamedTuple

from core.money import BP_WHOLE

DAYS_OF_A_YEAR = 365


class Part(NamedTuple):
    """What one capture paid and a clawback takes back, since when, and of which redemption."""

    redemption: object
    amount_fen: int
    paid_on: date


class Taken(NamedTuple):
    """What is demanded of one part, the days for which it bears interest, and the interest."""

    part: Part
    taken_fen: int
    days: int
    interest_fen: int


def walk(parts: Iterable[Part], *, net_fen: Mapping[object, int], interest_bp: int, on: date) -> list[Taken]:
    """Return what is demanded part by part: no redemption gives back more than it has paid net of refunds.

    Interest is simple, by the day over a year of 365, rounded down for each part, and counts for what is demanded only.
    """
    left, found = dict(net_fen), []
    for part in sorted(parts, key=lambda one: one.paid_on, reverse=True):
        taken = min(part.amount_fen, max(left[part.redemption], 0))
        left[part.redemption] -= taken
        days = max((on - part.paid_on).days, 0)
        found.append(Taken(part, taken, days, taken * interest_bp * days // (BP_WHOLE * DAYS_OF_A_YEAR)))
    return found


def keep(taken: Iterable[Taken], *, principal_fen: int, interest_bp: int) -> list[Taken]:
    """Return what is left of what was taken when less is demanded: the latest first, with the interest on that."""
    left, found = principal_fen, []
    for one in taken:
        kept = min(one.taken_fen, left)
        left -= kept
        found.append(Taken(one.part, kept, one.days, kept * interest_bp * one.days // (BP_WHOLE * DAYS_OF_A_YEAR)))
    return found


def overdue_fen(instalments: Iterable[tuple[date, int]], *, came_back_fen: int, on: date) -> int:
    """Return what should have come back by a day under a plan, and has not."""
    due = sum(amount_fen for due_on, amount_fen in instalments if due_on <= on)
    return max(due - came_back_fen, 0)


def years_later(day: date, years: int) -> date:
    """Return the same day some years later; 29 February becomes 28 February."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return day.replace(year=day.year + years, day=28)
