"""Reserved blocks: cards of one listing for whole months, bought ahead of the time in which other orders begin."""

from calendar import monthrange
from datetime import date, datetime, timedelta

from django.utils.translation import gettext as _

from core.errors import DomainError
from core.periods import HOUR, date_of, midnight
from market.models import Offering, OrderKind
from market.services import price_lists
from market.services.demands import Demand

TERMS = (1, 3, 6, 12)
"""The months that a block may last; the discounts for a long term are those of the price plan."""
AHEAD = timedelta(days=180)
HORIZON = AHEAD + timedelta(days=366)
"""Blocks end so long from now at the latest."""


class BadBlock(DomainError):
    """A block lasts one of the terms in months, and begins on a day to come within half a year."""

    code = "bad-block"


def demand_of(
    offering: Offering,
    *,
    count: int,
    starts_on: date,
    months: int,
    limit_micro: int | None = None,
    name: str = "",
    at: datetime,
) -> Demand:
    """Return the demand of a block that begins with a day in Shanghai; who names no limit takes the posted price.

    :raises BadBlock: if there is no such term, or it begins too early or too late.
    """
    wrong = {}
    if months not in TERMS:
        wrong["months"] = _("1, 3, 6 or 12 months.")
    if not date_of(at) < starts_on <= date_of(at + AHEAD):
        wrong["starts_on"] = _("From tomorrow to %(days)d days from now.") % {"days": AHEAD.days}
    if wrong:
        raise BadBlock(_("There is no such block."), fields=wrong)
    starts_at, ends_at = midnight(starts_on), midnight(months_later(starts_on, months))
    posted = price_lists.load([offering]).ask_micro(offering, starts_at=starts_at, ends_at=ends_at)
    return Demand(
        category=offering.category,
        accelerators=(offering.accelerator,),
        providers=(offering.provider,),
        count=count,
        hours=(ends_at - starts_at) // HOUR,
        start_min=starts_at,
        start_max=starts_at,
        limit_micro=limit_micro or posted,
        name=name,
        kind=OrderKind.BLOCK,
    )


def months_later(on: date, months: int) -> date:
    """Return the same day of a later month, or the last one where the month is shorter."""
    years, month = divmod(on.month - 1 + months, 12)
    year, month = on.year + years, month + 1
    return date(year, month, min(on.day, monthrange(year, month)[1]))
