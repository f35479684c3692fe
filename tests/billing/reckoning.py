"""What an order costs, and what it has set aside, once more from the documents alone: slow, and not by our modules."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from math import ceil, floor
from typing import Any

HOUR = timedelta(hours=1)
MS = 3_600_000
FEN = 10_000 * MS  # accelerator-milliseconds × micro-yuan in a fen


def half_up(exact: Fraction) -> int:
    return floor(exact + Fraction(1, 2))


def share(fen: int, bp: int) -> Fraction:
    return Fraction(fen * bp, 10_000)


def price_micro(terms: dict[str, Any], *, hour_of_day: int, hours: int, cards: int, tariff: int | None) -> int:
    """Return what a card-hour costs by a price plan as it was written down."""
    price = Fraction(terms["base"])
    for first, end, micro in terms["bands"]:
        if (hour_of_day - first) % 24 < ((end - first) % 24 or 24):
            price = Fraction(micro)
    if power := terms["electricity"]:
        moved = (
            Fraction(power["share_bp"], 10_000) * Fraction(power["watts"], 1_000) * Fraction(power["pue_bp"], 10_000)
        )
        price += moved * ((power["reference_micro"] if tariff is None else tariff) - power["reference_micro"])
        price = min(max(price, Fraction(power["lowest_micro"])), Fraction(power["highest_micro"]))
    for name, reached in (("terms", hours), ("volumes", cards)):
        off = max([bp for least, bp in terms[name] if least <= reached], default=0)
        price *= Fraction(10_000 - off, 10_000)
    return max(half_up(price), 1)


def fee_bp(notice: timedelta, listing_hours: int) -> int:
    if notice >= max(24, listing_hours) * HOUR:
        return 0
    return 1_000 if notice >= 4 * HOUR else 3_000


def credit_bp(available: Fraction) -> int:
    for below, bp in (("0.5", 10_000), ("0.95", 5_000), ("0.99", 2_500), ("0.999", 1_000)):
        if available < Fraction(below):
            return bp
    return 0


def credit_fen(charged: int, starts_at: datetime, stopped_at: datetime, lost: list[tuple[datetime, datetime]]) -> int:
    """Return what comes back of what a reservation was charged, for the times that were lost."""
    if not lost:
        return 0
    ends_at = max([stopped_at, starts_at + timedelta(milliseconds=1), *(end for _start, end in lost)])
    gone, until = timedelta(), starts_at
    for start, end in sorted(lost):
        gone += max(min(end, ends_at) - max(start, until), timedelta())
        until = max(until, min(end, ends_at))
    available = 1 - Fraction(gone // timedelta.resolution, (ends_at - starts_at) // timedelta.resolution)
    return half_up(share(charged, credit_bp(available)))


@dataclass(eq=False)
class Purse:
    """What was set aside for the hours from an instant on: a wallet's hold, and perhaps a voucher's.

    The parts of an order that is split draw on one. ``frozen`` are the times in which its voucher is frozen.
    """

    begins: datetime | None
    wallet: int
    voucher: int = 0
    ratio_bp: int = 0
    fee_bp: int = 0
    expires_at: Any = None
    frozen: list[Any] = field(default_factory=list)
    captured: int = 0
    closed: bool = False

    def __post_init__(self) -> None:
        self.voucher_left = self.voucher

    def covers(self, hour: datetime) -> bool:
        frozen = any(since <= hour and (until is None or hour < until) for since, until in self.frozen)
        return bool(self.voucher) and hour + HOUR <= self.expires_at and not frozen

    @property
    def is_frozen(self) -> bool:
        return any(until is None for _since, until in self.frozen)

    def close(self) -> None:
        self.closed, self.voucher_left = True, 0

    @property
    def held(self) -> int:
        return 0 if self.closed else self.wallet - self.captured


@dataclass
class Bill:
    """One reservation by plain reckoning: its hours with their prices and cards, its meter, its purses."""

    own_bp: int = 500
    prices: dict[datetime, int] = field(default_factory=dict)
    cards: dict[datetime, int] = field(default_factory=dict)
    used: dict[datetime, int] = field(default_factory=dict)
    charged: dict[datetime, int] = field(default_factory=dict)
    purses: list[Purse] = field(default_factory=list)
    paid: Counter[Purse] = field(default_factory=Counter)
    fees: int = 0
    fees_taken: int = 0
    ruffled: bool = False  # something was corrected: the wallet's holds may not be enough any more

    @property
    def ends_at(self) -> datetime:
        return max(self.cards) + HOUR

    def add(self, hours: Iterable[datetime], price_at: Callable[[datetime], int], cards: int) -> None:
        for hour in hours:
            self.prices[hour], self.cards[hour] = price_at(hour), cards

    def purse_of(self, hour: datetime) -> Purse:
        return [one for one in self.purses if one.begins is None or one.begins <= hour][-1]

    def value(self, used: dict[datetime, int], purse: Purse | None = None) -> int:
        return sum(ms * self.prices[at] for at, ms in used.items() if purse is None or self.purse_of(at) is purse)

    def fee_for(self, hours: dict[datetime, int], *, at: datetime, listing_hours: int) -> int:
        """Return what giving so many cards of some hours back costs."""
        owed = sum(Fraction(n * self.prices[h] * fee_bp(h - at, listing_hours), 10_000) for h, n in hours.items())
        return floor(Fraction(owed) / 10_000)

    def give_back(self, hours: dict[datetime, int], *, fee: int, shared: bool = False) -> None:
        """Take hours off; what is set aside for other parts of the order as well stays whole."""
        for hour, cards in hours.items():
            self.cards[hour] -= cards
            if not self.cards[hour]:
                del self.cards[hour]
        self.fees += fee
        self.fees_taken += floor(share(fee, self.own_bp))
        for purse in self.purses:
            if purse.begins is not None or not shared:
                self._fit(purse)

    def _fit(self, purse: Purse) -> None:
        """Keep what the hours that are left can cost the wallet: the voucher pays its share of them for sure."""
        mine = [(h, n) for h, n in self.cards.items() if self.purse_of(h) is purse]
        value = sum(n * self.prices[h] for h, n in mine)
        covered = sum(n * self.prices[h] for h, n in mine if purse.covers(h))
        voucher = min(floor(share(covered // 10_000, purse.ratio_bp)), purse.voucher)
        needed = ceil(Fraction(value, 10_000)) - (0 if purse.is_frozen else voucher)
        if not mine and purse.begins is not None:
            purse.voucher_left = 0
        if needed <= purse.captured:
            purse.closed = True
        purse.wallet = min(purse.wallet, max(needed, purse.captured))

    def rate(self) -> int:
        """Charge what the meter shows, hour by hour, and return what the wallet pays."""
        before_value, wallet = 0, 0
        for purse in self.purses:
            new = {h: ms - self.charged.get(h, 0) for h, ms in self.used.items() if self.purse_of(h) is purse}
            for hour in sorted([h for h in new if new[h]], key=lambda h: (new[h] < 0, h)):
                wallet += self._charge(purse, hour, new[hour], before_value)
            before_value += self.value(self.charged, purse)
        return wallet

    def _charge(self, purse: Purse, hour: datetime, ms: int, before_value: int) -> int:
        amount = -half_up(Fraction(self.value(self.charged), FEN))
        self.charged[hour] = self.charged.get(hour, 0) + ms
        amount += half_up(Fraction(self.value(self.charged), FEN))
        own = self.value({h: ms for h, ms in self.charged.items() if purse.covers(h)}, purse)
        eligible = half_up(Fraction(before_value + own, FEN)) - half_up(Fraction(before_value, FEN))
        paid = self.paid[purse]
        total = min(floor(share(eligible, purse.ratio_bp)), paid + purse.voucher_left) if purse.voucher else 0
        voucher = (min(max(total, 0), paid) if purse.is_frozen else max(total, 0)) - paid
        self.paid[purse] += voucher
        purse.voucher_left -= max(voucher, 0)
        wallet = amount - voucher
        if 0 < wallet <= purse.held:
            purse.captured += wallet
        elif wallet > 0:
            self.ruffled = True
        return wallet

    @property
    def amount(self) -> int:
        return half_up(Fraction(self.value(self.charged), FEN))

    @property
    def voucher(self) -> int:
        return sum(self.paid.values())

    @property
    def taken(self) -> int:
        """Return what the platform takes of the usage, with its VAT."""
        exact = share(self.amount - self.voucher, self.own_bp) + sum(share(self.paid[p], p.fee_bp) for p in self.purses)
        return floor(exact)

    @property
    def held(self) -> int:
        return sum(purse.held for purse in self.purses)
