"""The normative order of calculation once more, from the document alone: slow, in fractions, and not by our stages."""

from fractions import Fraction
from math import ceil, floor

from vouchers.parameters.award import Apportion, Select
from vouchers.parameters.predicates import holds
from vouchers.parameters.redemption import AggregateScope, OverCeiling, StackRule
from vouchers.rules import Case, Limits, Spending, Terms

WHOLE = 10_000


class Nothing(Exception):
    """The voucher pays nothing."""


def award(terms: Terms, lines: list[Spending], case: Case, limits: Limits) -> tuple[int, dict[str, int]]:
    """Return what is paid, and who bears it."""
    try:
        return _award(terms, lines, case, limits)
    except Nothing:
        return 0, {}


def parts(total: int, weights: list[int]) -> list[int]:
    """Split a total by largest remainder, ties to the first."""
    if not sum(weights):
        return [0] * len(weights)
    exact = [Fraction(total * weight, sum(weights)) for weight in weights]
    got = [floor(one) for one in exact]
    order = sorted(range(len(got)), key=lambda n: (got[n] - exact[n], n))
    return [fen + (n in order[: total - sum(got)]) for n, fen in enumerate(got)]


def _award(terms: Terms, lines: list[Spending], case: Case, limits: Limits) -> tuple[int, dict[str, int]]:
    counts = [_counts(terms, line) for line in lines]
    gross = [line.amount_fen for line in lines]
    given = sum(one.amount_fen for one in case.discounts)
    lowering = sum(one.amount_fen for one in case.discounts if one.kind in terms.net_of)
    net = [fen - off for fen, off in zip(gross, parts(lowering, gross), strict=True)]
    paid = [fen - off for fen, off in zip(gross, parts(given, gross), strict=True)]
    untaxed = [_untaxed(terms, line, fen) for line, fen in zip(lines, net, strict=True)]
    eligible = sum(fen for fen, is_counted in zip(untaxed, counts, strict=True) if is_counted)
    payable = sum(fen for fen, is_counted in zip(paid, counts, strict=True) if is_counted)
    others = sum(one.amount_fen for one in case.support)
    base = _in_period(terms, case, _reduced(terms, eligible, others))
    full = base * _ratio(terms, case) // WHOLE
    full -= full % terms.round_unit_fen
    if others and terms.stacking.rule is StackRule.HIGHER_OF:
        full = max(full - others, 0)
        full -= full % terms.round_unit_fen
    own_share = ceil(Fraction(payable * terms.min_cash_share_bp, WHOLE))
    within = _left(terms, limits)
    whole = (case.contract_fen or sum(net)) if terms.stacking.rule is StackRule.AGGREGATE_CAP else eligible
    ceiling = _ceiling(terms, case, whole, others)
    if ceiling is not None and terms.stacking.over is OverCeiling.REFUSE and min([full, *within]) > ceiling:
        raise Nothing  # whatever the buyer's own share would leave
    return _shared(terms, full, min([*within, payable - own_share, full if ceiling is None else ceiling]))


def _shared(terms: Terms, full: int, most: int) -> tuple[int, dict[str, int]]:
    most = max(most, 0)
    fen = min(full, most - most % terms.round_unit_fen)
    if fen < max(terms.min_award_fen, 1) or (fen < full and not terms.partial_when_short):
        raise Nothing
    codes = [funder.code for funder in terms.funders]
    return fen, dict(zip(codes, parts(fen, [funder.weight for funder in terms.funders]), strict=True))


def _counts(terms: Terms, line: Spending) -> bool:
    named = line.category in terms.eligible_categories and line.category not in terms.excluded_categories
    return named and line.provider_listed and (terms.self_built_counts or not line.self_built)


def _untaxed(terms: Terms, line: Spending, fen: int) -> int:
    if terms.vat_bp is None:
        return fen
    rate = terms.vat_bp if line.vat_bp is None else line.vat_bp
    return floor(Fraction(fen * WHOLE, WHOLE + rate) + Fraction(1, 2))


def _reduced(terms: Terms, eligible: int, others: int) -> int:
    if others and terms.stacking.rule is StackRule.DENY:
        raise Nothing
    return max(eligible - others, 0) if terms.stacking.rule is StackRule.REDUCE_BASE else eligible


def _in_period(terms: Terms, case: Case, fen: int) -> int:
    if terms.apportion is Apportion.CONTRACT_DAYS:
        assert case.contract is not None
        assert terms.base_period is not None
        first = max(case.contract.first_on, terms.base_period.first_on)
        last = min(case.contract.last_on, terms.base_period.last_on)
        days = (last - first).days
        if days <= 0:
            raise Nothing
        fen = floor(Fraction(fen * days, (case.contract.last_on - case.contract.first_on).days))
    return fen - fen % terms.round_unit_fen if terms.round_base_first else fen


def _ratio(terms: Terms, case: Case) -> int:
    applying = [tier for tier in terms.tiers if holds(tier.when, case.facts) is True]
    if not terms.tiers:
        return terms.ratio_bp
    if not applying:
        raise Nothing
    if terms.select is Select.SUM_CAPPED:
        return min(sum(tier.bp for tier in applying), terms.sum_cap_bp or WHOLE)
    return max(tier.bp for tier in applying) if terms.select is Select.HIGHEST else applying[0].bp


def _ceiling(terms: Terms, case: Case, whole: int, others: int) -> int | None:
    """Return what a ceiling over all public support leaves; it binds only where there is other support."""
    if not others or not terms.stacking.ceilings:
        return None
    ceiling = whole * terms.stacking.ceilings[0].bp // WHOLE
    if terms.stacking.scope is AggregateScope.TOTAL:
        return ceiling - others
    if others > ceiling:
        raise Nothing
    return None


def _left(terms: Terms, limits: Limits) -> list[int]:
    year = [terms.entity_year_cap_fen if limits.entity_year_left_fen is None else limits.entity_year_left_fen]
    order = [terms.order_cap_fen if limits.order_left_fen is None else limits.order_left_fen]
    contract = [terms.contract_cap_fen if limits.contract_left_fen is None else limits.contract_left_fen]
    left = [limits.grant_available_fen, limits.pool_left_fen, limits.budget_left_fen, *limits.left_by_basis.values()]
    return [fen for fen in (*year, *order, *contract, *left, terms.max_award_fen) if fen is not None]
