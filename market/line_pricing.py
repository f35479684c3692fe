"""What a line beside the card-hour costs: a quantity that is fixed when it is taken, × the hours it is kept. Pure.

Every figure is cumulative from the first hour on and rounded half up once, so that what is charged day by day adds up
to what was quoted for all hours.
"""

from core.money import MICRO_PER_FEN, round_half_up

GIB_MONTH = "gib-month"
MONTH = "month"
GB = "gb"
BY_THE_HOUR = (GIB_MONTH, MONTH)
"""Units that are owed hour by hour; a quantity of GB is owed whole with the first hour."""
MONTH_HOURS = 30 * 24
"""A month of every line, however long the calendar's is."""
MOST_QUANTITY = 10**7


def total_fen(*, unit: str, quantity: int, price_micro: int, hours: int) -> int:
    """Return what a line costs in all after so many full hours, in fen."""
    if hours <= 0:
        return 0
    if unit not in BY_THE_HOUR:
        return round_half_up(quantity * price_micro, MICRO_PER_FEN)
    return round_half_up(quantity * price_micro * hours, MONTH_HOURS * MICRO_PER_FEN)
