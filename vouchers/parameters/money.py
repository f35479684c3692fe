"""How much there is, whose it is, and how awards are rounded."""

from datetime import date
from enum import StrEnum

from vouchers.parameters.units import Code, Fen, Group, Line, PositiveCount, PositiveFen, Year


class Carryover(StrEnum):
    """What happens to a budget at the end of its year."""

    LAPSE = "LAPSE"
    CARRY = "CARRY"


class Oversubscription(StrEnum):
    """What happens when more is asked for than there is."""

    QUEUE = "QUEUE"
    PRO_RATA = "PRO_RATA"
    RANK_CUT = "RANK_CUT"


class Funder(Group, frozen=True, kw_only=True):
    """Who bears a share of every award; of equal remainders the odd fen goes to whoever is named first."""

    code: Code
    weight: PositiveCount = 1
    organisation: Line = ""


class Tranche(Group, frozen=True, kw_only=True):
    """A part of the budget that may be granted from a day on."""

    released_on: date
    amount_fen: PositiveFen


class Pool(Group, frozen=True, kw_only=True):
    """A part of the budget that is kept for the firms of some districts; one without districts is for all others."""

    code: Code
    amount_fen: PositiveFen
    districts: tuple[Line, ...] = ()


class Reserve(Group, frozen=True, kw_only=True):
    """Money that providers get ahead (备用金), and below which it is filled up again."""

    prefund_fen: PositiveFen
    top_up_below_fen: Fen = 0


class Money(Group, frozen=True, kw_only=True):
    """The budget, its parts and funders, and the sizes of awards."""

    budget_fen: PositiveFen
    fiscal_year: Year | None = None
    carryover: Carryover = Carryover.LAPSE
    tranches: tuple[Tranche, ...] = ()
    pools: tuple[Pool, ...] = ()
    funders: tuple[Funder, ...] = ()
    provider_reserve: Reserve | None = None
    admin_cost_in_budget: bool = False
    min_award_fen: Fen = 0
    max_award_fen: PositiveFen | None = None
    min_grant_fen: Fen = 0
    round_unit_fen: PositiveFen = 1
    round_base_first: bool = False
    oversubscription: Oversubscription = Oversubscription.QUEUE

    def unreleased_fen(self, on: date) -> int:
        """Return what of the budget may not be granted yet on a day; what is in no instalment may be from the start."""
        return sum(tranche.amount_fen for tranche in self.tranches if tranche.released_on > on)

    def pool_of(self, district: str) -> str:
        """Return the pool from which a firm of a district is served; nothing where no pool is for it."""
        named = (pool.code for pool in self.pools if district in pool.districts)
        return next(named, next((pool.code for pool in self.pools if not pool.districts), ""))
