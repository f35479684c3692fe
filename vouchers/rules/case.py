"""What is asked of a programme: lines, the case around them, and what is left at that moment. Pure."""

from msgspec import Struct

from vouchers.parameters import Facts, Span
from vouchers.parameters.award import Discount
from vouchers.parameters.caps import CapBasis


class BadSpending(ValueError):
    """The amounts of a case do not fit together."""


class Spending(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """One line of what is to be paid, before discounts of the whole order; a refund is never a negative line.

    ``provider_listed`` says whether the provider was listed for this service when the contract was signed.
    ``untaxed_fen`` is the invoice's own amount without tax (金额), where it is known. ``price_micro`` is the most that
    a card-hour of it costs, ``filed_micro`` what its provider filed for one with the authority.
    """

    category: str
    provider_listed: bool
    amount_fen: int
    compute_kind: str = ""
    purpose: str = ""
    region: str = ""
    self_built: bool = False
    related: bool = False
    vat_bp: int | None = None
    untaxed_fen: int | None = None
    price_micro: int | None = None
    filed_micro: int | None = None

    def __post_init__(self) -> None:
        if self.amount_fen < 0 or (self.untaxed_fen or 0) < 0:
            raise BadSpending("spending is not negative")


class DiscountGiven(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A discount on the whole order, and who gave it."""

    kind: Discount
    amount_fen: int

    def __post_init__(self) -> None:
        if self.amount_fen < 0:
            raise BadSpending("a discount is not negative")


class Support(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Other public money for the same contract, and which kind it is."""

    kind: str
    amount_fen: int

    def __post_init__(self) -> None:
        if self.amount_fen < 0:
            raise BadSpending("support is not negative")


class Case(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The order or contract around the lines: facts, discounts, other support, its days, what was metered of it.

    ``contract_fen`` is the whole contract, where the lines are a part of it. ``in_base_period`` says that the lines
    are already what came due within the programme's base period, and are not apportioned again.
    """

    facts: Facts = Facts()
    discounts: tuple[DiscountGiven, ...] = ()
    support: tuple[Support, ...] = ()
    contract: Span | None = None
    contract_fen: int | None = None
    in_base_period: bool = False
    metered_in_period: int | None = None
    metered_in_all: int | None = None


class Limits(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What is left at the moment of the quote; ``None`` means that nothing was used of such a limit, or none exists.

    ``entity_year_left_fen`` is what redemptions leave of the yearly cap, ``left_by_basis`` what grants and payments do.
    ``order_left_fen`` is what vouchers of the programme leave of the cap per order, where they pay for it already, and
    ``vouchers_beside`` how many others those are.
    """

    grant_available_fen: int | None = None
    entity_year_left_fen: int | None = None
    left_by_basis: dict[CapBasis, int] = {}
    entity_lifetime_left_fen: int | None = None
    group_left_fen: int | None = None
    combined_left_fen: int | None = None
    contract_left_fen: int | None = None
    order_left_fen: int | None = None
    provider_left_fen: int | None = None
    pool_left_fen: int | None = None
    released_left_fen: int | None = None
    budget_left_fen: int | None = None
    programme_open: bool = True
    grant_usable: bool = True
    trusted: bool = True
    related: bool = False
    waiver_approved: bool = False
    vouchers_beside: int = 0
