"""Every limit on an award, checked together; the one that binds is named. Pure."""

from itertools import pairwise

from core.money import BP_WHOLE
from vouchers.parameters.predicates import holds
from vouchers.parameters.redemption import OverCeiling
from vouchers.rules.amounts import shares_fen
from vouchers.rules.steps import Cap, Refusal, Step, StepCode
from vouchers.rules.work import Work


def limit(work: Work) -> Refusal | None:
    """Cut the award to the smallest of all limits, each rounded down to the unit; ties name the first."""
    unit, steps, amount_fen = work.terms.round_unit_fen, work.steps, work.amount_fen
    for cap, limit_fen in _caps(work):
        if limit_fen is None:
            continue
        allowed_fen = max(limit_fen, 0)
        if unit != 1:
            allowed_fen -= allowed_fen % unit
        if allowed_fen < amount_fen:
            amount_fen, work.cap = allowed_fen, cap
        steps.append(Step(StepCode.CAP, amount_fen, {"cap": cap, "limit_fen": limit_fen}))
    work.amount_fen = amount_fen
    return None


def _caps(work: Work) -> tuple[tuple[Cap, int | None], ...]:
    """Return every limit in the order in which ties are named; ``None`` where there is none."""
    terms, limits = work.terms, work.limits
    return (
        (Cap.MAX_AWARD, terms.max_award_fen),
        (Cap.ORDER_CAP, _left(limits.order_left_fen, terms.order_cap_fen)),
        (Cap.CONTRACT, _left(limits.contract_left_fen, terms.contract_cap_fen)),
        (Cap.ENTITY_YEAR, _of_the_year(work)),
        (Cap.ENTITY_LIFETIME, _left(limits.entity_lifetime_left_fen, terms.entity_lifetime_cap_fen)),
        (Cap.GROUP, limits.group_left_fen),
        (Cap.COMBINED, limits.combined_left_fen),
        (Cap.PROVIDER_SHARE, limits.provider_left_fen),
        (Cap.GRANT, limits.grant_available_fen),
        (Cap.POOL, limits.pool_left_fen),
        (Cap.TRANCHE, limits.released_left_fen),
        (Cap.BUDGET, limits.budget_left_fen),
        (Cap.AGGREGATE, None if work.ceiling_fen is None else work.ceiling_fen - work.other_fen),
        (Cap.CASH_SHARE, _after_own_share(work)),
    )


def _left(left_fen: int | None, cap_fen: int | None) -> int | None:
    """Return what is left of a cap: all of it, where nobody says how much was used."""
    return cap_fen if left_fen is None else left_fen


def _of_the_year(work: Work) -> int | None:
    limits = work.limits
    left_fen = _left(limits.entity_year_left_fen, work.terms.entity_year_cap_fen)
    if limits.left_by_basis:
        least = min(limits.left_by_basis.values())
        left_fen = least if left_fen is None else min(left_fen, least)
    if left_fen is not None and work.terms.cap_waiver is not None and _waived(work):
        work.note(StepCode.WAIVED, work.amount_fen, cap=Cap.ENTITY_YEAR)
        return None
    return left_fen


def _waived(work: Work) -> bool:
    waiver = work.terms.cap_waiver
    if waiver is None or not (work.limits.waiver_approved or not waiver.needs_approval):
        return False
    return holds(waiver.when, work.case.facts) is True


def _after_own_share(work: Work) -> int | None:
    """Return what is left once the buyer's own least share is paid, rounded up."""
    bp = work.terms.min_cash_share_bp
    return work.payable_fen * (BP_WHOLE - bp) // BP_WHOLE if bp or work.payable_fen < work.base_fen else None


def decide(work: Work) -> Refusal | None:
    """Refuse what is too small or cut against the rules; else split the award over its funders."""
    terms, cap = work.terms, work.cap
    if work.ceiling_fen is not None and terms.stacking.over is OverCeiling.REFUSE and _exceeds(work):
        return work.refuse(Refusal.SUPPORT_CEILING)
    if cap and (work.amount_fen == 0 or not terms.partial_when_short):
        return work.refuse(Refusal.SHORT)
    if work.amount_fen < max(terms.min_award_fen, 1):
        work.note(StepCode.MINIMUM, 0, min_award_fen=terms.min_award_fen)
        return work.refuse(Refusal.BELOW_MINIMUM)
    if terms.funders:
        work.shares = shares_fen(work.amount_fen, terms.funders)
        for code, share_fen in work.shares.items():
            work.note(StepCode.FUNDED, share_fen, funder=code)
    work.steps.append(Step(StepCode.AWARD, work.amount_fen, {"cap": cap} if cap else {}))
    return None


def _exceeds(work: Work) -> bool:
    """Whether the ceiling over public support is what cut the award."""
    return work.cap in (Cap.AGGREGATE, Cap.CASH_SHARE) and any(
        step.code is StepCode.CAP and step.params["cap"] is Cap.AGGREGATE and step.amount_fen < before.amount_fen
        for before, step in pairwise(work.steps)
    )
