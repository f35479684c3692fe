"""The price history of a class day by day, and its depth, as shapes of charts."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from core.periods import date_of
from market.models import Candle
from market.selectors.depth import Step

TALL = 1000
STEP = 10
DAYS = 30
THINNEST = 8
WIDE = 1000


@dataclass(frozen=True, slots=True)
class Mark:
    """One day: its candle, or none, and where range, body and median stand in a chart of height ``TALL``."""

    on: date
    x: int
    candle: Candle | None
    range_y: int = 0
    range_height: int = 0
    body_y: int = 0
    body_height: int = 0
    median_y: int = 0


@dataclass(frozen=True, slots=True)
class Bar:
    """One step of the depth, and how long its bar is, in thousandths."""

    step: Step
    width: int


def days(candles: Sequence[Candle], *, today: date) -> list[Mark]:
    """Return the last days up to yesterday; where nothing was traded there is a gap."""
    by_day = {date_of(candle.starts_at): candle for candle in candles if candle.trades}
    shown = [today - timedelta(days=DAYS - number) for number in range(DAYS)]
    prices = [price for on in shown if on in by_day for price in (by_day[on].low_micro, by_day[on].high_micro) if price]
    low, high = min(prices, default=0), max(prices, default=1)
    margin = max((high - low) // 10, high // 50, 1)
    spread = high - low + 2 * margin
    return [_mark(on, number * STEP, by_day.get(on), low - margin, spread) for number, on in enumerate(shown)]


def bars(steps: Sequence[Step]) -> list[Bar]:
    """Return the steps of a side of the depth with their bars."""
    most = max((step.card_hours for step in steps), default=1)
    return [Bar(step, step.card_hours * WIDE // most) for step in steps]


def _mark(on: date, x: int, candle: Candle | None, low: int, spread: int) -> Mark:
    if candle is None:
        return Mark(on, x, None)

    def y(price: int | None) -> int:
        return TALL - ((price or low) - low) * TALL // spread

    top, bottom = sorted((y(candle.open_micro), y(candle.close_micro)))
    return Mark(
        on,
        x,
        candle,
        range_y=y(candle.high_micro),
        range_height=max(y(candle.low_micro) - y(candle.high_micro), THINNEST),
        body_y=top,
        body_height=max(bottom - top, THINNEST),
        median_y=y(candle.median_micro),
    )
