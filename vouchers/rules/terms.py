"""What of a programme's parameters decides an award. Pure.

Terms are kept with every explanation, so they leave out what is at its default: a plain programme's are short.
"""

from msgspec import Struct

from vouchers.parameters import Funder, Mode, Parameters, Span, Tier
from vouchers.parameters.award import Apportion, DayCount, Discount, Select, TaxMode
from vouchers.parameters.caps import Waiver
from vouchers.parameters.integrity import RelatedRule
from vouchers.parameters.predicates import Among, Compares, Has, Is, walk
from vouchers.parameters.redemption import Stacking

EVERY_DISCOUNT = tuple(Discount)


class Terms(Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The parameters of one version of a programme that decide an award. Without tiers ``ratio_bp`` is for everyone."""

    programme: str
    ratio_bp: int
    eligible_categories: tuple[str, ...]
    version: int = 1
    # who may use it for what
    first_purchase_only: bool = False
    vouchers_per_order_max: int = 1
    # which lines count
    excluded_categories: tuple[str, ...] = ()
    compute_kinds: tuple[str, ...] = ()
    purposes: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    self_built_counts: bool = False
    related_denied: bool = False
    price_filing: bool = False
    # which base they make
    net_of: tuple[Discount, ...] = EVERY_DISCOUNT
    vat_bp: int | None = None
    stacking: Stacking = Stacking()
    apportion: Apportion = Apportion.NONE
    base_period: Span | None = None
    day_count: DayCount = DayCount.END_MINUS_START
    round_base_first: bool = False
    min_annual_spend_fen: int = 0
    # which ratio of it
    tiers: tuple[Tier, ...] = ()
    select: Select = Select.HIGHEST
    sum_cap_bp: int | None = None
    round_unit_fen: int = 1
    # within which limits, and whose money it is
    order_cap_fen: int | None = None
    contract_cap_fen: int | None = None
    entity_year_cap_fen: int | None = None
    entity_lifetime_cap_fen: int | None = None
    max_award_fen: int | None = None
    min_award_fen: int = 0
    min_cash_share_bp: int = 0
    partial_when_short: bool = True
    cap_waiver: Waiver | None = None
    funders: tuple[Funder, ...] = ()

    @property
    def asked_facts(self) -> frozenset[str]:
        """Return the facts that decide about the ratio, or about a ceiling over all public support."""
        conditions = [tier.when for tier in self.tiers if tier.when is not None]
        conditions += [ceiling.when for ceiling in self.stacking.ceilings if ceiling.when is not None]
        nodes = (node for condition in conditions for node, _depth in walk(condition))
        return frozenset(node.fact for node in nodes if isinstance(node, Is | Compares | Among | Has))


def terms_of(parameters: Parameters, *, version: int = 1) -> Terms:
    """Return the terms of a version of a programme: the only place that reads them from its parameters."""
    award, money, caps = parameters.award, parameters.money, parameters.caps
    return Terms(
        programme=parameters.identity.code,
        version=version,
        ratio_bp=award.ceiling_bp,
        eligible_categories=award.eligible_categories,
        first_purchase_only=_first_purchase_only(parameters),
        vouchers_per_order_max=parameters.redemption.vouchers_per_order_max,
        excluded_categories=award.excluded_categories,
        compute_kinds=award.compute_kinds,
        purposes=award.purposes,
        regions=award.regions,
        self_built_counts=award.self_built_counts,
        related_denied=parameters.integrity.related_party.rule is RelatedRule.DENY,
        price_filing=_price_filing(parameters),
        net_of=award.net_of,
        vat_bp=award.vat_bp if award.tax_mode is TaxMode.EXCL_VAT else None,
        stacking=parameters.redemption.stacking,
        apportion=award.apportion,
        base_period=award.base_period,
        day_count=award.day_count,
        round_base_first=money.round_base_first,
        min_annual_spend_fen=_min_annual_spend_fen(parameters),
        tiers=_tiers(parameters),
        select=award.select,
        sum_cap_bp=award.sum_cap_bp,
        round_unit_fen=money.round_unit_fen,
        order_cap_fen=caps.order_cap_fen,
        contract_cap_fen=caps.contract_cap_fen,
        entity_year_cap_fen=caps.entity_annual_cap_fen,
        entity_lifetime_cap_fen=caps.entity_lifetime_cap_fen,
        max_award_fen=money.max_award_fen,
        min_award_fen=money.min_award_fen,
        min_cash_share_bp=parameters.redemption.min_cash_share_bp,
        partial_when_short=parameters.redemption.partial_when_short,
        cap_waiver=caps.cap_waiver,
        funders=money.funders,
    )


def _first_purchase_only(parameters: Parameters) -> bool:
    """Tell whether the award asks: a checkout knows what else was bought, who claims says so with the application."""
    return parameters.caps.first_purchase_only and parameters.identity.mode is Mode.INSTANT_DEDUCT


def _price_filing(parameters: Parameters) -> bool:
    """Tell whether the award asks: a checkout knows the price of a card-hour, an invoice does not say it."""
    return parameters.providers.price_filing_required and parameters.identity.mode is Mode.INSTANT_DEDUCT


def _min_annual_spend_fen(parameters: Parameters) -> int:
    """Return what is known when the year is over: who deducts at checkout asks for it with the application."""
    return parameters.caps.min_annual_spend_fen if parameters.identity.mode is Mode.REIMBURSE else 0


def _tiers(parameters: Parameters) -> tuple[Tier, ...]:
    """Return the tiers by priority; one that is for everyone alone is the ratio itself."""
    tiers = parameters.award.tiers
    if len(tiers) == 1 and tiers[0].when is None:
        return ()
    return tuple(sorted(tiers, key=lambda tier: tier.priority))
