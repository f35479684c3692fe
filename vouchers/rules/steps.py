"""The words of a quote: caps, refusals and steps. ``vouchers.explanations`` has a sentence for each."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct


class Cap(StrEnum):
    """What can make an award smaller than its ratio of the base, in the order in which ties are named."""

    MAX_AWARD = "MAX_AWARD"
    ORDER_CAP = "ORDER_CAP"
    CONTRACT = "CONTRACT"
    ENTITY_YEAR = "ENTITY_YEAR"
    ENTITY_LIFETIME = "ENTITY_LIFETIME"
    GROUP = "GROUP"
    COMBINED = "COMBINED"
    PROVIDER_SHARE = "PROVIDER_SHARE"
    GRANT = "GRANT"
    POOL = "POOL"
    TRANCHE = "TRANCHE"
    BUDGET = "BUDGET"
    AGGREGATE = "AGGREGATE"
    CASH_SHARE = "CASH_SHARE"


class Refusal(StrEnum):
    """Why a voucher pays nothing."""

    PROGRAMME_NOT_OPEN = "PROGRAMME_NOT_OPEN"
    GRANT_NOT_USABLE = "GRANT_NOT_USABLE"
    BLACKLISTED = "BLACKLISTED"
    CATEGORY_NOT_ELIGIBLE = "CATEGORY_NOT_ELIGIBLE"
    KIND_NOT_ELIGIBLE = "KIND_NOT_ELIGIBLE"
    PURPOSE_NOT_ELIGIBLE = "PURPOSE_NOT_ELIGIBLE"
    REGION_NOT_ELIGIBLE = "REGION_NOT_ELIGIBLE"
    SELF_BUILT = "SELF_BUILT"
    PROVIDER_NOT_LISTED = "PROVIDER_NOT_LISTED"
    PRICE_NOT_FILED = "PRICE_NOT_FILED"
    RELATED_PARTY = "RELATED_PARTY"
    NOT_FIRST_PURCHASE = "NOT_FIRST_PURCHASE"
    TOO_MANY_VOUCHERS = "TOO_MANY_VOUCHERS"
    OTHER_SUPPORT = "OTHER_SUPPORT"
    SUPPORT_CEILING = "SUPPORT_CEILING"
    HIGHER_SUPPORT = "HIGHER_SUPPORT"
    CONTRACT_UNKNOWN = "CONTRACT_UNKNOWN"
    OUTSIDE_BASE_PERIOD = "OUTSIDE_BASE_PERIOD"
    BELOW_ANNUAL_SPEND = "BELOW_ANNUAL_SPEND"
    NO_TIER = "NO_TIER"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    SHORT = "SHORT"


class StepCode(StrEnum):
    """What a step of an explanation did."""

    INCLUDED = "INCLUDED"
    EXCLUDED = "EXCLUDED"
    DISCOUNTED = "DISCOUNTED"
    ELIGIBLE = "ELIGIBLE"
    UNTAXED = "UNTAXED"
    OTHER_SUPPORT = "OTHER_SUPPORT"
    BASE_REDUCED = "BASE_REDUCED"
    DAYS = "DAYS"
    METERED = "METERED"
    BASE_ROUNDED = "BASE_ROUNDED"
    TIER = "TIER"
    RATIO = "RATIO"
    ROUNDED = "ROUNDED"
    HIGHER_OF = "HIGHER_OF"
    WAIVED = "WAIVED"
    CAP = "CAP"
    MINIMUM = "MINIMUM"
    FUNDED = "FUNDED"
    AWARD = "AWARD"
    REFUSED = "REFUSED"


class Step(Struct, frozen=True):
    """One step of the calculation: what was done, with which numbers, and the amount after it."""

    code: StepCode
    amount_fen: int
    params: Mapping[str, int | str]
