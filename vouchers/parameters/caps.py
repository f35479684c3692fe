"""What limits an award beside its ratio."""

from datetime import date
from enum import StrEnum

from vouchers.parameters.predicates import Predicate
from vouchers.parameters.units import Code, Fen, Group, PositiveBp, PositiveCount, PositiveFen, Years


class CapYear(StrEnum):
    """Which twelve months a yearly cap is counted over."""

    NATURAL = "NATURAL"
    PROGRAM = "PROGRAM"
    ROLLING = "ROLLING"


class CapBasis(StrEnum):
    """What a yearly cap counts."""

    GRANT = "GRANT"
    REDEEM = "REDEEM"
    CLAIM_PAID = "CLAIM_PAID"


class Waiver(Group, frozen=True, kw_only=True):
    """Who may exceed the yearly cap; a person must agree unless ``needs_approval`` is false."""

    when: Predicate
    needs_approval: bool = True


class CombinedCap(Group, frozen=True, kw_only=True):
    """A cap that several programmes share: those that name the same group."""

    group: Code
    annual_cap_fen: PositiveFen


class Caps(Group, frozen=True, kw_only=True):
    """Limits per entity, contract, order, provider and group; absent ones do not exist."""

    entity_annual_cap_fen: PositiveFen | None = None
    cap_year: CapYear = CapYear.NATURAL
    cap_basis: tuple[CapBasis, ...] = (CapBasis.REDEEM,)
    entity_lifetime_cap_fen: PositiveFen | None = None
    max_support_years: Years | None = None
    max_grants_per_entity: PositiveCount | None = None
    cap_waiver: Waiver | None = None
    order_cap_fen: PositiveFen | None = None
    contract_cap_fen: PositiveFen | None = None
    one_grant_per_contract: bool = False
    contract_max_months: PositiveCount | None = None
    contract_signed_from: date | None = None
    provider_share_bp: PositiveBp | None = None
    combined: CombinedCap | None = None
    group_counts_together: bool = False
    min_annual_spend_fen: Fen = 0
    first_purchase_only: bool = False
