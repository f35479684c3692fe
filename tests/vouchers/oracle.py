"""Public money once more, in plain Python and without any cleverness: what the real vouchers must agree with.

Time is a number of days; every day is looked at from noon, so what ends at a midnight ends between two days.
"""

from collections import Counter
from dataclasses import dataclass, field

GRACE_DAYS = 7
YEAR_BEGINS = [0, 185, 550, 915, 1281]  # days from 30 June 2025 to each new year


class Refused(Exception):
    """The vouchers must refuse with this code."""


@dataclass(frozen=True)
class Rules:
    budget: int
    ratio_bp: int
    validity_days: int
    year_cap: int | None = None
    order_cap: int | None = None
    min_award: int = 0
    unit: int = 1
    partial: bool = True
    extends: bool = False
    idle_days: int | None = None


@dataclass
class Grant:
    programme: str
    owner: str
    face: int
    ends: int
    since: int
    status: str = "active"
    available: int = 0
    redeemed: int = 0
    expired: int = 0
    revoked: int = 0


@dataclass
class Redemption:
    grant: str
    wish: tuple[str, int]
    amount: int
    year: int
    captured: int = 0
    refunded: int = 0
    is_open: bool = True

    @property
    def held(self) -> int:
        return self.amount - self.captured if self.is_open else 0

    @property
    def used(self) -> int:
        return (self.amount if self.is_open else self.captured) - self.refunded


@dataclass
class Oracle:
    """Everything that has happened."""

    rules: dict[str, Rules]
    day: int = 0
    unallocated: Counter[str] = field(default_factory=Counter)
    grants: dict[str, Grant] = field(default_factory=dict)
    redemptions: dict[str, Redemption] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.unallocated.update({name: rules.budget for name, rules in self.rules.items()})

    def grant(self, name: str, programme: str, owner: str, face: int) -> None:
        if face > self.unallocated[programme]:
            raise Refused("budget-exhausted")
        self.unallocated[programme] -= face
        ends = self.day + self.rules[programme].validity_days
        self.grants[name] = Grant(programme, owner, face, ends, self.day, available=face)

    def extend(self, name: str, days: int) -> None:
        grant = self.grants[name]
        if not self.usable(grant):
            raise Refused("grant-over")
        if not self.rules[grant.programme].extends:
            raise Refused("extension-not-allowed")
        if days <= 0:
            raise Refused("bad-last-day")
        grant.ends += days
        grant.since = self.day

    def usable(self, grant: Grant) -> bool:
        return grant.status == "active" and self.day < grant.ends

    def year_used(self, programme: str, owner: str, year: int) -> int:
        return sum(
            one.used
            for one in self.redemptions.values()
            if one.year == year
            and (self.grants[one.grant].programme, self.grants[one.grant].owner) == (programme, owner)
        )

    def hold(self, reference: str, name: str, category: str, amount: int) -> int:
        first = self.redemptions.get(reference)
        if first:
            if (first.grant, first.wish) != (name, (category, amount)):
                raise Refused("key-reused")
            return first.amount
        grant = self.grants[name]
        if not self.usable(grant):
            raise Refused("grant-not-usable")
        if category != "GPU_TRAIN":
            raise Refused("category-not-eligible")
        year = sum(self.day >= begin for begin in YEAR_BEGINS)
        award = self.award(grant, amount, year)
        grant.available -= award
        grant.since = self.day
        self.redemptions[reference] = Redemption(name, (category, amount), award, year)
        return award

    def award(self, grant: Grant, amount: int, year: int) -> int:
        rules = self.rules[grant.programme]
        limits = [grant.available]
        if rules.order_cap is not None:
            limits.append(rules.order_cap)
        if rules.year_cap is not None:
            limits.append(rules.year_cap - self.year_used(grant.programme, grant.owner, year))
        full = amount * rules.ratio_bp // 10_000 // rules.unit * rules.unit
        award = min(full, min(limits) // rules.unit * rules.unit)
        if award < full and (award == 0 or not rules.partial):
            raise Refused("voucher-short")
        if award == 0 or award < rules.min_award:
            raise Refused("below-minimum")
        return award

    def capture(self, reference: str, fen: int, used_day: int) -> None:
        redemption = self.redemptions[reference]
        if not redemption.is_open:
            raise Refused("redemption-closed")
        if used_day >= self.grants[redemption.grant].ends:
            raise Refused("used-after-expiry")
        if fen > redemption.held:
            raise Refused("beyond-hold")
        redemption.captured += fen
        self.grants[redemption.grant].redeemed += fen

    def release(self, reference: str) -> None:
        redemption = self.redemptions[reference]
        if redemption.is_open:
            self.grants[redemption.grant].since = self.day
        freed, redemption.is_open = redemption.held, False
        self.give_back(self.grants[redemption.grant], freed)

    def refund(self, reference: str, fen: int) -> None:
        redemption = self.redemptions[reference]
        if redemption.refunded + fen > redemption.captured:
            raise Refused("beyond-captured")
        redemption.refunded += fen
        self.grants[redemption.grant].redeemed -= fen
        self.grants[redemption.grant].since = self.day
        self.give_back(self.grants[redemption.grant], fen)

    def give_back(self, grant: Grant, fen: int) -> None:
        if self.usable(grant):
            grant.available += fen
        elif grant.status in ("revoked", "unused"):
            grant.revoked += fen
            self.unallocated[grant.programme] += fen
        else:
            grant.expired += fen

    def revoke(self, name: str) -> None:
        grant = self.grants[name]
        if grant.status != "active":
            raise Refused("illegal-move")
        grant.status = "revoked"
        for reference, redemption in self.redemptions.items():
            if redemption.grant == name and redemption.is_open:
                self.release(reference)
        freed, grant.available = grant.available, 0
        self.give_back(grant, freed)

    def expire_due(self) -> None:
        for grant in self.grants.values():
            if grant.status == "active" and self.day >= grant.ends:
                grant.status = "expired"
                grant.expired += grant.available
                grant.available = 0
        for reference, redemption in self.redemptions.items():
            if redemption.is_open and self.day >= self.grants[redemption.grant].ends + GRACE_DAYS:
                self.release(reference)

    def take_back_due(self) -> None:
        for name, grant in self.grants.items():
            days = self.rules[grant.programme].idle_days
            is_held = any(one.is_open for one in self.redemptions.values() if one.grant == name)
            idle = grant.status == "active" and grant.available > 0 and not is_held
            if days is not None and idle and self.day > grant.since + days:
                grant.status = "unused"
                freed, grant.available = grant.available, 0
                self.give_back(grant, freed)

    def held(self, name: str) -> int:
        return sum(one.held for one in self.redemptions.values() if one.grant == name)

    def position(self, programme: str) -> tuple[int, ...]:
        """Return budget, unallocated, available, held, redeemed and expired."""
        mine = {name: grant for name, grant in self.grants.items() if grant.programme == programme}
        return (
            self.rules[programme].budget,
            self.unallocated[programme],
            sum(grant.available for grant in mine.values()),
            sum(self.held(name) for name in mine),
            sum(grant.redeemed for grant in mine.values()),
            sum(grant.expired for grant in mine.values()),
        )
