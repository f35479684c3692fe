"""Which spending a voucher may pay, how much, and why. Pure: integers in, integers and reasons out.

All amounts are fen, all ratios basis points. What is rounded is rounded down: public money never pays the odd fen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from core.money import share_fen


class Cap(StrEnum):
    """What can make an award smaller than its ratio of the spending, in the order in which ties are named."""

    ORDER_CAP = "ORDER_CAP"
    ENTITY_YEAR = "ENTITY_YEAR"
    GRANT = "GRANT"


class Refusal(StrEnum):
    """Why a voucher pays nothing."""

    PROGRAMME_NOT_OPEN = "PROGRAMME_NOT_OPEN"
    GRANT_NOT_USABLE = "GRANT_NOT_USABLE"
    BLACKLISTED = "BLACKLISTED"
    RELATED_PARTY = "RELATED_PARTY"
    CATEGORY_NOT_ELIGIBLE = "CATEGORY_NOT_ELIGIBLE"
    PROVIDER_NOT_LISTED = "PROVIDER_NOT_LISTED"
    BELOW_MINIMUM = "BELOW_MINIMUM"
    SHORT = "SHORT"


class StepCode(StrEnum):
    """What a step of an explanation did."""

    INCLUDED = "INCLUDED"
    EXCLUDED = "EXCLUDED"
    ELIGIBLE = "ELIGIBLE"
    RATIO = "RATIO"
    ROUNDED = "ROUNDED"
    CAP = "CAP"
    MINIMUM = "MINIMUM"
    AWARD = "AWARD"
    REFUSED = "REFUSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """The parameters of one published programme that decide an award."""

    programme: str
    ratio_bp: int
    eligible_categories: tuple[str, ...]
    order_cap_fen: int | None = None
    min_award_fen: int = 0
    round_unit_fen: int = 1
    partial_when_short: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Spending:
    """One line of what is to be paid, after every discount; a refund of spending is never a negative line."""

    category: str
    provider_listed: bool
    amount_fen: int

    def __post_init__(self) -> None:
        if self.amount_fen < 0:
            raise ValueError("spending is not negative")


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What is left at the moment of the quote; ``None`` means that no such limit exists."""

    grant_available_fen: int
    entity_year_left_fen: int | None = None
    programme_open: bool = True
    grant_usable: bool = True
    trusted: bool = True
    related: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """One step of the calculation: what was done, with which numbers, and the amount after it."""

    code: StepCode
    amount_fen: int
    params: Mapping[str, int | str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Quote:
    """What a voucher pays of some spending, with everything needed to explain it and to compute it again."""

    terms: Terms
    spending: tuple[Spending, ...]
    limits: Limits
    amount_fen: int
    eligible_fen: int
    binding_cap: Cap | None
    refused: Refusal | None
    steps: tuple[Step, ...]

    def explanation(self) -> dict[str, Any]:
        """Return the quote as JSON: inputs, every step, result. It is kept with the redemption as evidence."""
        return {
            "terms": asdict(self.terms) | {"eligible_categories": list(self.terms.eligible_categories)},
            "spending": [asdict(line) for line in self.spending],
            "limits": asdict(self.limits),
            "steps": [{"code": str(s.code), "amount_fen": s.amount_fen, "params": dict(s.params)} for s in self.steps],
            "amount_fen": self.amount_fen,
            "eligible_fen": self.eligible_fen,
            "binding_cap": self.binding_cap and str(self.binding_cap),
            "refused": self.refused and str(self.refused),
        }


def quote(*, terms: Terms, spending: Sequence[Spending], limits: Limits) -> Quote:
    """Say how much of ``spending`` the voucher pays, and why, in the normative order of calculation."""
    unusable = _unusable(limits)
    if unusable:
        return _refuse(terms, spending, limits, unusable)
    reasons = [_excluded(terms, line) for line in spending]
    eligible_fen = sum(line.amount_fen for line, reason in zip(spending, reasons, strict=True) if reason is None)
    steps = (*_line_steps(spending, reasons), Step(StepCode.ELIGIBLE, eligible_fen, {}))
    barred = next((reason for reason in reasons if reason), None)
    if barred and all(reasons):
        return _refuse(terms, spending, limits, barred, steps=steps)
    full_fen, ratio_steps = _ratio_steps(terms, eligible_fen)
    amount_fen, cap, cap_steps = _cap_steps(terms, limits, full_fen)
    steps += ratio_steps + cap_steps
    refused = _too_small(terms, amount_fen, cap)
    if refused:
        return _refuse(terms, spending, limits, refused, steps=steps, eligible_fen=eligible_fen, cap=cap)
    award = Step(StepCode.AWARD, amount_fen, {"cap": str(cap)} if cap else {})
    return Quote(
        terms=terms,
        spending=tuple(spending),
        limits=limits,
        amount_fen=amount_fen,
        eligible_fen=eligible_fen,
        binding_cap=cap,
        refused=None,
        steps=(*steps, award),
    )


def replay(explanation: Mapping[str, Any]) -> Quote:
    """Compute a stored explanation again from its own inputs."""
    terms = dict(explanation["terms"])
    terms["eligible_categories"] = tuple(terms["eligible_categories"])
    return quote(
        terms=Terms(**terms),
        spending=[Spending(**line) for line in explanation["spending"]],
        limits=Limits(**explanation["limits"]),
    )


def capture_total_fen(*, ratio_bp: int, round_unit_fen: int, held_fen: int, eligible_used_fen: int) -> int:
    """Return what a hold has paid in total once ``eligible_used_fen`` of its spending was really used.

    It is cumulative: capture the difference to what was captured before, and rounding never adds up.
    """
    return min(held_fen, floor_to(share_fen(amount_fen=eligible_used_fen, ratio_bp=ratio_bp), round_unit_fen))


def refund_total_fen(*, captured_fen: int, eligible_fen: int, refunded_eligible_fen: int) -> int:
    """Return what has come back in total once ``refunded_eligible_fen`` of the paid ``eligible_fen`` is refunded.

    It is cumulative and rounded down; the last refund returns the exact remainder.

    :raises ValueError: if more is refunded than was paid.
    """
    if eligible_fen <= 0 or not 0 <= refunded_eligible_fen <= eligible_fen:
        raise ValueError("a refund lies between nothing and all of what was paid")
    return captured_fen * refunded_eligible_fen // eligible_fen


def floor_to(amount_fen: int, unit_fen: int) -> int:
    """Return the largest multiple of ``unit_fen`` that is not above the amount."""
    return amount_fen - amount_fen % unit_fen


def _unusable(limits: Limits) -> Refusal | None:
    if not limits.programme_open:
        return Refusal.PROGRAMME_NOT_OPEN
    if not limits.grant_usable:
        return Refusal.GRANT_NOT_USABLE
    if not limits.trusted:
        return Refusal.BLACKLISTED
    return Refusal.RELATED_PARTY if limits.related else None


def _excluded(terms: Terms, line: Spending) -> Refusal | None:
    if line.category not in terms.eligible_categories:
        return Refusal.CATEGORY_NOT_ELIGIBLE
    return None if line.provider_listed else Refusal.PROVIDER_NOT_LISTED


def _line_steps(spending: Sequence[Spending], reasons: Iterable[Refusal | None]) -> tuple[Step, ...]:
    return tuple(
        Step(StepCode.EXCLUDED, line.amount_fen, {"category": line.category, "reason": str(reason)})
        if reason
        else Step(StepCode.INCLUDED, line.amount_fen, {"category": line.category})
        for line, reason in zip(spending, reasons, strict=True)
    )


def _ratio_steps(terms: Terms, eligible_fen: int) -> tuple[int, tuple[Step, ...]]:
    share = share_fen(amount_fen=eligible_fen, ratio_bp=terms.ratio_bp)
    steps: tuple[Step, ...] = (Step(StepCode.RATIO, share, {"ratio_bp": terms.ratio_bp}),)
    if terms.round_unit_fen == 1:
        return share, steps
    full_fen = floor_to(share, terms.round_unit_fen)
    return full_fen, (*steps, Step(StepCode.ROUNDED, full_fen, {"unit_fen": terms.round_unit_fen}))


def _cap_steps(terms: Terms, limits: Limits, full_fen: int) -> tuple[int, Cap | None, tuple[Step, ...]]:
    caps = {
        Cap.ORDER_CAP: terms.order_cap_fen,
        Cap.ENTITY_YEAR: limits.entity_year_left_fen,
        Cap.GRANT: limits.grant_available_fen,
    }
    amount_fen, binding, steps = full_fen, None, []
    for cap, limit_fen in caps.items():
        if limit_fen is None:
            continue
        allowed_fen = floor_to(max(limit_fen, 0), terms.round_unit_fen)
        if allowed_fen < amount_fen:
            amount_fen, binding = allowed_fen, cap
        steps.append(Step(StepCode.CAP, amount_fen, {"cap": str(cap), "limit_fen": limit_fen}))
    return amount_fen, binding, tuple(steps)


def _too_small(terms: Terms, amount_fen: int, cap: Cap | None) -> Refusal | None:
    if cap and (amount_fen == 0 or not terms.partial_when_short):
        return Refusal.SHORT
    if amount_fen < max(terms.min_award_fen, 1):
        return Refusal.BELOW_MINIMUM
    return None


def _refuse(
    terms: Terms,
    spending: Sequence[Spending],
    limits: Limits,
    refused: Refusal,
    *,
    steps: tuple[Step, ...] = (),
    eligible_fen: int = 0,
    cap: Cap | None = None,
) -> Quote:
    params: dict[str, int | str] = {"reason": str(refused)}
    if cap:
        params["cap"] = str(cap)
    if refused is Refusal.BELOW_MINIMUM:
        steps += (Step(StepCode.MINIMUM, 0, {"min_award_fen": terms.min_award_fen}),)
    return Quote(
        terms=terms,
        spending=tuple(spending),
        limits=limits,
        amount_fen=0,
        eligible_fen=eligible_fen,
        binding_cap=cap,
        refused=refused,
        steps=(*steps, Step(StepCode.REFUSED, 0, params)),
    )
