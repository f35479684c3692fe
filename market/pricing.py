"""What a card-hour costs under a price plan. Pure: integers in, micro-yuan per card-hour out, one rounding each.

The price of an hour is its band's, or the base; electricity moves it within a collar; then the discounts for a long
term and for many cards take their shares of what is left. The quote and the bill both come from here.
"""

from collections.abc import Iterable, Sequence
from itertools import pairwise

import msgspec

from core.money import BP_WHOLE, MICRO_PER_FEN, MS_PER_HOUR, round_half_up

HOURS_OF_DAY = 24
MOST_MICRO = 10**12
MOST_DISCOUNT_BP = 9_000
WATTS_PER_KILOWATT = 1_000
ELECTRICITY_PARTS = BP_WHOLE**2 * WATTS_PER_KILOWATT


class Band(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The hours of a day in Shanghai, ``from_hour`` up to but without ``to_hour``, and their price.

    A band that begins later than it ends runs over midnight.
    """

    from_hour: int
    to_hour: int
    price_micro: int

    def hours(self) -> list[int]:
        """Return the hours of the day in the band, in their order."""
        return [hour % HOURS_OF_DAY for hour in range(self.from_hour, self.from_hour + self._length())]

    def _length(self) -> int:
        return (self.to_hour - self.from_hour) % HOURS_OF_DAY or HOURS_OF_DAY


class Step(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """From ``at_least`` hours or cards on, ``discount_bp`` of the price are taken off."""

    at_least: int
    discount_bp: int


class Electricity(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How a tariff moves the price: ``+ share × kW × PUE × (tariff − reference)``, within a collar.

    ``share_bp`` of the difference is passed on; ``pue_bp`` is the site's PUE × 10,000; tariffs are micro-yuan per kWh.
    """

    tariff: str
    share_bp: int
    watts: int
    pue_bp: int
    reference_micro: int
    lowest_micro: int
    highest_micro: int


class Plan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A whole price plan; without the optional parts it is a flat price."""

    base_micro: int
    bands: tuple[Band, ...] = ()
    electricity: Electricity | None = None
    terms: tuple[Step, ...] = ()
    volumes: tuple[Step, ...] = ()


def price_micro(plan: Plan, *, hour_of_day: int, hours: int, count: int, tariff_micro: int | None = None) -> int:
    """Return what a card costs in an hour of an order of ``count`` cards for ``hours`` hours.

    ``tariff_micro`` is what a kWh costs in that hour; without it the price stands at the tariff's reference.
    """
    listed = next((band.price_micro for band in plan.bands if hour_of_day in band.hours()), plan.base_micro)
    parts = 1
    if plan.electricity:
        listed, parts = _with_electricity(listed, plan.electricity, tariff_micro), ELECTRICITY_PARTS
    left_bp = (BP_WHOLE - _discount_bp(plan.terms, hours)) * (BP_WHOLE - _discount_bp(plan.volumes, count))
    return max(round_half_up(listed * left_bp, parts * BP_WHOLE**2), 1)


def total_fen(prices_micro: Iterable[int], *, count: int) -> int:
    """Return what ``count`` cards cost over whole hours at these prices, in fen, rounded once."""
    return value_fen(sum(prices_micro) * count * MS_PER_HOUR)


def value_fen(value: int) -> int:
    """Return accelerator-milliseconds × micro-yuan per card-hour in fen, half up."""
    return round_half_up(value, MS_PER_HOUR * MICRO_PER_FEN)


def average_micro(prices_micro: Sequence[int]) -> int:
    """Return the mean price of some hours, half up."""
    return round_half_up(sum(prices_micro), len(prices_micro))


def dearest_micro(plan: Plan) -> int:
    """Return the most that any hour can cost under a plan, whatever the order and the tariff."""
    if plan.electricity:
        return plan.electricity.highest_micro
    return max([plan.base_micro, *(band.price_micro for band in plan.bands)])


def cheapest_micro(plan: Plan) -> int:
    """Return the least that an hour can cost under a plan: the cheapest band, lowest tariff, every discount."""
    hours = max([1, *(step.at_least for step in plan.terms)])
    count = max([1, *(step.at_least for step in plan.volumes)])
    listed = min([plan.base_micro, *(band.price_micro for band in plan.bands)])
    if plan.electricity:
        listed = plan.electricity.lowest_micro
    discounted = Plan(base_micro=listed, terms=plan.terms, volumes=plan.volumes)
    return price_micro(discounted, hour_of_day=0, hours=hours, count=count)


def problems(plan: Plan) -> dict[str, str]:
    """Return what is wrong with a plan, a code by field; nothing for a sound one."""
    found = {
        "base_micro": "" if _is_price(plan.base_micro) else "not-a-price",
        "bands": _band_problem(plan.bands),
        "electricity": _electricity_problem(plan.electricity) if plan.electricity else "",
        "terms": _step_problem(plan.terms),
        "volumes": _step_problem(plan.volumes),
    }
    return {field: code for field, code in found.items() if code}


def _with_electricity(listed: int, electricity: Electricity, tariff_micro: int | None) -> int:
    """Return the price in parts of a micro-yuan, ``ELECTRICITY_PARTS``: exact, so that what is rounded is the whole."""
    if tariff_micro is None:
        tariff_micro = electricity.reference_micro
    power = electricity.share_bp * electricity.watts * electricity.pue_bp
    moved = listed * ELECTRICITY_PARTS + power * (tariff_micro - electricity.reference_micro)
    lowest, highest = electricity.lowest_micro * ELECTRICITY_PARTS, electricity.highest_micro * ELECTRICITY_PARTS
    return min(max(moved, lowest), highest)


def _discount_bp(steps: Iterable[Step], reached: int) -> int:
    return max((step.discount_bp for step in steps if step.at_least <= reached), default=0)


def _is_price(micro: int) -> bool:
    return 1 <= micro <= MOST_MICRO


def _band_problem(bands: Sequence[Band]) -> str:
    if any(not 0 <= band.from_hour < HOURS_OF_DAY or not 0 <= band.to_hour <= HOURS_OF_DAY for band in bands):
        return "not-an-hour"
    if not all(_is_price(band.price_micro) for band in bands):
        return "not-a-price"
    hours = [hour for band in bands for hour in band.hours()]
    return "bands-overlap" if len(hours) != len(set(hours)) else ""


def _electricity_problem(electricity: Electricity) -> str:
    if not _is_price(electricity.lowest_micro) or not _is_price(electricity.highest_micro):
        return "not-a-price"
    if electricity.lowest_micro > electricity.highest_micro:
        return "collar-reversed"
    sound = (
        0 < electricity.share_bp <= BP_WHOLE,
        0 < electricity.watts <= 100 * WATTS_PER_KILOWATT,
        BP_WHOLE <= electricity.pue_bp <= 5 * BP_WHOLE,
        0 <= electricity.reference_micro <= MOST_MICRO,
    )
    return "" if all(sound) else "out-of-range"


def _step_problem(steps: Sequence[Step]) -> str:
    if any(step.at_least < 1 or not 0 < step.discount_bp <= MOST_DISCOUNT_BP for step in steps):
        return "not-a-discount"
    ordered = [(step.at_least, step.discount_bp) for step in steps]
    rising = all(low[0] < high[0] and low[1] < high[1] for low, high in pairwise(ordered))
    return "" if rising else "steps-do-not-rise"
