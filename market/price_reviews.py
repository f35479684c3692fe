"""How far a price may move from the reviewed one before an operator looks again. Pure: plans in, yes or no out.

What is compared is what the operator looked at last, so that many small steps go no further than one.
"""

from bisect import bisect_right
from collections.abc import Sequence
from fractions import Fraction

from core.money import BP_WHOLE
from market.pricing import HOURS_OF_DAY, Plan, Step, dearest_micro, price_micro

# A price may rise by a fifth or fall by half of what was reviewed; beyond that it is a mistake or a trick too often.
MOST_RISE_PERCENT = 120
LEAST_CUT_PERCENT = 50


def is_far(reviewed: Plan, new: Plan) -> bool:
    """Tell whether a plan is far from the reviewed one. A flat price is a plan of its own.

    It is if its dearest hour, or a day of any order, costs more than a fifth above what it could; or if a day of one
    card, or the base that is shown, is less than half. A day is counted at the reference of the electricity tariff, so
    that an hour with a high price, a wide collar or a discount that goes make no room for more than was looked at.
    """
    rises = dearest_micro(new) * 100 > dearest_micro(reviewed) * MOST_RISE_PERCENT
    hours, count = _worst(reviewed.terms, new.terms), _worst(reviewed.volumes, new.volumes)
    for order in ((1, 1), (hours, count)):
        rises |= _day_micro(new, *order) * 100 > _day_micro(reviewed, *order) * MOST_RISE_PERCENT
    least_micro = min(_day_micro(new, 1, 1), new.base_micro * HOURS_OF_DAY)
    return rises or least_micro * 100 < _day_micro(reviewed, 1, 1) * LEAST_CUT_PERCENT


def _day_micro(plan: Plan, hours: int, count: int) -> int:
    """Return what a card costs over a day in an order of so many hours and cards, by the tariff's reference."""
    return sum(
        price_micro(plan, hour_of_day=hour, hours=hours, count=count, tariff_micro=None) for hour in range(HOURS_OF_DAY)
    )


def _worst(reviewed: Sequence[Step], new: Sequence[Step]) -> int:
    """Return from how many hours or cards on an order loses most by the new discounts."""
    steps = sorted({1, *(step.at_least for step in (*reviewed, *new))})
    return max(steps, key=lambda reached: Fraction(_left_bp(new, reached), _left_bp(reviewed, reached)))


def _left_bp(steps: Sequence[Step], reached: int) -> int:
    place = bisect_right(steps, reached, key=lambda step: step.at_least)
    return BP_WHOLE - (steps[place - 1].discount_bp if place else 0)
