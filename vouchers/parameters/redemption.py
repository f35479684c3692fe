"""How a voucher is used beside other money, how long it lives, and what then."""

from datetime import date, timedelta
from enum import StrEnum

from vouchers.parameters.predicates import Predicate
from vouchers.parameters.units import Bp, Count, Days, Group, Line, PositiveBp, PositiveCount, PositiveDays


class StackRule(StrEnum):
    """What other public support for the same contract does to an award."""

    ALLOW = "ALLOW"
    DENY = "DENY"
    REDUCE_BASE = "REDUCE_BASE"
    AGGREGATE_CAP = "AGGREGATE_CAP"
    STACK_WITH_LIMIT = "STACK_WITH_LIMIT"
    HIGHER_OF = "HIGHER_OF"


class AggregateScope(StrEnum):
    """Whether a ceiling over public support counts this award too, or what others pay only."""

    TOTAL = "TOTAL"
    OTHERS_ONLY = "OTHERS_ONLY"


class OverCeiling(StrEnum):
    """Whether an award above a ceiling is cut to it or refused."""

    CUT = "CUT"
    REFUSE = "REFUSE"


class Capture(StrEnum):
    """When what is held is paid."""

    METERED = "METERED"
    PERIODIC = "PERIODIC"
    ON_DELIVERY = "ON_DELIVERY"


class Ceiling(Group, frozen=True, kw_only=True):
    """The most that all public support together may be of the base, and for whom."""

    bp: PositiveBp
    when: Predicate | None = None


class Stacking(Group, frozen=True, kw_only=True):
    """Other public support for the same contract; ``partners`` are the kinds with which this one may be added."""

    rule: StackRule = StackRule.ALLOW
    ceilings: tuple[Ceiling, ...] = ()
    scope: AggregateScope = AggregateScope.TOTAL
    partners: tuple[Line, ...] = ()
    over: OverCeiling = OverCeiling.CUT
    priority: int = 0


class Redemption(Group, frozen=True, kw_only=True):
    """Holding, paying in part, and the buyer's own share.

    Value stays set aside for ``hold_ttl_minutes`` while an order waits for cards, and to its end once it has them.
    """

    hold_ttl_minutes: Count | None = None
    running_order_hold: bool = True
    partial_when_short: bool = True
    vouchers_per_order_max: PositiveCount = 1
    stacking: Stacking = Stacking()
    min_cash_share_bp: Bp = 0
    capture: Capture = Capture.METERED
    fallback_payment_required: bool = True


class ValidFrom(StrEnum):
    """From when the days of validity count."""

    GRANT = "GRANT"
    FIRST_USE = "FIRST_USE"


class CutoffBasis(StrEnum):
    """Which instant must lie before the expiry."""

    USAGE_TIME = "USAGE_TIME"
    CAPTURE_TIME = "CAPTURE_TIME"


class RefundAfterExpiry(StrEnum):
    """Where a refund after the expiry goes."""

    LAPSE = "LAPSE"
    GRACE = "GRACE"


class Validity(Group, frozen=True, kw_only=True):
    """How long a grant lives: it ends with the last day of its validity, in Shanghai, or with a fixed day before it.

    The days count from the approval, or from the first use; then the fixed day is when a grant ends that is never used.
    """

    days: PositiveDays
    valid_from: ValidFrom = ValidFrom.GRANT
    fixed_last_on: date | None = None
    usage_cutoff_basis: CutoffBasis = CutoffBasis.USAGE_TIME
    grace_days: Days = 7
    extension_allowed: bool = False
    inactivity_expunge_days: PositiveDays | None = None
    refund_after_expiry: RefundAfterExpiry = RefundAfterExpiry.LAPSE

    def last_day(self, granted_on: date) -> date:
        """Return the last day of a grant that is approved on a day; a fixed last day may be over by then.

        Where the days count from the first use, that is the last day of a grant that is not used before.
        """
        if self.valid_from is ValidFrom.FIRST_USE and self.fixed_last_on:
            return self.fixed_last_on
        last_on = granted_on + timedelta(days=self.days - 1)
        return last_on if self.fixed_last_on is None else min(last_on, self.fixed_last_on)
