"""Which ratio applies, and what it makes of the base. Pure."""

from core.money import share_fen
from vouchers.parameters import Tier
from vouchers.parameters.award import Select
from vouchers.parameters.predicates import holds
from vouchers.parameters.redemption import StackRule
from vouchers.rules.amounts import floor_to
from vouchers.rules.steps import Refusal, StepCode
from vouchers.rules.work import Work


def choose(work: Work) -> Refusal | None:
    """Choose the ratio: the highest that applies, the first, or the sum of all up to its cap."""
    terms = work.terms
    if not terms.tiers:
        return None
    chosen = _chosen(work)
    if not chosen:
        return work.refuse(Refusal.NO_TIER)
    work.ratio_bp = sum(tier.bp for tier in chosen)
    if terms.sum_cap_bp is not None:
        work.ratio_bp = min(work.ratio_bp, terms.sum_cap_bp)
    for tier in chosen:
        work.note(StepCode.TIER, work.base_fen, tier=tier.code, ratio_bp=tier.bp)
    return None


def _chosen(work: Work) -> list[Tier]:
    tiers, facts = work.terms.tiers, work.case.facts
    if work.terms.select is Select.FIRST_MATCH:
        return [tier for tier in tiers if holds(tier.when, facts)][:1]
    applying = [tier for tier in tiers if holds(tier.when, facts)]
    if work.terms.select is Select.SUM_CAPPED or not applying:
        return applying
    return [max(applying, key=lambda tier: tier.bp)]


def apply(work: Work) -> Refusal | None:
    """Take the ratio of the base, rounded down to the unit; of two supports that do not add up, only the difference."""
    terms = work.terms
    work.amount_fen = share_fen(amount_fen=work.base_fen, ratio_bp=work.ratio_bp)
    work.note(StepCode.RATIO, work.amount_fen, ratio_bp=work.ratio_bp)
    if terms.round_unit_fen != 1:
        work.amount_fen = floor_to(work.amount_fen, terms.round_unit_fen)
        work.note(StepCode.ROUNDED, work.amount_fen, unit_fen=terms.round_unit_fen)
    if terms.stacking.rule is StackRule.HIGHER_OF and work.other_fen:
        if work.other_fen >= work.amount_fen:
            return work.refuse(Refusal.HIGHER_SUPPORT)
        work.amount_fen = floor_to(work.amount_fen - work.other_fen, terms.round_unit_fen)
        work.note(StepCode.HIGHER_OF, work.amount_fen, other_fen=work.other_fen)
    return None
