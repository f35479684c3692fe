"""Every limit on an award, checked together; the one that binds is named. Pure."""

from collections.abc import Iterator

from core.money import BP_WHOLE
from vouchers.parameters.predicates import holds
from vouchers.parameters.redemption import OverCeiling
from vouchers.rules.amounts import floor_to, shares_fen
from vouchers.rules.steps import Cap, Refusal, StepCode
from vouchers.rules.work import Work


def limit(work: Work) -> Refusal | None:
    """Cut the award to the smallest of all limits, each rounded down to the unit; ties name the first."""
    unit = work.terms.round_unit_fen
    for cap, limit_fen in _caps(work):
        allowed_fen = floor_to(max(limit_fen, 0), unit) if unit != 1 else max(limit_fen, 0)
        if allowed_fen < work.amount_fen:
            work.amount_fen, work.cap = allowed_fen, cap
        work.note(StepCode.CAP, work.amount_fen, cap=cap.value, limit_fen=limit_fen)
        if cap is Cap.AGGREGATE and work.cap is cap and work.terms.stacking.over is OverCeiling.REFUSE:
            return work.refuse(Refusal.SUPPORT_CEILING)
    return None


def _caps(work: Work) -> Iterator[tuple[Cap, int]]:
    terms, limits = work.terms, work.limits
    if terms.max_award_fen is not None:
        yield Cap.MAX_AWARD, terms.max_award_fen
    if terms.order_cap_fen is not None:
        yield Cap.ORDER_CAP, terms.order_cap_fen
    contract_fen = terms.contract_cap_fen if limits.contract_left_fen is None else limits.contract_left_fen
    if contract_fen is not None:
        yield Cap.CONTRACT, contract_fen
    yield from _of_entity(work)
    yield from _of_others(work)
    yield from _of_programme(work)
    yield from _of_payer(work)


def _of_entity(work: Work) -> Iterator[tuple[Cap, int]]:
    terms, limits = work.terms, work.limits
    left_fen = terms.entity_year_cap_fen if limits.entity_year_left_fen is None else limits.entity_year_left_fen
    if limits.left_by_basis:
        left_fen = (
            min(limits.left_by_basis.values()) if left_fen is None else min(left_fen, *limits.left_by_basis.values())
        )
    if left_fen is not None and _waived(work):
        work.note(StepCode.WAIVED, work.amount_fen, cap=Cap.ENTITY_YEAR.value)
    elif left_fen is not None:
        yield Cap.ENTITY_YEAR, left_fen
    life_fen = limits.entity_lifetime_left_fen
    life_fen = terms.entity_lifetime_cap_fen if life_fen is None else life_fen
    if life_fen is not None:
        yield Cap.ENTITY_LIFETIME, life_fen


def _waived(work: Work) -> bool:
    waiver = work.terms.cap_waiver
    if waiver is None or not (work.limits.waiver_approved or not waiver.needs_approval):
        return False
    return holds(waiver.when, work.case.facts) is True


def _of_others(work: Work) -> Iterator[tuple[Cap, int]]:
    limits = work.limits
    if limits.group_left_fen is not None:
        yield Cap.GROUP, limits.group_left_fen
    if limits.combined_left_fen is not None:
        yield Cap.COMBINED, limits.combined_left_fen
    if limits.provider_left_fen is not None:
        yield Cap.PROVIDER_SHARE, limits.provider_left_fen


def _of_programme(work: Work) -> Iterator[tuple[Cap, int]]:
    limits = work.limits
    if limits.grant_available_fen is not None:
        yield Cap.GRANT, limits.grant_available_fen
    if limits.pool_left_fen is not None:
        yield Cap.POOL, limits.pool_left_fen
    if limits.budget_left_fen is not None:
        yield Cap.BUDGET, limits.budget_left_fen


def _of_payer(work: Work) -> Iterator[tuple[Cap, int]]:
    """Yield what other supporters leave, and what is left once the buyer's own least share is paid, rounded up."""
    if work.ceiling_fen is not None:
        yield Cap.AGGREGATE, work.ceiling_fen - work.other_fen
    bp = work.terms.min_cash_share_bp
    if bp or work.payable_fen < work.base_fen:
        yield Cap.CASH_SHARE, work.payable_fen * (BP_WHOLE - bp) // BP_WHOLE


def decide(work: Work) -> Refusal | None:
    """Refuse what is too small or cut against the rules; else split the award over its funders."""
    terms, cap = work.terms, work.cap
    if cap and (work.amount_fen == 0 or not terms.partial_when_short):
        return work.refuse(Refusal.SHORT)
    if work.amount_fen < max(terms.min_award_fen, 1):
        work.note(StepCode.MINIMUM, 0, min_award_fen=terms.min_award_fen)
        return work.refuse(Refusal.BELOW_MINIMUM)
    if terms.funders:
        work.shares = shares_fen(work.amount_fen, terms.funders)
        for code, share_fen in work.shares.items():
            work.note(StepCode.FUNDED, share_fen, funder=code)
    named = {"cap": cap.value} if cap else {}
    work.note(StepCode.AWARD, work.amount_fen, **named)
    return None
