"""What contradicts what: every rule yields problems with the path of a parameter and a code. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, timedelta
from itertools import pairwise
from typing import NamedTuple

from vouchers.parameters import Parameters
from vouchers.parameters.allocation import Method
from vouchers.parameters.award import Apportion, Select, TaxMode
from vouchers.parameters.caps import CapBasis, CapYear
from vouchers.parameters.eligibility import Registry
from vouchers.parameters.identity import WEB, Denomination, Mode
from vouchers.parameters.predicates import Predicate, flaws
from vouchers.parameters.redemption import CutoffBasis, StackRule
from vouchers.parameters.settled import otherwise
from vouchers.parameters.settlement import Claimant, Cycle
from vouchers.parameters.together import alone
from vouchers.parameters.units import Window

EARLIEST, LATEST = date(2000, 1, 1), date(2200, 1, 1)
SHORTEST_HOLD_MINUTES = 10  # the call auction, for which orders wait, is held every five minutes
NEED_CEILING = (StackRule.AGGREGATE_CAP, StackRule.STACK_WITH_LIMIT)


class Problem(NamedTuple):
    """Where something is wrong, what, and with which values."""

    path: str
    code: str
    given: Mapping[str, str]


Found = Iterator[Problem]


def contradictions(parameters: Parameters) -> list[Problem]:
    """Return everything about a programme that cannot be meant as it is written; empty if it can be run."""
    return [problem for check in CHECKS for problem in check(parameters)]


def _problem(path: str, code: str, **given: object) -> Problem:
    return Problem(path, code, {name: str(value) for name, value in given.items()})


def _days(parameters: Parameters) -> Found:
    windows: dict[str, Window | None] = {
        "identity": Window(opens_on=parameters.identity.opens_on, closes_on=parameters.identity.closes_on),
        "allocation.window": parameters.allocation.window,
        "settlement.claim_window": parameters.settlement.claim_window,
    }
    for number, batch in enumerate(parameters.providers.batches):
        windows[f"providers.batches[{number}].window"] = batch.window
        windows[f"providers.batches[{number}].valid"] = batch.valid
    for path, window in windows.items():
        if window and window.closes_on <= window.opens_on:
            yield _problem(f"{path}.closes_on", "CLOSES_BEFORE_OPENING", opens=window.opens_on, closes=window.closes_on)
        if window and (window.opens_on < EARLIEST or window.closes_on > LATEST):
            yield _problem(f"{path}.opens_on", "DATE_OUT_OF_RANGE", opens=window.opens_on, closes=window.closes_on)
    base = parameters.award.base_period
    if base and base.last_on < base.first_on:
        yield _problem("award.base_period.last_on", "ENDS_BEFORE_START", first=base.first_on, last=base.last_on)


def _fixed_day(parameters: Parameters) -> Found:
    fixed, closes = parameters.validity.fixed_last_on, parameters.identity.closes_on
    if fixed and fixed > LATEST:
        yield _problem("validity.fixed_last_on", "DATE_OUT_OF_RANGE", opens=closes, closes=fixed)
    if fixed and fixed < closes - timedelta(days=1):
        yield _problem("validity.fixed_last_on", "FIXED_DAY_BEFORE_CLOSING", fixed=fixed, closes=closes)


def _overlaps(parameters: Parameters) -> Found:
    batches = [(number, one.window) for number, one in enumerate(parameters.providers.batches) if one.window]
    batches.sort(key=lambda each: (each[1].opens_on, each[0]))
    for (_earlier, first), (number, second) in pairwise(batches):
        if second.opens_on < first.closes_on:
            given = {"opens": second.opens_on, "closes": first.closes_on}
            yield _problem(f"providers.batches[{number}].window", "WINDOWS_OVERLAP", **given)


def _windows_needed(parameters: Parameters) -> Found:
    identity, window = parameters.identity, parameters.allocation.window
    if parameters.allocation.method in (Method.WINDOW_BATCH, Method.RANK, Method.LOTTERY) and window is None:
        yield _problem("allocation.window", "WINDOW_NEEDED", method=parameters.allocation.method)
    if window and not (identity.opens_on <= window.opens_on and window.closes_on <= identity.closes_on):
        yield _problem("allocation.window", "WINDOW_OUTSIDE_PROGRAMME", opens=window.opens_on, closes=window.closes_on)
    if parameters.settlement.cycle is Cycle.ANNUAL_WINDOW and parameters.settlement.claim_window is None:
        yield _problem("settlement.claim_window", "WINDOW_NEEDED", method=parameters.settlement.cycle)


def _parts(parameters: Parameters) -> Found:
    money = parameters.money
    for name, parts in (("tranches", money.tranches), ("pools", money.pools)):
        total = sum(part.amount_fen for part in parts)
        if total > money.budget_fen:
            yield _problem(f"money.{name}", "PARTS_ABOVE_BUDGET", total=total, budget=money.budget_fen)
    if sum(not pool.districts for pool in money.pools) > 1:
        yield _problem("money.pools", "ONE_POOL_FOR_THE_REST")
    if money.pools and parameters.allocation.district_quotas:
        yield _problem("allocation.district_quotas", "POOLS_OR_QUOTAS")


def _floors(parameters: Parameters) -> Found:
    money, caps = parameters.money, parameters.caps
    for path, limit in {
        "money.max_award_fen": money.max_award_fen,
        "caps.order_cap_fen": caps.order_cap_fen,
        "caps.contract_cap_fen": caps.contract_cap_fen,
        "caps.entity_annual_cap_fen": caps.entity_annual_cap_fen,
        "caps.entity_lifetime_cap_fen": caps.entity_lifetime_cap_fen,
    }.items():
        if limit is not None and money.min_award_fen > limit:
            yield _problem(path, "FLOOR_ABOVE_CAP", floor=money.min_award_fen, cap=limit)
    annual, lifetime = caps.entity_annual_cap_fen, caps.entity_lifetime_cap_fen
    if annual and lifetime and lifetime < annual:
        yield _problem("caps.entity_lifetime_cap_fen", "LIFETIME_BELOW_YEAR", lifetime=lifetime, year=annual)
    if money.min_grant_fen > money.budget_fen:
        yield _problem("money.min_grant_fen", "FLOOR_ABOVE_CAP", floor=money.min_grant_fen, cap=money.budget_fen)


def _names(parameters: Parameters) -> Found:
    lists: dict[str, Iterable[str]] = {
        "money.funders": [each.code for each in parameters.money.funders],
        "money.pools": [each.code for each in parameters.money.pools],
        "money.pools.districts": [district for each in parameters.money.pools for district in each.districts],
        "award.tiers": [each.code for each in parameters.award.tiers],
        "award.eligible_categories": parameters.award.eligible_categories,
        "providers.service_items": [each.code for each in parameters.providers.service_items],
        "providers.batches": [each.code for each in parameters.providers.batches],
        "allocation.score_sheet": [each.code for each in parameters.allocation.score_sheet],
    }
    for path, names in lists.items():
        for name, times in Counter(names).items():
            if times > 1:
                yield _problem(path, "NAMED_TWICE", name=name)


def _award(parameters: Parameters) -> Found:
    award = parameters.award
    if not award.tiers:
        yield _problem("award.tiers", "EMPTY")
    if not award.eligible_categories:
        yield _problem("award.eligible_categories", "EMPTY")
    for name in sorted(set(award.eligible_categories) & set(award.excluded_categories)):
        yield _problem("award.excluded_categories", "BOTH_IN_AND_OUT", name=name)


def _basis(parameters: Parameters) -> Found:
    award = parameters.award
    if (award.select is Select.SUM_CAPPED) != (award.sum_cap_bp is not None):
        yield _problem("award.sum_cap_bp", "SUM_CAP_NEEDS_SUM", select=award.select)
    if award.apportion is Apportion.CONTRACT_DAYS and award.base_period is None:
        yield _problem("award.base_period", "BASE_PERIOD_NEEDED")


def _reach(parameters: Parameters) -> Found:
    award = parameters.award
    if award.select is Select.FIRST_MATCH:
        ordered = sorted(award.tiers, key=lambda tier: tier.priority)
        for tier, later in pairwise(ordered):
            if tier.when is None:
                yield _problem("award.tiers", "TIER_NEVER_REACHED", tier=later.code, behind=tier.code)


def _conditions(parameters: Parameters) -> Found:
    for path, predicate in conditions(parameters).items():
        for flaw in flaws(predicate):
            yield _problem(path, flaw.code, given=flaw.given)


def conditions(parameters: Parameters) -> dict[str, Predicate | None]:
    """Return every condition of a programme by its path."""
    found: dict[str, Predicate | None] = {}
    for number, tier in enumerate(parameters.award.tiers):
        found[f"award.tiers[{number}].when"] = tier.when
    for number, ceiling in enumerate(parameters.redemption.stacking.ceilings):
        found[f"redemption.stacking.ceilings[{number}].when"] = ceiling.when
    found["eligibility.when"] = parameters.eligibility.when
    found["caps.cap_waiver.when"] = parameters.caps.cap_waiver.when if parameters.caps.cap_waiver else None
    return found


def _stacking(parameters: Parameters) -> Found:
    stacking = parameters.redemption.stacking
    if (stacking.rule in NEED_CEILING) != bool(stacking.ceilings):
        yield _problem("redemption.stacking.ceilings", "CEILING_NEEDS_RULE", rule=stacking.rule)
    if (stacking.rule is StackRule.STACK_WITH_LIMIT) != bool(stacking.partners):
        yield _problem("redemption.stacking.partners", "PARTNERS_NEED_RULE", rule=stacking.rule)


def _caps(parameters: Parameters) -> Found:
    caps = parameters.caps
    if caps.cap_waiver and caps.entity_annual_cap_fen is None:
        yield _problem("caps.cap_waiver", "WAIVER_WITHOUT_CAP")
    if caps.group_counts_together and caps.entity_annual_cap_fen is None:
        yield _problem("caps.group_counts_together", "GROUP_WITHOUT_CAP")
    if not caps.cap_basis:
        yield _problem("caps.cap_basis", "EMPTY")
    instant = parameters.identity.mode is Mode.INSTANT_DEDUCT
    if instant and caps.entity_annual_cap_fen and CapBasis.REDEEM not in caps.cap_basis:
        yield _problem("caps.cap_basis", "INSTANT_COUNTS_REDEMPTIONS")
    if caps.entity_annual_cap_fen and caps.cap_year is not CapYear.NATURAL:
        yield _problem("caps.cap_year", "CALENDAR_YEARS_COUNT")


def _purchases(parameters: Parameters) -> Found:
    if parameters.caps.first_purchase_only and parameters.identity.mode is Mode.REIMBURSE:
        yield _problem("caps.first_purchase_only", "FIRST_PURCHASE_NEEDS_A_GRANT")


def _habits(parameters: Parameters) -> Found:
    address, minutes = parameters.identity.doc_url, parameters.redemption.hold_ttl_minutes
    if address and not address.startswith(WEB):
        yield _problem("identity.doc_url", "NOT_AN_ADDRESS")
    if minutes is not None and minutes < SHORTEST_HOLD_MINUTES:
        yield _problem("redemption.hold_ttl_minutes", "HOLD_TOO_SHORT", least=SHORTEST_HOLD_MINUTES)
    for path, code in (*otherwise(parameters), *alone(parameters)):
        yield _problem(path, code)


def _flow(parameters: Parameters) -> Found:
    """A checkout knows neither tax nor contracts, and pays the provider less: it deducts from the plain price."""
    if parameters.identity.mode is not Mode.INSTANT_DEDUCT:
        if parameters.validity.usage_cutoff_basis is CutoffBasis.CAPTURE_TIME:
            yield _problem("validity.usage_cutoff_basis", "CLAIMS_COME_LATER")
        return
    plain = {
        "award.tax_mode": parameters.award.tax_mode is TaxMode.INCL,
        "award.apportion": parameters.award.apportion is Apportion.NONE,
        "money.round_base_first": not parameters.money.round_base_first,
    }
    for path, is_plain in plain.items():
        if not is_plain:
            yield _problem(path, "INSTANT_NEEDS_PLAIN_BASE")
    if parameters.settlement.claimant is not Claimant.PROVIDER:
        yield _problem("settlement.claimant", "INSTANT_OWES_THE_PROVIDER")


def _providers(parameters: Parameters) -> Found:
    if parameters.identity.denomination is not Denomination.CNY_FEN:
        yield _problem("identity.denomination", "ONLY_MONEY")
    providers = parameters.providers
    if providers.registry is Registry.CRITERIA and providers.criteria is None:
        yield _problem("providers.criteria", "CRITERIA_NEEDED")
    if providers.registry is Registry.OPEN and parameters.caps.provider_share_bp:
        yield _problem("caps.provider_share_bp", "SHARE_NEEDS_A_LIST")
    if providers.registry is Registry.OPEN and providers.by_service_item:
        yield _problem("providers.by_service_item", "OPEN_HAS_NO_LIST")
    bounds = parameters.eligibility.established_min_days, parameters.eligibility.established_max_days
    if bounds[0] is not None and bounds[1] is not None and bounds[0] > bounds[1]:
        yield _problem("eligibility.established_max_days", "FLOOR_ABOVE_CAP", floor=bounds[0], cap=bounds[1])


def _allocation(parameters: Parameters) -> Found:
    allocation = parameters.allocation
    points = sum(each.points for each in allocation.score_sheet)
    if allocation.method is Method.RANK and not allocation.score_sheet:
        yield _problem("allocation.score_sheet", "EMPTY")
    if allocation.score_sheet and allocation.pass_mark > points:
        yield _problem("allocation.pass_mark", "FLOOR_ABOVE_CAP", floor=allocation.pass_mark, cap=points)
    if allocation.method is Method.EXEMPT and not allocation.exempt_entities:
        yield _problem("allocation.exempt_entities", "EMPTY")
    quotas = sum(each.amount_fen for each in allocation.district_quotas)
    if quotas > parameters.money.budget_fen:
        given = {"total": quotas, "budget": parameters.money.budget_fen}
        yield _problem("allocation.district_quotas", "PARTS_ABOVE_BUDGET", **given)


CHECKS: list[Callable[[Parameters], Found]] = [
    _days,
    _fixed_day,
    _overlaps,
    _windows_needed,
    _parts,
    _floors,
    _names,
    _award,
    _basis,
    _reach,
    _conditions,
    _stacking,
    _caps,
    _purchases,
    _habits,
    _flow,
    _providers,
    _allocation,
]
