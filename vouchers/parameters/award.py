"""What share of what is paid."""

from enum import StrEnum

from vouchers.parameters.predicates import Predicate
from vouchers.parameters.units import Bp, Category, Code, Group, Line, PositiveBp, Span


class Select(StrEnum):
    """Which of the tiers that apply decides: the highest, the first by priority, or their sum up to a cap."""

    HIGHEST = "HIGHEST"
    FIRST_MATCH = "FIRST_MATCH"
    SUM_CAPPED = "SUM_CAPPED"


class Base(StrEnum):
    """Which amount of a contract the ratio is of."""

    SIGNED_CONTRACT = "SIGNED_CONTRACT"
    INVOICED = "INVOICED"
    PAID = "PAID"
    METERED_USAGE = "METERED_USAGE"
    LEAST = "LEAST"


class TaxMode(StrEnum):
    """Whether the base contains value-added tax."""

    INCL = "INCL"
    EXCL_VAT = "EXCL_VAT"


class Discount(StrEnum):
    """Who made an order cheaper."""

    PROVIDER_DISCOUNT = "PROVIDER_DISCOUNT"
    PLATFORM_PROMO = "PLATFORM_PROMO"
    OTHER_VOUCHER = "OTHER_VOUCHER"
    POINTS = "POINTS"


class ComputeKind(StrEnum):
    """Kinds of compute as policies name them."""

    GENERAL = "GENERAL"
    INTELLIGENT = "INTELLIGENT"
    SUPER = "SUPER"
    EDGE = "EDGE"
    QUANTUM = "QUANTUM"


class Purpose(StrEnum):
    """What compute is used for."""

    TRAIN = "TRAIN"
    FINETUNE = "FINETUNE"
    INFER = "INFER"
    SIMULATION = "SIMULATION"
    RESEARCH = "RESEARCH"


class Apportion(StrEnum):
    """How the part of a contract that falls into the base period is found."""

    NONE = "NONE"
    CONTRACT_DAYS = "CONTRACT_DAYS"
    METERED = "METERED"


class DayCount(StrEnum):
    """Whether the first day of a period counts: 305 days lie between 1 March and 31 December, 306 are in them."""

    END_MINUS_START = "END_MINUS_START"
    INCLUSIVE = "INCLUSIVE"


class Tier(Group, frozen=True, kw_only=True):
    """A ratio, and for whom; without a condition it is for everyone."""

    code: Code
    bp: PositiveBp
    when: Predicate | None = None
    priority: int = 0


class Award(Group, frozen=True, kw_only=True):
    """The lines that count, the base they make, and the ratio of it that is paid."""

    tiers: tuple[Tier, ...]
    eligible_categories: tuple[Category, ...]
    excluded_categories: tuple[Category, ...] = ()
    select: Select = Select.HIGHEST
    sum_cap_bp: PositiveBp | None = None
    base: Base = Base.INVOICED
    tax_mode: TaxMode = TaxMode.INCL
    vat_bp: Bp = 600
    net_of: tuple[Discount, ...] = tuple(Discount)
    compute_kinds: tuple[ComputeKind, ...] = ()
    purposes: tuple[Purpose, ...] = ()
    regions: tuple[Line, ...] = ()
    self_built_counts: bool = False
    apportion: Apportion = Apportion.NONE
    base_period: Span | None = None
    day_count: DayCount = DayCount.END_MINUS_START

    @property
    def ceiling_bp(self) -> int:
        """Return the largest share that any award can be of its base."""
        if self.select is Select.SUM_CAPPED:
            return min(self.sum_cap_bp or 10_000, sum(tier.bp for tier in self.tiers))
        return max(tier.bp for tier in self.tiers)
