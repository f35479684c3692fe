"""What other public support and the base period leave of the base. Pure."""

from vouchers.parameters import Span
from vouchers.parameters.award import Apportion, DayCount
from vouchers.parameters.predicates import holds
from vouchers.parameters.redemption import AggregateScope, StackRule
from vouchers.rules.amounts import floor_to
from vouchers.rules.steps import Refusal, StepCode
from vouchers.rules.work import Work


def support(work: Work) -> Refusal | None:
    """Apply what the programme says of other public support: refuse, lower the base, or find the ceiling."""
    if not work.case.support:
        return None
    work.other_fen = sum(one.amount_fen for one in work.case.support)
    if not work.other_fen:
        return None
    work.note(StepCode.OTHER_SUPPORT, work.other_fen)
    stacking = work.terms.stacking
    if stacking.rule is StackRule.DENY:
        return work.refuse(Refusal.OTHER_SUPPORT)
    if stacking.partners and any(one.amount_fen and one.kind not in stacking.partners for one in work.case.support):
        return work.refuse(Refusal.OTHER_SUPPORT)
    if stacking.rule is StackRule.REDUCE_BASE:
        work.base_fen = max(work.base_fen - work.other_fen, 0)
        work.note(StepCode.BASE_REDUCED, work.base_fen)
    return _ceiling(work) if stacking.ceilings else None


def _ceiling(work: Work) -> Refusal | None:
    """Find the ceiling over all support; of several that the facts do not tell apart the lowest counts."""
    stacking, facts = work.terms.stacking, work.case.facts
    proven = next((each.bp for each in stacking.ceilings if holds(each.when, facts)), None)
    bp = min(each.bp for each in stacking.ceilings) if proven is None else proven
    whole_fen = work.base_fen
    if stacking.rule is StackRule.AGGREGATE_CAP:
        whole_fen = sum(work.nets) if work.case.contract_fen is None else work.case.contract_fen
    ceiling_fen = whole_fen * bp // 10_000
    if stacking.scope is AggregateScope.TOTAL:
        work.ceiling_fen = ceiling_fen
    elif work.other_fen > ceiling_fen:
        return work.refuse(Refusal.SUPPORT_CEILING, limit_fen=ceiling_fen)
    return None


def apportion(work: Work) -> Refusal | None:
    """Keep the part of the base that falls into the base period, and round it where the programme says so."""
    terms = work.terms
    if terms.apportion is not Apportion.NONE and not work.case.in_base_period:
        refused = _by_days(work) if terms.apportion is Apportion.CONTRACT_DAYS else _by_meter(work)
        if refused:
            return refused
    if terms.round_base_first:
        work.base_fen = floor_to(work.base_fen, terms.round_unit_fen)
        work.note(StepCode.BASE_ROUNDED, work.base_fen, unit_fen=terms.round_unit_fen)
    return None


def _by_days(work: Work) -> Refusal | None:
    contract, period = work.case.contract, work.terms.base_period
    if contract is None or period is None or contract.last_on < contract.first_on:
        return work.refuse(Refusal.CONTRACT_UNKNOWN)
    within = Span(first_on=max(contract.first_on, period.first_on), last_on=min(contract.last_on, period.last_on))
    days, of_days = counted(within, work.terms.day_count), counted(contract, work.terms.day_count)
    if contract.first_on == contract.last_on:
        days, of_days = int(within.first_on <= within.last_on), 1
    if days <= 0:
        return work.refuse(Refusal.OUTSIDE_BASE_PERIOD)
    work.base_fen = work.base_fen * days // of_days
    work.note(StepCode.DAYS, work.base_fen, days=days, of_days=of_days)
    return None


def counted(span: Span, how: DayCount) -> int:
    """Return how many days a period has, by the programme's way of counting."""
    return (span.last_on - span.first_on).days + (how is DayCount.INCLUSIVE)


def _by_meter(work: Work) -> Refusal | None:
    part, whole = work.case.metered_in_period, work.case.metered_in_all
    if part is None or whole is None or not 0 <= part <= whole or whole == 0:
        return work.refuse(Refusal.CONTRACT_UNKNOWN)
    work.base_fen = work.base_fen * part // whole
    work.note(StepCode.METERED, work.base_fen, part=part, whole=whole)
    return None


def spends_enough(work: Work) -> Refusal | None:
    """Check the least spending of a year, which is what was shown here where no figure of the year is known."""
    least = work.terms.min_annual_spend_fen
    if not least:
        return None
    known = work.case.facts.annual_spend_fen
    spent_fen = work.eligible_fen if known is None else known
    if spent_fen < least:
        return work.refuse(Refusal.BELOW_ANNUAL_SPEND, limit_fen=least)
    return None
