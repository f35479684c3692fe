"""Working days in China: Monday to Friday, but for the days off and the weekends worked that the State Council sets.

Each autumn it publishes the arrangement of the next year. A year that is not in the table counts Monday to Friday only,
which may end a period too early: ``is_known`` says so.
"""

from datetime import date, timedelta
from functools import lru_cache

ONE_DAY = timedelta(days=1)
SATURDAY = 5

# 国办发明电〔2023〕7号, 〔2024〕12号, 〔2025〕7号: first and last day off (month, day), then weekends worked.
ARRANGEMENTS: dict[int, tuple[list[tuple[int, int, int, int]], list[tuple[int, int]]]] = {
    2024: (
        [
            (1, 1, 1, 1),
            (2, 10, 2, 17),
            (4, 4, 4, 6),
            (5, 1, 5, 5),
            (6, 10, 6, 10),
            (9, 15, 9, 17),
            (10, 1, 10, 7),
        ],
        [(2, 4), (2, 18), (4, 7), (4, 28), (5, 11), (9, 14), (9, 29), (10, 12)],
    ),
    2025: (
        [(1, 1, 1, 1), (1, 28, 2, 4), (4, 4, 4, 6), (5, 1, 5, 5), (5, 31, 6, 2), (10, 1, 10, 8)],
        [(1, 26), (2, 8), (4, 27), (9, 28), (10, 11)],
    ),
    2026: (
        [
            (1, 1, 1, 3),
            (2, 15, 2, 23),
            (4, 4, 4, 6),
            (5, 1, 5, 5),
            (6, 19, 6, 21),
            (9, 25, 9, 27),
            (10, 1, 10, 7),
        ],
        [(1, 4), (2, 14), (2, 28), (5, 9), (9, 20), (10, 10)],
    ),
}


def is_known(year: int) -> bool:
    """Whether the arrangement of a year is in the table."""
    return year in ARRANGEMENTS


def is_working(day: date) -> bool:
    """Whether offices work on a day."""
    off, worked = _arranged(day.year)
    return day in worked or (day.weekday() < SATURDAY and day not in off)


def after(day: date, count: int) -> date:
    """Return the last of ``count`` working days that follow a day: the day itself does not count."""
    while count > 0:
        day += ONE_DAY
        count -= is_working(day)
    return day


def between(day: date, last: date) -> int:
    """Return how many working days follow a day, to the last one."""
    return sum(is_working(day + number * ONE_DAY) for number in range(1, (last - day).days + 1))


def next_day(day: date) -> date:
    """Return the day after: a period that ends with a day ends at its midnight."""
    return day + ONE_DAY


@lru_cache
def _arranged(year: int) -> tuple[frozenset[date], frozenset[date]]:
    spans, worked = ARRANGEMENTS.get(year, ([], []))
    off = set()
    for first_month, first_day, last_month, last_day in spans:
        day, last = date(year, first_month, first_day), date(year, last_month, last_day)
        while day <= last:
            off.add(day)
            day += ONE_DAY
    return frozenset(off), frozenset(date(year, month, day) for month, day in worked)
