"""Which lines count, and what is left of them after discounts and tax: the base. Pure."""

from itertools import compress

from core.money import BP_WHOLE, round_half_up, split_fen
from vouchers.rules.case import BadSpending, Spending
from vouchers.rules.steps import Refusal, StepCode
from vouchers.rules.terms import Terms
from vouchers.rules.work import Work


def select(work: Work) -> Refusal | None:
    """Take the lines that the programme pays for."""
    barred: Refusal | None = None
    for line in work.spending:
        reason = excluded(work.terms, line)
        work.counts.append(reason is None)
        if reason is None:
            work.note(StepCode.INCLUDED, line.amount_fen, category=line.category)
        else:
            barred = barred or reason
            work.note(StepCode.EXCLUDED, line.amount_fen, category=line.category, reason=reason)
    work.nets = [line.amount_fen for line in work.spending]
    if barred and not any(work.counts):
        work.note(StepCode.ELIGIBLE, 0)
        return work.refuse(barred)
    return None


def excluded(terms: Terms, line: Spending) -> Refusal | None:
    """Say why a line does not count, if it does not."""
    if line.category not in terms.eligible_categories or line.category in terms.excluded_categories:
        return Refusal.CATEGORY_NOT_ELIGIBLE
    if not line.provider_listed:
        return Refusal.PROVIDER_NOT_LISTED
    if terms.price_filing and (line.filed_micro is None or (line.price_micro or 0) > line.filed_micro):
        return Refusal.PRICE_NOT_FILED
    if line.related and terms.related_denied:
        return Refusal.RELATED_PARTY
    if line.self_built and not terms.self_built_counts:
        return Refusal.SELF_BUILT
    return _unfit(terms, line) if terms.compute_kinds or terms.purposes or terms.regions else None


def _unfit(terms: Terms, line: Spending) -> Refusal | None:
    if terms.compute_kinds and line.compute_kind not in terms.compute_kinds:
        return Refusal.KIND_NOT_ELIGIBLE
    if terms.purposes and line.purpose not in terms.purposes:
        return Refusal.PURPOSE_NOT_ELIGIBLE
    return Refusal.REGION_NOT_ELIGIBLE if terms.regions and line.region not in terms.regions else None


def discount(work: Work) -> Refusal | None:
    """Share discounts of the order over all its lines by largest remainder; what counts is the rest."""
    if work.case.discounts:
        _allocate(work)
    work.eligible_fen = sum(compress(work.nets, work.counts))
    if not work.case.discounts:
        work.payable_fen = work.eligible_fen
    work.base_fen = work.eligible_fen
    work.note(StepCode.ELIGIBLE, work.eligible_fen)
    return None


def _allocate(work: Work) -> None:
    gross = work.nets
    given = sum(one.amount_fen for one in work.case.discounts)
    if given > sum(gross):
        raise BadSpending("discounts are not above the price")
    lowering = sum(one.amount_fen for one in work.case.discounts if one.kind in work.terms.net_of)
    shares = split_fen(lowering, gross)
    paid = shares if lowering == given else split_fen(given, gross)
    work.payable_fen = sum(compress(gross, work.counts)) - sum(compress(paid, work.counts))
    work.nets = [each - part for each, part in zip(gross, shares, strict=True)]
    for line, counts, net, part in zip(work.spending, work.counts, work.nets, shares, strict=True):
        if counts and part:
            work.note(StepCode.DISCOUNTED, net, category=line.category, discount_fen=part)


def untax(work: Work) -> Refusal | None:
    """Take value-added tax out of each line: by its invoice where that is known, else half up."""
    if work.terms.vat_bp is None:
        return None
    lines = zip(work.spending, work.nets, work.counts, strict=True)
    work.base_fen = sum(_untaxed(line, net, work.terms.vat_bp) for line, net, counts in lines if counts)
    work.note(StepCode.UNTAXED, work.base_fen)
    return None


def _untaxed(line: Spending, net_fen: int, vat_bp: int) -> int:
    if line.untaxed_fen is not None:
        return min(line.untaxed_fen, net_fen)
    rate = vat_bp if line.vat_bp is None else line.vat_bp
    return round_half_up(net_fen * BP_WHOLE, BP_WHOLE + rate)
